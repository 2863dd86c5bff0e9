"""Claims of Fujimoto et al. 2019 (arXiv:1812.02900) about learning from fixed data.

Their results are figures without a table. Margins are shares of the scores that are compared: a
tenth of the agent's return above the random policy's, a tenth of the discounted return.
"""

from imitbench.suites.published.schema import Claim, Place

PAPER = "arXiv:1812.02900"
TASKS = ("HalfCheetah",)  # of the cpu profile
FINAL, CONCURRENT = "ddpg-0.5", "ddpg-0.1, as it learns"
DATA = (FINAL, CONCURRENT, "learned")  # those of the paper's section on values
BEHAVIOURS = (("ddpg-0.5", FINAL), ("ddpg-0.1", CONCURRENT))


def place(task: str, demonstrator: str, demos: int = 50) -> Place:
    """Returns the place of the cells with these data; without a demonstrator, of the learner."""
    return (task, demos if demonstrator else 0, demonstrator)


def _ddpg_below_behaviour(behaviour: str, demonstrator: str) -> Claim:
    return Claim(
        f"Off-policy DDPG has a lower return than the agent that made its data ({behaviour})",
        behaviour,
        "offline_ddpg",
        f"{PAPER}, section 3.1",
        measure="return",
        places=tuple(place(task, demonstrator) for task in TASKS),
        better_at=tuple(place(task, "") for task in TASKS),
    )


def _bcq_not_below_behaviour(behaviour: str, demonstrator: str) -> Claim:
    return Claim(
        f"BCQ's return is not below that of the agent that made its data ({behaviour}) by more "
        "than a tenth of the agent's",
        "bcq",
        behaviour,
        f"{PAPER}, section 5.1",
        measure="return",
        share=-0.1,
        places=tuple(place(task, demonstrator) for task in TASKS),
        worse_at=tuple(place(task, "") for task in TASKS),
    )


CLAIMS = (
    *(_ddpg_below_behaviour(*x) for x in BEHAVIOURS),
    Claim(
        "Off-policy DDPG's value estimate is higher than its discounted return",
        "offline_ddpg",
        "offline_ddpg",
        f"{PAPER}, section 3.1",
        measure="metric/value",
        against="metric/discounted",
        places=tuple(place(task, demonstrator) for task in TASKS for demonstrator in DATA),
    ),
    *(_bcq_not_below_behaviour(*x) for x in BEHAVIOURS),
    Claim(
        "BCQ's value estimate is not above its discounted return by more than a tenth of it",
        "bcq",
        "bcq",
        f"{PAPER}, section 5.1",
        measure="metric/discounted",
        against="metric/value",
        share=-0.1,
        share_of="better",
        places=tuple(place(task, demonstrator) for task in TASKS for demonstrator in DATA),
    ),
    Claim(
        "On imperfect demonstrations BCQ has a higher return than BC",
        "bcq",
        "bc",
        f"{PAPER}, section 5.1",
        measure="return",
        places=tuple(place(task, "learned, imperfect") for task in TASKS),
    ),
)
