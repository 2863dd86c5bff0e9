"""Sentences under a table."""

from types import SimpleNamespace
from typing import Any

import pytest

from imitbench.results.tables.captions import shared_states_sentence


def cells(*shared: bool) -> list[Any]:
    return [
        SimpleNamespace(shares_states=x, identity={"label": f"m{i}", "task": "Hopper"})
        for i, x in enumerate(shared)
    ]


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        ((False, False), ""),
        ((True, True), "The seeds of these cells share their initial states. "),
        (
            (False, True, False),
            "The seeds of some cells share their initial states (m1 on Hopper). ",
        ),
    ],
)
def test_the_cells_whose_seeds_share_initial_states_are_named(shared, expected):
    assert shared_states_sentence(cells(*shared)) == expected
