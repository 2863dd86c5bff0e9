"""The order of cells in tables and figures, by shipped ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from imitbench.results.cells import ordering, store
from imitbench.suites import vins

SHIPPED = Path(__file__).parents[2] / "results" / "shipped"


def places(suite: str) -> list[tuple[str, int, str]]:
    results = ordering.in_suite_order(store.read_all(SHIPPED / suite)[::-1])
    return list(dict.fromkeys(r.place for r in results))


@pytest.mark.slow
def test_cells_of_two_demonstrators_stand_where_the_suite_lists_each():
    tasks = list(dict.fromkeys(task for task, _, _ in vins.PLACES))
    listed = [(task, n, expert) for task, expert, numbers in vins.PLACES for n in numbers]
    of_task = sorted(listed, key=lambda place: tasks.index(place[0]))
    assert places("vins") == [p for p in of_task if p in places("vins")]
    assert ("FetchPickAndPlace", 25, "scripted") in of_task


@pytest.mark.parametrize("suite", ["learners", "offline"])
def test_rows_of_peers_stand_behind_ours(suite):
    for place in places(suite):
        results = ordering.in_suite_order(store.read_all(SHIPPED / suite))
        peers = [r.peer is not None for r in results if r.place == place]
        assert peers == sorted(peers)
