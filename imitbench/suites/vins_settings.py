"""The search that chooses the settings of the suite `vins`, with as many trials for every row.

For each task and expert, on validation seeds and validation initial states, at the fewest
demonstrations of the suite: four clones for BC (a constant or a falling step size, without or with
the goal and the object relative to the hand), then slope and alpha for VINS with the best of them
as its prior, and alpha for VINS without negative samples, which has no slope. Without the BC prior
alpha is the spread of the candidates around zero and stays at 1, where they are uniform.

The clones have to run first (`--only bc bc-decay bc-relative bc-decay-relative`): the others begin
with the one that `imitbench.suites.vins.CLONES` then names.
"""

from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins as vins_method
from imitbench.suites import vins
from imitbench.suites.schema import Cell, Suite

# Task, kind of expert, demonstrations, settings that are not searched.
PLACES = (
    ("FetchPush", "learned", 100, vins.PUSH),
    ("FetchPickAndPlace", "learned", 100, vins.PICK),
    ("FetchPush", "scripted", 50, vins.PUSH),
    ("FetchPickAndPlace", "scripted", 10, vins.PICK),
)
GRID = ((5.0, 0.05), (5.0, 0.1), (10.0, 0.05), (10.0, 0.2))  # slope, alpha
ALPHAS = (0.05, 0.1, 0.2, 0.5)  # without negative samples


def cells(
    steps: int, seeds: int, episodes: int, places: Any = PLACES, trials: int = 4
) -> tuple[Cell, ...]:
    """Builds the cells of a profile, place by place.

    Of each row the setting with the largest sum of both success rates (any and final) is chosen.

    Args:
        steps: gradient steps in all.
        seeds: validation seeds.
        episodes: episodes of each seed in the evaluation.
        places: tasks, experts and numbers of demonstrations, as `PLACES`.
        trials: settings of each row.
    """
    out = []
    size = {"seeds": seeds, "eval_episodes": episodes, "validation": True}
    for task, expert, demos, fixed in places:
        place = (task, expert, demos)
        for label, clone in list(_clones(steps).items())[:trials]:
            out.append(vins.make_cell(*place, label, "bc", clone, steps, **size))
        for label, config in _trials(vins.prior(task, expert, steps), fixed, trials).items():
            out.append(vins.make_cell(*place, label, "vins", config, steps, **size))
    return tuple(out)


def _clones(steps: int) -> dict[str, bc.Config]:
    """Settings of BC, by label."""
    return {
        "bc": vins.clone(steps),
        "bc-decay": vins.clone(steps, decay=True),
        "bc-relative": vins.clone(steps, features=vins.RELATIVE),
        "bc-decay-relative": vins.clone(steps, decay=True, features=vins.RELATIVE),
    }


def _trials(clone: bc.Config, fixed: dict[str, Any], trials: int) -> dict[str, vins_method.Config]:
    """Settings of VINS, with and without negative samples, by label."""
    out = {
        f"vins-slope{slope:g}-alpha{alpha:g}": vins_method.Config(
            clone=clone, slope=slope, alpha=alpha, **fixed
        )
        for slope, alpha in GRID[:trials]
    }
    return out | {
        f"vins-no-ns-alpha{alpha:g}": vins_method.Config(clone=clone, alpha=alpha, mu=0.0, **fixed)
        for alpha in ALPHAS[:trials]
    }


SUITE = Suite(
    name="vins_settings",
    about="The search that chooses the settings of the suite vins.",
    profiles={
        "smoke": cells(4, 2, 2, PLACES[2:3], 1),
        "cpu": cells(10_000, 4, 200),
        "full": cells(20_000, 5, 500),
    },
)
