"""Claims of Fujimoto et al. 2019 (arXiv:1812.02900) about learning from fixed data.

Their results are figures without a table. That BCQ is not below the agent that made its data is
not judged: the agents' seeds differ by several times a tenth of their return. That off-policy DDPG
overestimates by more than BCQ is not judged either. After the cpu profile's 45,000 gradient steps
10.5% of a value is still missing. This is a share of the value: a BCQ with large returns seems to
underestimate by much, and a DDPG that failed does not, even if neither extrapolates wrongly. The
estimate of off-policy DDPG is compared with its own return. There the missing share speaks against
the claim where returns are positive, and for it, by up to 0.11 in signed logarithms, where they are
negative. The margin covers that.
"""

from imitbench.suites.published.schema import Claim, Place

PAPER = "arXiv:1812.02900"
SOURCE_STEPS = 1_000_000  # of the paper: gradient steps, and environment steps of its agents
TASKS = ("HalfCheetah",)  # of the cpu profile
FINAL, CONCURRENT = "ddpg-0.5", "ddpg-0.1, as it learns"
DATA = (FINAL, CONCURRENT, "learned")  # those of the paper's section on values
UNFINISHED = 0.12  # what the missing share of a value can change: -log(1 - exp(-2.25)) = 0.11
BEHAVIOURS = (("ddpg-0.5", FINAL), ("ddpg-0.1", CONCURRENT))
LEARNERS = (("the final buffer", FINAL), ("concurrent data", CONCURRENT))
DEMONSTRATORS = (
    ("an expert's demonstrations", "learned"),
    ("imperfect demonstrations", "learned, imperfect"),
)


def place(task: str, demonstrator: str, demos: int = 47) -> Place:
    """Returns the place of the cells with these data; without a demonstrator, of the learner."""
    return (task, demos if demonstrator else 0, demonstrator)


def _ddpg_below_behaviour(behaviour: str, demonstrator: str) -> Claim:
    return Claim(
        f"Off-policy DDPG has a lower return than the agent that made its data ({behaviour})",
        behaviour,
        "offline_ddpg",
        f"{PAPER}, section 3.1 (there on Hopper)",
        measure="return",
        source_steps=SOURCE_STEPS,
        places=tuple(place(task, demonstrator) for task in TASKS),
        better_at=tuple(place(task, "") for task in TASKS),
    )


def _bcq_above(label: str, name: str, data: tuple[tuple[str, str], ...]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            f"On {what} BCQ has a higher return than {name}",
            "bcq",
            label,
            f"{PAPER}, section 5.1",
            measure="return",
            source_steps=SOURCE_STEPS,
            places=tuple(place(task, demonstrator) for task in TASKS),
        )
        for what, demonstrator in data
    )


CLAIMS = (
    *(_ddpg_below_behaviour(*x) for x in BEHAVIOURS),
    *_bcq_above("offline_ddpg", "off-policy DDPG", (*LEARNERS, *DEMONSTRATORS)),
    *_bcq_above("bc", "BC", (*LEARNERS, DEMONSTRATORS[1])),
    Claim(
        "Off-policy DDPG's value estimate is higher than its discounted return, by more than 0.12 "
        "in signed logarithms",
        "offline_ddpg",
        "offline_ddpg",
        f"{PAPER}, section 3.1 (there on Hopper)",
        margin=UNFINISHED,
        source_steps=SOURCE_STEPS,
        measure="log metric/value",
        against="log metric/discounted",
        places=tuple(place(task, demonstrator) for task in TASKS for demonstrator in DATA),
    ),
)
