"""Claims of Ho and Ermon 2016 (arXiv:1606.03476) and of others about GAIL, DAC, DAgger and BC.

Claims are on undiscounted returns. Environments, experts, the generator (TRPO) and the number of
steps (about 25 million) of the paper differ from those here, so only comparisons are claimed.
Margins are a tenth of the return of the shipped expert
(`imitbench/experts/reference_scores.json`), or a tenth of the return of the cell that is compared
with, counted from the random policy's.
"""

from collections.abc import Sequence

from imitbench.suites.published.margins import tenth_of_expert
from imitbench.suites.published.schema import OURS, Claim, Place

PAPER = "arXiv:1606.03476, table 3"
DAC = "Kostrikov et al. 2019 (arXiv:1809.02925)"
CONSTANT = f"after {DAC}, section 5.2 and figure 5"
TASKS = ("Hopper", "HalfCheetah", "Walker2d")  # of GAIL in the cpu profile
MOST = 11  # demonstrations in the cpu profile
SAME_WITH_4 = ("Hopper", "HalfCheetah")  # in the paper; on Walker2d 4 are worth less than 11
MORE_DATA = ("Hopper", "Walker2d")  # on HalfCheetah BC is at the floor with either number
GAIL_STEPS = 25_000_000  # of the paper
DAC_STEPS = 1_000_000  # of DAC's paper

NO_PENALTY = "GAIL without a gradient penalty"

# Label and name of each row whose rewards are of either sign; the row that it is compared with,
# which has as much of a gradient penalty, and its name; and the source.
EITHER_SIGN = (
    ("gail-logit", "GAIL with the logit of D", "gail", "GAIL", f"{DAC}, section 4.1.1"),
    ("airl", "AIRL", "gail-no-penalty", NO_PENALTY, f"{DAC}, section 4.1.1"),
)


def place(task: str, demos: int) -> Place:
    """Returns the place of the cells with so many demonstrations."""
    return (task, demos, "learned")


def zero_actions(task: str) -> Place:
    """Returns the place of the cells with demonstrations of all-zero actions."""
    return (task, MOST, "zero actions, still")


def _above_bc(
    demos: int, label: str = "gail", name: str = "GAIL", tasks: Sequence[str] = TASKS
) -> Claim:
    return Claim(
        f"{name} has a higher return than BC with {demos} trajector{'y' if demos == 1 else 'ies'}",
        label,
        "bc",
        PAPER if demos > 1 else OURS,
        measure="return",
        source_steps=GAIL_STEPS if demos > 1 else 0,
        places=tuple(place(task, demos) for task in tasks),
    )


def _test_of(source: str) -> str:
    return source if source == OURS else f"our test of {source}"


CLAIMS = (
    *map(_above_bc, (1, 4, MOST)),
    _above_bc(4, "gail-no-penalty", NO_PENALTY, ("Hopper",)),
    _above_bc(4, "gail_trpo", "GAIL with TRPO", ("Hopper",)),
    Claim(
        "BC has a higher return with 11 trajectories than with 4",
        "bc",
        "bc",
        PAPER,
        measure="return",
        places=tuple(place(task, MOST) for task in MORE_DATA),
        worse_at=tuple(place(task, 4) for task in MORE_DATA),
    ),
    Claim(
        "GAIL's return with 4 trajectories is not below its return with 11 by more than a tenth",
        "gail",
        "gail",
        PAPER,
        measure="return",
        share=-0.1,
        source_steps=GAIL_STEPS,
        places=tuple(place(task, 4) for task in SAME_WITH_4),
        worse_at=tuple(place(task, MOST) for task in SAME_WITH_4),
    ),
    Claim(
        "DAC's return, after a fifth of the environment steps, is not below GAIL's by more than a "
        "tenth",
        "dac",
        "gail",
        f"{DAC}, abstract (a tenth of the steps)",
        measure="return",
        share=-0.1,
        effort="as run",
        after=(102_400, 512_000),
        source_steps=DAC_STEPS,
        places=(place("Hopper", 4),),
    ),
    Claim(
        "DAC has a higher return than GAIL after the same number of environment steps",
        "dac",
        "gail",
        f"{DAC}, section 5.1, figures 4 and 8",
        measure="return",
        source_steps=DAC_STEPS,
        places=(place("Hopper", 4),),
    ),
    Claim(
        "DAC has a higher return with absorbing states than without, where episodes can end early",
        "dac",
        "dac-no-absorbing",
        f"{DAC}, section 5.2 and figure 7 (there with AIRL's discriminator)",
        measure="return",
        source_steps=DAC_STEPS,
        places=(place("Hopper", 4),),
    ),
    Claim(
        "DAgger with 4 trajectories, and the expert's actions on all steps of 20 more, a hundred "
        "times as many, has a higher return than BC with 4",
        "dagger",
        "bc",
        OURS,
        measure="return",
        places=tuple(place(task, 4) for task in (*TASKS, "Ant-27")),
    ),
    *(
        Claim(
            f"On Reacher BC has a higher return than {name}, with 4 trajectories",
            "bc",
            label,
            PAPER,
            measure="return",
            places=(place("Reacher", 4),),
        )
        for label, name in (("gail", "GAIL"), ("gail-no-penalty", NO_PENALTY))
    ),
    Claim(
        "With a constant reward of 1 a step, the return is higher where episodes can end early "
        "than where they cannot, by more than a tenth of the expert's return",
        "gail-constant",
        "gail-constant",
        CONSTANT,
        measure="return",
        margin=tenth_of_expert("Hopper"),
        places=(place("Hopper", 4),),
        worse_at=(place("Hopper-fh", 4),),
    ),
    Claim(
        "With demonstrations of all-zero actions, GAIL's return is higher where episodes can end "
        "early than where they cannot, by more than a tenth of the expert's return",
        "gail",
        "gail",
        OURS,
        measure="return",
        margin=tenth_of_expert("Hopper"),
        places=(zero_actions("Hopper"),),
        worse_at=(zero_actions("Hopper-fh"),),
    ),
    *(
        Claim(
            f"Where episodes can end early {positive} with -log(1 - D) as its reward has a higher "
            f"return than {name}, whose rewards are of either sign",
            better,
            label,
            source,
            measure="return",
            places=(place("Hopper", 4),),
        )
        for label, name, better, positive, source in EITHER_SIGN
    ),
    *(
        Claim(
            f"The lead of {positive} with -log(1 - D) as its reward over {name}, whose rewards are "
            "of either sign, is larger where episodes can end early than where they cannot, by "
            "more than a tenth of the expert's return",
            better,
            label,
            _test_of(source),
            measure="return",
            margin=tenth_of_expert("Hopper"),
            shrinks=((place("Hopper", 4), place("Hopper-fh", 4)),),
        )
        for label, name, better, positive, source in EITHER_SIGN
    ),
    Claim(
        "GAIL has a higher return than a constant reward of 1 a step",
        "gail",
        "gail-constant",
        CONSTANT,
        measure="return",
        places=(place("Hopper", 4), place("Hopper-fh", 4)),
    ),
)
