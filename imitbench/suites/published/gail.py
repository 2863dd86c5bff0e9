"""Claims of Ho and Ermon 2016 (arXiv:1606.03476) and of others about GAIL, DAC, DAgger and BC.

Claims are on undiscounted returns. Environments, experts, the generator (TRPO) and the number of
steps (about 25 million) of the paper differ from those here, so only comparisons are claimed.
Margins are a tenth of the return of the shipped expert
(`imitbench/experts/reference_scores.json`), or a tenth of the return of the cell that is compared
with, counted from the random policy's.
"""

from imitbench.suites.published.margins import tenth_of_expert
from imitbench.suites.published.schema import Claim, Place

PAPER = "arXiv:1606.03476, table 3"
KOSTRIKOV = "Kostrikov et al. 2019 (arXiv:1809.02925), section 4.1"
DAC = "arXiv:1809.02925"
TASKS = ("Hopper", "HalfCheetah", "Walker2d")  # of GAIL in the cpu profile
MOST = 11  # demonstrations in the cpu profile
DAC_TASKS = ("Hopper",)  # of the cpu profile


def place(task: str, demos: int) -> Place:
    """Returns the place of the cells with so many demonstrations."""
    return (task, demos, "learned")


def zero_actions(task: str) -> Place:
    """Returns the place of the cells with demonstrations of all-zero actions."""
    return (task, MOST, "zero actions, still")


def _gail_above_bc(demos: int) -> Claim:
    return Claim(
        f"GAIL has a higher return than BC with {demos} trajector{'y' if demos == 1 else 'ies'}",
        "gail",
        "bc",
        PAPER if demos > 1 else "not in the paper",
        measure="return",
        places=tuple(place(task, demos) for task in TASKS),
    )


DAC_PLACES = tuple(place(task, 4) for task in DAC_TASKS)

CLAIMS = (
    *(_gail_above_bc(demos) for demos in (1, 4, MOST)),
    Claim(
        "BC has a higher return with 11 trajectories than with 4",
        "bc",
        "bc",
        PAPER,
        measure="return",
        places=tuple(place(task, MOST) for task in TASKS),
        worse_at=tuple(place(task, 4) for task in TASKS),
    ),
    Claim(
        "GAIL's return with 4 trajectories is not below its return with 11 by more than a tenth",
        "gail",
        "gail",
        PAPER,
        measure="return",
        share=-0.1,
        places=tuple(place(task, 4) for task in TASKS),
        worse_at=tuple(place(task, MOST) for task in TASKS),
    ),
    Claim(
        "DAC's return, after far fewer environment steps, is not below GAIL's by more than a tenth",
        "dac",
        "gail",
        f"{DAC}, abstract (a tenth of the steps)",
        measure="return",
        share=-0.1,
        effort="as run",
        places=DAC_PLACES,
    ),
    Claim(
        "DAC has a higher return than GAIL after as many environment steps",
        "dac",
        "gail",
        f"{DAC}, figure 4",
        measure="return",
        places=DAC_PLACES,
    ),
    Claim(
        "DAgger with 4 trajectories, and the expert's actions on 20 more, has a higher return than "
        "BC with 4",
        "dagger",
        "bc",
        "Ross et al. 2011 (arXiv:1011.0686), theorem 3.2",
        measure="return",
        places=tuple(place(task, 4) for task in (*TASKS, "Ant-27")),
    ),
    Claim(
        "On Reacher BC has a higher return than GAIL with 4 trajectories",
        "bc",
        "gail",
        PAPER,
        measure="return",
        places=(("Reacher", 4, "learned"),),
    ),
    Claim(
        "With a constant reward of 1 a step, the return is higher where episodes can end early "
        "than where they cannot, by more than a tenth of the expert's return",
        "gail-constant",
        "gail-constant",
        KOSTRIKOV,
        measure="return",
        margin=tenth_of_expert("Hopper"),
        places=(place("Hopper", MOST),),
        worse_at=(place("Hopper-fh", MOST),),
    ),
    Claim(
        "With demonstrations of all-zero actions, GAIL's return is higher where episodes can end "
        "early than where they cannot, by more than a tenth of the expert's return",
        "gail",
        "gail",
        KOSTRIKOV,
        measure="return",
        margin=tenth_of_expert("Hopper"),
        places=(zero_actions("Hopper"),),
        worse_at=(zero_actions("Hopper-fh"),),
    ),
    Claim(
        "With the logit of D as its reward, which is of either sign, GAIL's return is higher where "
        "episodes cannot end early than where they can, by more than a tenth of the expert's "
        "return",
        "gail-logit",
        "gail-logit",
        KOSTRIKOV,
        measure="return",
        margin=tenth_of_expert("Hopper"),
        places=(place("Hopper-fh", 4),),
        worse_at=(place("Hopper", 4),),
    ),
    Claim(
        "GAIL has a higher return than a constant reward of 1 a step",
        "gail",
        "gail-constant",
        KOSTRIKOV,
        measure="return",
        places=(place("Hopper", MOST), place("Hopper-fh", MOST)),
    ),
)
