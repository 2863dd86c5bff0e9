"""What cell.json says of a cell whose seeds come from several runs."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import fake_results

from imitbench.runs import more_seeds

CLEAN, DIRTY = "a" * 40, "b" * 40 + "+changes"


def info(**changes: Any) -> dict[str, Any]:
    fields = {
        "identity": {"seeds": [1]}, "seconds": {"train": 1.5}, "diverged_seeds": [],
        "device": "2 x A", "versions": {"jax": "1", "ray": None}, "git_commit": CLEAN,
    }  # fmt: skip
    return fields | changes


def joined(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    base = fake_results.cell("a", [0.5])._replace(info=older)
    return more_seeds.joined_info(base, newer, [0, 1])


def test_seconds_are_added_and_seeds_joined():
    found = joined(info(diverged_seeds=[0]), info(seconds={"train": 2.0, "evaluate": 1.0}))
    assert found["seconds"] == {"train": 3.5, "evaluate": 1.0}
    assert (found["identity"]["seeds"], found["diverged_seeds"]) == ([0, 1], [0])


@pytest.mark.parametrize(
    ("older", "newer", "kept"),
    [
        (DIRTY, CLEAN, DIRTY),
        (CLEAN, DIRTY, DIRTY),
        (None, CLEAN, None),
        (CLEAN, None, None),
        ("c" * 40, CLEAN, CLEAN),
        (DIRTY, "c+changes", "c+changes"),
    ],
)
def test_a_commit_with_changes_stays(older, newer, kept):
    assert joined(info(git_commit=older), info(git_commit=newer))["git_commit"] == kept


def test_devices_and_versions_that_differ_are_all_named():
    versions = {"jax": "2", "ray": "3", "new": "4"}
    two = joined(info(versions=info()["versions"] | {"old": "0"}), info(versions=versions))
    assert two["versions"] == {"jax": "1; 2", "ray": "not installed; 3", "new": "4", "old": "0"}
    assert two["device"] == "2 x A"
    three = joined(info(device="2 x A; 1 x B", versions={"jax": "1; 2"}), info())
    assert three["device"] == "2 x A; 1 x B" and three["versions"] == {"jax": "1; 2", "ray": None}
