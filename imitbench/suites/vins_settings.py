"""The search that chose the settings of the suite `vins`.

It tries slope and alpha for each task and expert, on validation seeds and validation initial
states, at the fewest demonstrations of the suite.
"""

from typing import Any

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


def cells(
    steps: int, seeds: int, episodes: int, places: Any = PLACES, grid: Any = GRID
) -> tuple[Cell, ...]:
    """Builds the cells of a profile: BC, and VINS with each setting.

    The setting with the largest sum of both success rates (any and final) is chosen.

    Args:
        steps: gradient steps in all.
        seeds: validation seeds.
        episodes: episodes of each seed in the evaluation.
        places: tasks, experts and numbers of demonstrations, as `PLACES`.
        grid: pairs of slope and alpha.
    """
    out = []
    size = {"seeds": seeds, "eval_episodes": episodes, "validation": True}
    for task, expert, demos, fixed in places:
        clone = vins.clone(steps)
        out.append(vins.make_cell(task, expert, demos, "bc", "bc", clone, steps, **size))
        for slope, alpha in grid:
            config = vins_method.Config(clone=clone, slope=slope, alpha=alpha, **fixed)
            label = f"vins-slope{slope:g}-alpha{alpha:g}"
            out.append(vins.make_cell(task, expert, demos, label, "vins", config, steps, **size))
    return tuple(out)


SUITE = Suite(
    name="vins_settings",
    about="The search that chose the settings of the suite vins.",
    profiles={
        "smoke": cells(4, 2, 2, PLACES[2:3], GRID[:1]),
        "cpu": cells(10_000, 2, 200),
        "full": cells(20_000, 5, 500),
    },
)
