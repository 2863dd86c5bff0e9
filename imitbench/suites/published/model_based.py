"""Claims about models and policies that learn in turns.

Claims are on undiscounted returns of 500 steps. The papers show curves of other environments (those
of rllab, with other rewards), at up to a million steps, so only comparisons are claimed. A claim
about the last return is not refuted while SLBO is still rising, and the one beside SAC not at all.
Hopper is not among the tasks of Luo et al.

The claims about speeds are about the curves at the steps that they name, and can be refuted there
whatever follows, but for the end of a curve that still rises; the comparisons are ours. These tasks
have no reference scores, and so no floor. `slbo` before its first step is a control in its place:
an untrained policy, whose mean action is near zero, so that it stands still. A lead over `slbo`
after some steps says something about running only where the lead over the control is there, too.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

LUO = "Luo et al. 2018 (arXiv:1807.03858), section 6.2 and figure 1 (HalfCheetah)"
APPENDIX = "Luo et al. 2018 (arXiv:1807.03858), appendix F.5"
LANDOLFI = "Landolfi et al. 2019 (arXiv:1907.04964), abstract"
PLACES: tuple[Place, ...] = tuple(
    (f"{body}-known-reward", 0, "") for body in ("HalfCheetah", "Hopper")
)
SPEEDS: tuple[Place, ...] = (("HalfCheetah-speed-1", 0, ""),)  # of the cpu profile
AFTER = "slbo-after-5"
MARGIN = 100.0  # 0.2 m/s in each of 500 steps; standing still has -500 at a target of 1 m/s


def _above(
    text: str,
    worse: str,
    source: str,
    better: str = "slbo",
    places: tuple[Place, ...] = PLACES[:1],
    after: tuple[int, int] | None = None,
    margin: float = 0.0,
    source_steps: int = 0,
) -> Claim:
    return Claim(
        text,
        better,
        worse,
        source,
        margin,
        measure="return",
        places=places,
        after=after,
        source_steps=source_steps,
    )


def _moves(when: str, steps: int) -> Claim:
    """The policy after earlier speeds, above an untrained one: without it a claim about speeds has
    no floor."""
    return _above(
        f"At 1 m/s, with a model of earlier speeds, the return {when} is higher than that of an "
        f"untrained policy, which stands still, by more than {MARGIN:g}",
        "slbo",
        OURS,
        better=AFTER,
        places=SPEEDS,
        margin=MARGIN,
        after=(steps, 0),
    )


CLAIMS = (
    _above(
        "After the same number of real steps SLBO has a higher return than TRPO, which has no "
        "model",
        "trpo",
        LUO,
    ),
    _above(
        "On Hopper, too, SLBO has after the same number of real steps a higher return than TRPO",
        "trpo",
        OURS,
        places=PLACES[1:],
    ),
    _above(
        "After the same number of real steps SLBO has a higher return than SAC, which has no model",
        "sac",
        LUO,
        source_steps=1_000_000,
    ),
    _above(
        "Model and policy that learn in turns have a higher return than a policy that learns when "
        "the model has been fitted (MB-TRPO), after the same number of real steps",
        "mb-trpo",
        LUO,
    ),
    _above(
        "With the length of the model's error SLBO has a higher return than with its square",
        "slbo-squared",
        f"{LUO}; worse there on four of five tasks, which the text does not name",
    ),
    _above(
        "With an error over two steps SLBO has a higher return than over one",
        "slbo-one-step",
        f"{APPENDIX}, figure 2: two or four steps can help, more can hurt",
    ),
    _above(
        "With a bonus on the policy's entropy SLBO has a higher return than without",
        "slbo-no-entropy",
        f"{APPENDIX}, entropy regularisation",
    ),
    _above(
        "With noise on real actions SLBO has a higher return than without",
        "slbo-no-noise",
        f"{OURS}, whose algorithm has the noise",
    ),
    _above(
        "At 1 m/s a policy that was warmed up in a model of earlier speeds, without real steps at "
        "that speed, has a higher return than a policy trained from nothing has after 10,000, by "
        f"more than {MARGIN:g}",
        "slbo",
        f"{LANDOLFI} (warm-up without samples); the comparison is ours",
        better=AFTER,
        places=SPEEDS,
        margin=MARGIN,
        after=(0, 10_000),
    ),
    _above(
        "At 1 m/s, with a model of earlier speeds, the return after 10,000 real steps is higher by "
        f"more than {MARGIN:g}",
        "slbo",
        f"{LANDOLFI} (few samples); the comparison is ours",
        better=AFTER,
        places=SPEEDS,
        margin=MARGIN,
        after=(10_000, 10_000),
    ),
    _above(
        "At 1 m/s, with a model of earlier speeds, the return after 20,000 real steps is higher by "
        f"more than {MARGIN:g}",
        "slbo",
        OURS,
        better=AFTER,
        places=SPEEDS,
        margin=MARGIN,
        after=(20_000, 20_000),
    ),
    _moves("of the warmed-up policy, without real steps at that speed,", 0),
    _moves("after 10,000 real steps", 10_000),
    _moves("after 20,000 real steps", 20_000),
)
