"""What Fujimoto et al. 2019 (arXiv:1812.02900) say of learning from fixed data; their results are
figures, without a table.

Margins are in the units of the measure. Returns: a tenth of the way from the random policy to the
shipped expert (`imitbench/experts/reference.json`). Values: a tenth of the discounted return
(0.99) of a policy that has the expert's mean reward for ever.
"""

from imitbench.suites.published.schema import Claim, Place

PAPER = "arXiv:1812.02900"
EXPERT = {"Hopper": 3562.0, "HalfCheetah": 9110.0}  # returns of 1,000 steps
TASKS = tuple(EXPERT)


def at(task: str, who: str, demos: int = 50) -> Place:
    return (task, demos if who else 0, who)


FINAL, CONCURRENT = "ddpg-0.5", "ddpg-0.1, as it learns"
DATA = (FINAL, CONCURRENT, "learned", "learned, imperfect")


def _below(behaviour: str, who: str) -> Claim:
    return Claim(
        f"off-policy DDPG is below the behavioural agent ({behaviour}) on its data",
        behaviour,
        "offline_ddpg",
        f"{PAPER}, section 3.1",
        measure="return",
        places=tuple(at(t, who) for t in TASKS),
        better_at=tuple(at(t, "") for t in TASKS),
    )


def _not_below(task: str, behaviour: str, who: str) -> Claim:
    return Claim(
        f"BCQ is not below the behavioural agent ({behaviour}) by more than a tenth",
        "bcq",
        behaviour,
        f"{PAPER}, section 5.1",
        measure="return",
        margin=-0.1 * EXPERT[task],
        places=(at(task, who),),
        worse_at=(at(task, ""),),
    )


def _modest(task: str) -> Claim:
    return Claim(
        "BCQ's values are not above its discounted returns by more than a tenth",
        "bcq",
        "bcq",
        f"{PAPER}, section 5.1",
        measure="metric/discounted",
        against="metric/value",
        margin=-0.1 * EXPERT[task] / 10,
        places=tuple(at(task, who) for who in DATA),
    )


BEHAVIOURS = (("ddpg-0.5", FINAL), ("ddpg-0.1", CONCURRENT))
CLAIMS = (
    *(_below(*x) for x in BEHAVIOURS),
    Claim(
        "off-policy DDPG's values are above its discounted returns",
        "offline_ddpg",
        "offline_ddpg",
        f"{PAPER}, section 3.1",
        measure="metric/value",
        against="metric/discounted",
        places=tuple(at(t, who) for t in TASKS for who in DATA),
    ),
    *(_not_below(t, *x) for x in BEHAVIOURS for t in TASKS),
    *(_modest(t) for t in TASKS),
    Claim(
        "BCQ is above BC on imperfect demonstrations",
        "bcq",
        "bc",
        f"{PAPER}, section 5.1",
        measure="return",
        places=tuple(at(t, "learned, imperfect") for t in TASKS),
    ),
)
