"""How the settings of the suite `vins` were chosen: slope and alpha for each task and expert, on
validation seeds and initial states, at the fewest demonstrations of the suite."""

from typing import Any

from imitbench.algos.model_based import vins
from imitbench.suites import vins as base
from imitbench.suites.schema import Cell, Suite

PLACES = (
    ("FetchPush", "learned", 100, base.PUSH),
    ("FetchPickAndPlace", "learned", 100, base.PICK),
    ("FetchPush", "scripted", 50, base.PUSH),
    ("FetchPickAndPlace", "scripted", 10, base.PICK),
)
GRID = ((5.0, 0.05), (5.0, 0.1), (10.0, 0.05), (10.0, 0.2))  # slope, alpha


def cells(
    steps: int, seeds: int, episodes: int, places: Any = PLACES, grid: Any = GRID
) -> tuple[Cell, ...]:
    """BC, and VINS with every setting; chosen is what succeeds most, any and final together."""
    out = []
    size = {"seeds": seeds, "eval_episodes": episodes, "validation": True}
    for task, expert, demos, groups in places:
        clone = base.clone(steps)
        out.append(base.cell(task, expert, demos, "bc", "bc", clone, steps, **size))
        for slope, alpha in grid:
            config = vins.Config(clone=clone, slope=slope, alpha=alpha, **groups)
            label = f"vins-slope{slope:g}-alpha{alpha:g}"
            out.append(base.cell(task, expert, demos, label, "vins", config, steps, **size))
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
