"""The panels of a suite's figures: which cells they show, along which cost."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from imitbench.envs.recorded import NO_TASK
from imitbench.experts import reference_scores
from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.results.figures.palette import ordered_by_looks
from imitbench.suites.published.schema import Place

MAX_CURVES = 6  # of a panel
# The label of each cost's axis.
COST_LABELS = {
    "grad_steps": "gradient steps",
    "expert_queries": "expert queries, demonstrations included",
    "env_steps": "environment steps of the learner",
}


class CurvePanel(NamedTuple):
    """A panel of learning curves: some of the cells of a place, along a cost."""

    cost: str
    place: Place
    cells: list[Result]
    part: int  # its number among those of the place
    parts: int


def evaluated_once(results: Sequence[Result]) -> bool:
    """Whether no cell has a curve, but a single evaluation after its training."""
    return all(r.curve.loc[r.curve["updates"] > 0, "updates"].nunique() <= 1 for r in results)


def curve_panels(groups: Mapping[Place, Sequence[Result]]) -> list[CurvePanel]:
    """Lists the panels of a suite's learning curves.

    A place where every cell was evaluated once is left out, unless all places are such. A place
    with many cells has several panels for each cost; one of cells that do not spend it is left out.

    Args:
        groups: from `comparison_groups`.

    Returns:
        Panels for every cost at every place where some method spends it.
    """
    all_once = all(map(evaluated_once, groups.values()))
    drawn = {p: rs for p, rs in groups.items() if all_once or not evaluated_once(rs)}
    parts = {place: panel_parts(results) for place, results in drawn.items()}
    return [
        CurvePanel(cost, place, cells, i, len(parts[place]))
        for cost in COST_LABELS
        for place, results in drawn.items()
        if any(_spends(r, cost) for r in results)
        for i, cells in enumerate(parts[place])
        if any(cost_at_evaluations(r, cost).any() for r in cells)
    ]


def comparison_groups(results: Sequence[Result]) -> dict[Place, list[Result]]:
    """Groups the cells that are drawn together.

    A method without demonstrations is drawn at each place of its task where methods have
    demonstrations and learn from the environment, too. Without such a place it has a group of its
    own.

    Args:
        results: finished cells.

    Returns:
        The cells of each place.
    """
    by_place: dict[Place, list[Result]] = {}
    for r in results:
        by_place.setdefault(r.place, []).append(r)

    def hosts(place: Place) -> list[Place]:
        task, demos, _ = place
        others = [p for p in by_place if p[0] == task and p[1] and not demos]
        return [p for p in others if any(_spends(r, "env_steps") for r in by_place[p])]

    groups = {p: list(rs) for p, rs in by_place.items() if not hosts(p)}
    for place, cells in by_place.items():
        for host in hosts(place):
            groups[host] += cells
    return groups


def panel_parts(cells: Sequence[Result]) -> list[list[Result]]:
    """Shares the cells of a place between panels of at most `MAX_CURVES` curves.

    Args:
        cells: of one place.

    Returns:
        The cells of each panel, in their order and about equally many.
    """
    count = -(-len(cells) // MAX_CURVES)
    edges = [len(cells) * i // count for i in range(count + 1)]
    return [list(cells[a:b]) for a, b in itertools.pairwise(edges)]


def looks(results: Sequence[Result]) -> list[str | None]:
    """Orders the methods of a suite for `drawing.method_style`, the same in all figures.

    Args:
        results: all cells of the suite.

    Returns:
        The labels at the numbers of their looks, so that those of a panel have different colours.
    """
    parts = [cells for group in comparison_groups(results).values() for cells in panel_parts(group)]
    labels = list(dict.fromkeys(r.identity["label"] for r in results))
    return ordered_by_looks(labels, [[r.identity["label"] for r in cells] for cells in parts])


def _spends(r: Result, cost: str) -> bool:
    return bool(r.curve[cost].any())


def reference_levels(cells: Sequence[Result]) -> dict[str, float]:
    """The returns between which those of imitation lie.

    Args:
        cells: of one place.

    Returns:
        The returns of the task's expert and of a random policy, by name; none for places without
        demonstrations, tasks without reference scores, and where curves show success. Where a clip
        takes the expert's place, its return is a goal for those without demonstrations, too.
    """
    task, demos, _ = cells[0].place
    reference = reference_scores.table().get(task)
    if scores.main_measure(cells[0]) != "return" or reference is None:
        return {}
    clip = reference["expert_kind"] == "clip"
    if not demos and not clip:
        return {}
    return {"clip" if clip else "expert": reference["expert"], "random policy": reference["random"]}


def measure_label(r: Result) -> str:
    """What the axis of `scores.main_measure` is called."""
    measure = scores.main_measure(r)
    if measure == "return" and r.identity["task"] == NO_TASK:
        return "minus the error of actions, %"
    return measure.replace("_", " ")


def panel_title(place: Place, places: Sequence[Place], part: int = 0, parts: int = 1) -> str:
    """Names a panel by its task and demonstrations.

    Args:
        place: of the panel.
        places: of all panels of the figure; the demonstrator is named where they have several.
        part: which of the panels of this place it is, from 0.
        parts: how many panels this place has.

    Returns:
        The title.
    """
    task, demos, expert = place
    several = len({expert for _, _, expert in places if expert}) > 1
    suffix = f" ({expert})" if several and expert else ""
    number = f"{demos} demonstration" + "s" * (demos != 1)
    title = f"{task}, {number}{suffix}" if demos else task
    return f"{title}, {part + 1} of {parts}" if parts > 1 else title


def needs_log_axis(ends: Sequence[float]) -> bool:
    """Whether one method's curve is more than ten times as long as another's.

    Args:
        ends: what each method spent in all; those that spent nothing do not count.
    """
    spent = [x for x in ends if x > 0]
    return bool(spent and max(spent) > 10 * min(spent))


def cost_at_evaluations(r: Result, cost: str) -> np.ndarray:
    """What a cell had spent at each evaluation.

    Args:
        r: a finished cell.
        cost: a key of `COST_LABELS`. Expert queries count the demonstrations' steps.

    Returns:
        [E]; zeros where the method does not spend this cost.
    """
    spent = r.curve.groupby("evaluation")[cost].first().to_numpy(float)
    return spent + r.info["demo_steps"] if cost == "expert_queries" and spent.any() else spent


def mean_at_evaluations(r: Result, measure: str) -> np.ndarray:
    """The mean over seeds at each evaluation, with its interval.

    Args:
        r: a finished cell.
        measure: a column of its curve.

    Returns:
        [3, E]: the mean, and the low and the high ends of its interval.
    """
    return np.array(scores.curve_estimates(r, measure)).T
