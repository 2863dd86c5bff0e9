"""The order in which finished cells stand in tables and figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from imitbench.suites.registry import cell_order, source_key
from imitbench.suites.schema import without_seeds

if TYPE_CHECKING:
    from imitbench.results.cells.cell import Result


def cell_name(r: Result) -> tuple[Any, ...]:
    """What tells a cell from the others of its suite: the task, the demonstrations, the
    demonstrator and the label."""
    return (*r.place, r.identity["label"])


def newest_cells(results: Iterable[Result]) -> list[Result]:
    """Keeps of each name the cell with the settings that were run last.

    Args:
        results: finished cells. A cell that was run with several settings, or with several numbers
            of seeds, is there several times.

    Returns:
        A cell for each name. Of one that was run with several numbers of seeds, the one with the
        most: a later run with fewer seeds does not hide it.
    """
    by_time = sorted(results, key=lambda r: r.info["finished_at"])
    newest = {cell_name(r): r for r in by_time}
    for r in by_time:
        best = newest[cell_name(r)]
        is_same = without_seeds(r.identity) == without_seeds(best.identity)
        if is_same and len(r.identity["seeds"]) > len(best.identity["seeds"]):
            newest[cell_name(r)] = r
    return list(newest.values())


def first_of_each_name(results: Iterable[Result]) -> list[Result]:
    """Keeps the first cell of each name."""
    first: dict[Any, Result] = {}
    for r in results:
        first.setdefault(cell_name(r), r)
    return list(first.values())


def in_suite_order(results: Iterable[Result]) -> list[Result]:
    """Sorts cells as their suite lists them, with the cells of a task and of a place together.

    Args:
        results: finished cells with different names. Those of a suite that does not come with the
            package stand in the order in which they were run.

    Returns:
        The cells, sorted.
    """
    results = list(results)
    listed: dict[tuple[str, str], dict[tuple[str, int, str, str], int]] = {}
    # The first position of each group: a task, a place or a cell.
    first: dict[Any, tuple[int, int]] = {}
    for r in results:
        i = r.identity
        suite, name = (i["suite"], i["profile"]), (i["task"], i["demos"], i["label"])
        if suite not in listed:
            listed[suite] = cell_order(*suite)
        order = listed[suite]
        run: int = r.info["order"]
        of_any_source = order.get((*name, ""), len(order))  # others, such as peers, at the end
        position = (order.get((*name, source_key(i.get("source", {}))), of_any_source), run)
        for group in (r.place[0], r.place, cell_name(r)):
            first[group] = min(position, first.get(group, position))

    def key(r: Result) -> tuple[Any, ...]:
        task, place, name = r.place[0], r.place, cell_name(r)
        return first[task], task, first[place], place, first[name], name

    return sorted(results, key=key)
