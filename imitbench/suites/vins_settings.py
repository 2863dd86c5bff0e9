"""The search that chooses the settings of the suite `vins`, with four trials for every row.

For each task and expert, on validation seeds and validation initial states, at the fewest
demonstrations of the suite: four clones for BC (a constant or a falling learning rate, without or
with the goal and the object relative to the hand), then slope and alpha for VINS with the best of
them as its prior, and alpha for VINS without negative samples, which has no slope. Without the BC
prior alpha is the spread of the candidates around zero and stays at 1, where they are uniform.
`choose` says which setting is taken.

The clones have to run first (`--only bc bc-decay bc-relative bc-decay-relative`): the others begin
with the one that `imitbench.suites.vins.CLONES` then names.
"""

from collections.abc import Mapping
from typing import Any

from imitbench.algos.model_based import vins as vins_method
from imitbench.suites import vins
from imitbench.suites.schema import Cell, Suite

# Task, kind of expert, demonstrations, settings that are not searched.
PLACES = (
    ("FetchReach", "learned", 10, {}),
    ("FetchPush", "learned", 100, vins.PUSH),
    ("FetchPickAndPlace", "learned", 25, vins.PICK),
    ("FetchPush", "scripted", 50, vins.PUSH),
    ("FetchPickAndPlace", "scripted", 10, vins.PICK),
)
GRID = ((5.0, 0.05), (5.0, 0.1), (10.0, 0.05), (10.0, 0.2))  # slope, alpha
ALPHAS = (0.05, 0.1, 0.2, 0.5)  # without negative samples


def choose(scores: Mapping[str, float]) -> str:
    """Chooses among the settings of a row: the one of the highest score, the first of equals.

    Args:
        scores: the mean of both success rates, at any step and at the last, by label in the order
            of the suite.

    Returns:
        The label of the chosen one.
    """
    return max(scores, key=scores.__getitem__)


def cells(
    steps: int, seeds: int, episodes: int, places: Any = PLACES, trials: int = 4
) -> tuple[Cell, ...]:
    """Builds the cells of a profile, place by place.

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
        for label, settings in list(clones(task).items())[:trials]:
            clone = vins.clone(steps, **settings)
            out.append(vins.make_cell(*place, label, "bc", clone, steps, **size))
        prior = vins.prior(task, expert, steps)
        for label, settings in trials_of_vins(task, trials).items():
            config = vins_method.Config(clone=prior, **fixed | settings)
            out.append(vins.make_cell(*place, label, "vins", config, steps, **size))
    return tuple(out)


def clones(task: str) -> dict[str, dict[str, Any]]:
    """Returns the settings of BC (arguments of `vins.clone`) by label.

    Args:
        task: the task's name.
    """
    features = vins.RELATIVE[task]
    return {
        "bc": {},
        "bc-decay": {"decay": True},
        "bc-relative": {"features": features},
        "bc-decay-relative": {"decay": True, "features": features},
    }


def trials_of_vins(task: str, trials: int = 4) -> dict[str, dict[str, float]]:
    """Returns the settings of VINS by label: with negative samples, then without them on the tasks
    where the suite `vins` has such rows.

    Args:
        task: the task's name.
        trials: how many of each.
    """
    without = without_negatives(trials) if task in vins.ABLATED else {}
    return with_negatives(trials) | without


def with_negatives(trials: int = 4) -> dict[str, dict[str, float]]:
    """Returns the settings of VINS by label.

    Args:
        trials: how many of them.
    """
    return {
        f"vins-slope{slope:g}-alpha{alpha:g}": {"slope": slope, "alpha": alpha}
        for slope, alpha in GRID[:trials]
    }


def without_negatives(trials: int = 4) -> dict[str, dict[str, float]]:
    """Returns the settings of VINS without negative samples by label.

    Args:
        trials: how many of them.
    """
    return {f"vins-no-ns-alpha{alpha:g}": {"alpha": alpha, "mu": 0.0} for alpha in ALPHAS[:trials]}


SUITE = Suite(
    name="vins_settings",
    about="The search that chooses the settings of the suite vins.",
    profiles={
        "smoke": cells(4, 2, 2, PLACES[3:4], 1),
        "cpu": cells(10_000, 4, 200),
        "full": cells(20_000, 5, 500),
    },
)
