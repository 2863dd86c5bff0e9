"""Claims about models and policies that learn in turns.

Claims are on undiscounted returns of 500 steps. The papers show curves of other environments (those
of rllab, with other rewards), at up to a million steps, so only comparisons are claimed, and no
claim about its last return is refuted while it is still rising. Hopper is not among the tasks of
Luo et al.
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
MARGIN = 100.0  # 0.2 m/s in each of 500 steps: a policy that merely stands still decides nothing


def _above(
    text: str,
    worse: str,
    source: str,
    better: str = "slbo",
    places: tuple[Place, ...] = PLACES[:1],
    after: tuple[int, int] | None = None,
    margin: float = 0.0,
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
        f"{LANDOLFI} (few samples); the comparison is ours",
        better=AFTER,
        places=SPEEDS,
        margin=MARGIN,
        after=(20_000, 20_000),
    ),
)
