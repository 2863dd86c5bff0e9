"""What Ho and Ermon 2016 (arXiv:1606.03476) report of GAIL and BC, as comparisons: their
environments, experts, generator (TRPO) and number of steps (about 25 million) are not ours.

Margins are in units of return: a tenth of what the shipped expert gets
(`imitbench/experts/reference.json`).
"""

from imitbench.suites.published.schema import Claim, Place

PAPER = "arXiv:1606.03476, table 3"
LEAKS = "Kostrikov et al. 2019 (arXiv:1809.02925), section 4.1"
TENTH = {"Hopper": 356.0, "HalfCheetah": 911.0, "Walker2d": 451.0, "Ant": 437.0}
TASKS = tuple(TENTH)
OFF = ("Hopper", "Walker2d")  # where DAC runs in the cpu profile


def at(task: str, demos: int) -> Place:
    return (task, demos, "learned")


def idle(task: str) -> Place:
    return (task, 25, "zero actions, still")


CLAIMS = (
    *(
        Claim(
            f"GAIL is above BC with {demos} trajector{'y' if demos == 1 else 'ies'}",
            "gail",
            "bc",
            PAPER if demos > 1 else "not in the paper",
            measure="return",
            places=tuple(at(t, demos) for t in TASKS),
        )
        for demos in (1, 4, 11, 18)
    ),
    Claim(
        "BC is better with 25 trajectories than with 4",
        "bc",
        "bc",
        PAPER,
        measure="return",
        places=tuple(at(t, 25) for t in TASKS),
        worse_at=tuple(at(t, 4) for t in TASKS),
    ),
    *(
        Claim(
            "GAIL with 4 trajectories is not below GAIL with 25 by more than a tenth",
            "gail",
            "gail",
            PAPER,
            measure="return",
            margin=-TENTH[t],
            places=(at(t, 4),),
            worse_at=(at(t, 25),),
        )
        for t in TASKS
        if t != "Ant"  # where the cpu profile's GAIL does not walk: equal failures prove nothing
    ),
    *(
        Claim(
            "DAC, in fewer steps, is not below GAIL by more than a tenth",
            "dac",
            "gail",
            "arXiv:1809.02925, abstract (a tenth of the steps)",
            measure="return",
            margin=-TENTH[t],
            places=(at(t, 4),),
        )
        for t in OFF
    ),
    Claim(
        "DAgger, with labels for 20 whole trajectories more, is above BC with 4",
        "dagger",
        "bc",
        "Ross et al. 2011 (arXiv:1011.0686), theorem 3.2",
        measure="return",
        places=tuple(at(t, 4) for t in TASKS),
    ),
    Claim(
        "BC is above GAIL with 4 trajectories on Reacher",
        "bc",
        "gail",
        PAPER,
        measure="return",
        places=(("Reacher", 4, "learned"),),
    ),
    Claim(
        "where episodes can end, 1 a step alone teaches more than a tenth of the expert's return",
        "gail-constant",
        "gail-constant",
        LEAKS,
        measure="return",
        margin=TENTH["Hopper"],
        places=(at("Hopper", 25),),
        worse_at=(at("Hopper-fh", 25),),
    ),
    Claim(
        "where episodes can end, GAIL shown actions of 0 gets more than a tenth of the expert's "
        "return above GAIL shown them where they cannot",
        "gail",
        "gail",
        LEAKS,
        measure="return",
        margin=TENTH["Hopper"],
        places=(idle("Hopper"),),
        worse_at=(idle("Hopper-fh"),),
    ),
    Claim(
        "GAIL is above 1 a step",
        "gail",
        "gail-constant",
        LEAKS,
        measure="return",
        places=(at("Hopper", 25), at("Hopper-fh", 25)),
    ),
)
