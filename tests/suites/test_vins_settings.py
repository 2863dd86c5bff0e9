"""The settings of the suite `vins` are those that its search chose."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from imitbench.results.cells import store
from imitbench.suites import vins
from imitbench.suites.vins_settings import (
    PLACES,
    choose,
    clones,
    trials_of_vins,
    with_negatives,
    without_negatives,
)

SHIPPED = Path(__file__).parents[2] / "results" / "shipped" / "vins_settings"
NAMES = [(task, expert) for task, expert, _, _ in PLACES]


@pytest.fixture(scope="module")
def scores() -> dict[tuple[str, str, str], float]:
    """The mean of both success rates, by task, kind of expert and label."""
    found = {}
    for folder in store.cells_folder(SHIPPED).iterdir():
        r = store.read(folder)
        both = [r.final(m).mean() for m in ("success_any", "success_final")]
        place = (r.identity["task"], r.identity["source"]["expert"], r.identity["label"])
        found[place] = float(np.mean(both))
    return found


@pytest.mark.parametrize(("task", "expert"), NAMES)
def test_each_row_has_the_setting_that_its_trials_chose(scores, task, expert):
    def best(labels: Iterable[str]) -> str:
        return choose({label: scores[task, expert, label] for label in labels})

    clone = clones(task)
    assert len(clone) == len(with_negatives()) == len(without_negatives()) == 4
    assert vins.CLONES[task, expert] == clone[best(clone)]
    if any((task, expert, label) not in scores for label in trials_of_vins(task)):
        pytest.skip(f"the trials of VINS on {task} with the {expert} expert have not all run")
    chosen = with_negatives()[best(with_negatives())]
    assert chosen.items() <= vins.SETTINGS[task, expert].items()
    if task in vins.ABLATED:
        alpha = without_negatives()[best(without_negatives())]["alpha"]
        assert vins.NO_NEGATIVES[task, expert] == alpha


def test_the_best_setting_is_chosen_and_the_first_of_equals():
    assert choose({"plain": 0.50, "other": 0.505}) == "other"
    assert choose({"plain": 0.50, "other": 0.50, "third": 0.49}) == "plain"
