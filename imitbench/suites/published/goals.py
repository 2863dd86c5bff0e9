"""Claims about goals that are taken from what episodes reached.

They are judged on the share of episodes that are at the goal in their last step. Data sets, numbers
of gradient steps and network sizes differ from those of the sources, so only the order of methods
is claimed.
"""

from imitbench.suites.published.schema import Claim, Place

GHOSH = "Ghosh et al. 2021 (arXiv:1912.06088), section 1: any trajectory demonstrates the state "
GHOSH += "that it reaches"
YANG = "Yang et al. 2022 (arXiv:2202.04478), abstract"
OURS = "not in the paper"
MEASURE = "success_final"
RANDOM = "random actions, random"  # the demonstrator and the grade
REACH: Place = ("FetchReach", 2_000, RANDOM)
ROOMS: Place = ("PointMass-rooms", 1_000, "player, play")
MIXED: tuple[Place, ...] = (("FetchReach", 500, "ddpg, replay"), ("FetchPush", 500, "ddpg, replay"))
HARD = tuple((task, 2_000, RANDOM) for task in ("FetchPush", "FetchPickAndPlace"))


def _without_demos(places: tuple[Place, ...]) -> tuple[Place, ...]:
    """The places of cells without demonstrations on the same tasks."""
    return tuple((task, 0, "") for task, _, _ in places)


def _above(text: str, better: str, worse: str, source: str, places: tuple[Place, ...]) -> Claim:
    return Claim(text, better, worse, source, measure=MEASURE, places=places)


CLAIMS = (
    *(
        _above(
            f"On undirected data {name} reaches goals more often than BC without relabelled goals",
            label,
            "bc",
            GHOSH,
            (REACH, ROOMS),
        )
        for name, label in (("GCBC", "gcbc"), ("GCSL", "gcsl-data"))
    ),
    *(
        Claim(
            f"From random actions on a task with an object {name} learns nothing: it reaches goals "
            "as often as random actions do, up to 10 points",
            label,
            "random",
            OURS,
            margin=0.1,
            equivalent=True,
            at_floor=True,
            effort="as run",
            measure=MEASURE,
            places=HARD,
            worse_at=_without_demos(HARD),
        )
        for name, label in (("BC", "bc"), ("GCSL", "gcsl-data"), ("WGCSL", "wgcsl"))
    ),
    _above(
        "On a learner's experience WGCSL reaches goals more often than without weights",
        "wgcsl",
        "gcsl-mse",
        YANG,
        MIXED,
    ),
    _above(
        "On play WGCSL reaches goals more often than without weights",
        "wgcsl",
        "gcsl-mse",
        YANG,
        (ROOMS,),
    ),
    _above(
        "On a learner's experience WGCSL reaches goals more often than MARWIL without relabelled "
        "goals",
        "wgcsl",
        "marwil",
        YANG,
        MIXED,
    ),
    *(
        _above(
            f"On a learner's experience WGCSL with {factor} alone reaches goals more often than "
            "without weights",
            label,
            "gcsl-mse",
            f"{YANG}: each factor of the weight has a part in the result",
            MIXED,
        )
        for factor, label in (
            ("the discount", "wgcsl-discount"),
            ("exponential advantages", "wgcsl-advantage"),
            ("the percentile of advantages", "wgcsl-best"),
        )
    ),
    Claim(
        "Online GCSL learns FetchReach: it reaches goals more often than random actions",
        "gcsl",
        "random",
        GHOSH,
        margin=0.5,
        effort="as run",
        measure=MEASURE,
        places=(("FetchReach", 0, ""),),
    ),
    Claim(
        "On FetchPush DDPG with hindsight goals reaches goals more often than GCSL after as many "
        "environment steps",
        "ddpg+her",
        "gcsl",
        OURS,
        measure=MEASURE,
        places=(("FetchPush", 0, ""),),
    ),
)
