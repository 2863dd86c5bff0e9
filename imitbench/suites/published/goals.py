"""Claims about goals that are taken from what episodes reached.

Those about GCSL are judged on the share of episodes that are at the goal in their last step, as in
its source; those about WGCSL on the return, as in its source's tables: minus the steps that an
episode spends away from its goal. Data sets, numbers of gradient steps and network sizes differ
from those of the sources, so only the order of methods is claimed.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

GHOSH = "Ghosh et al. 2021 (arXiv:1912.06088), section 1: any trajectory demonstrates the state "
GHOSH += "that it reaches"
YANG = "Yang et al. 2022 (arXiv:2202.04478), abstract"
MEASURE = "success_final"
RANDOM = "random actions, random"  # the demonstrator and the grade
REACH: Place = ("FetchReach", 2_000, RANDOM)
ROOMS: Place = ("PointMass-rooms", 1_000, "player, play")
MIXED: tuple[Place, ...] = (
    ("FetchReach", 500, "ddpg, replay"),
    ("FetchPush", 100, "scripted, noisy"),
)
STEPS_ON_PUSH = 40_000  # gradient steps of the authors on FetchPush: 100 x 20 x 20
ON_MIXED = "On a learner's experience and on noisy demonstrations"
HARD = tuple((task, 2_000, RANDOM) for task in ("FetchPush", "FetchPickAndPlace"))


def _without_demos(places: tuple[Place, ...]) -> tuple[Place, ...]:
    """The places of cells without demonstrations on the same tasks."""
    return tuple((task, 0, "") for task, _, _ in places)


def _more_often(text: str, better: str, worse: str, places: tuple[Place, ...]) -> Claim:
    return Claim(text, better, worse, GHOSH, measure=MEASURE, places=places)


def _higher(
    text: str, better: str, worse: str, places: tuple[Place, ...], source: str = YANG
) -> Claim:
    steps = STEPS_ON_PUSH if places == MIXED else 0
    return Claim(text, better, worse, source, source_steps=steps, measure="return", places=places)


CLAIMS = (
    *(
        _more_often(
            f"On undirected data {name} reaches goals more often than BC without relabelled goals",
            label,
            "bc",
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
    _higher(
        f"{ON_MIXED} WGCSL has a higher return than without weights", "wgcsl", "gcsl-mse", MIXED
    ),
    _higher(
        "On play WGCSL has a higher return than without weights", "wgcsl", "gcsl-mse", (ROOMS,)
    ),
    _higher(
        f"{ON_MIXED} WGCSL has a higher return than MARWIL without relabelled goals",
        "wgcsl",
        "marwil",
        MIXED,
    ),
    *(
        _higher(
            f"{ON_MIXED} WGCSL with {factor} alone has a higher return than without weights",
            label,
            "gcsl-mse",
            MIXED,
            f"{YANG}: each factor of the weight has a part in the result",
        )
        for factor, label in (
            ("the discount", "wgcsl-discount"),
            ("exponential advantages", "wgcsl-advantage"),
            ("the percentile of advantages", "wgcsl-best"),
        )
    ),
    Claim(
        "Online GCSL learns FetchReach: it is at the goal at the end of an episode more often than "
        "random actions are, by more than 50 points",
        "gcsl",
        "random",
        GHOSH,
        margin=0.5,
        effort="as run",
        measure=MEASURE,
        places=(("FetchReach", 0, ""),),
    ),
    Claim(
        "On FetchPush DDPG with hindsight goals reaches goals more often than GCSL after the same "
        "number of environment steps",
        "ddpg+her",
        "gcsl",
        OURS,
        measure=MEASURE,
        places=(("FetchPush", 0, ""),),
    ),
)
