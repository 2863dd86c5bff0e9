"""Cells keep their identity: what shipped is found again by the suites of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.rows import ROWS
from imitbench import algos
from imitbench.core.types import Traits
from imitbench.results.cells import store
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import cell_identity, cell_key

SHIPPED = Path(__file__).parents[2] / "results" / "shipped"
SUITES = sorted(p.name for p in SHIPPED.iterdir())
# Their settings have changed since their cells ran. The cells stand until the suites run again.
CHANGED = ("gail", "vins_rl")


def place(identity: dict[str, Any]) -> tuple[str, int, str]:
    """Task, demonstrations and label of a cell."""
    return identity["task"], identity["demos"], identity["label"]


@pytest.mark.parametrize("name", SUITES)
def test_the_suite_of_a_shipped_cell_still_asks_for_it(name):
    identities = [
        cell_identity(name, "cpu", cell, engine)
        for cell in load_suite(name).profiles["cpu"]
        for engine in ("native", "none")  # none: environments without physics
    ]
    # Cells of version 0.2.0 and older do not name their initial states, which their seeds share,
    # and always ask the task's first expert.
    newer = ("initial_states", "asked_expert")
    older = [{k: v for k, v in i.items() if k not in newer} for i in identities]
    asked_for = {cell_key(i): place(i) for i in identities + older}
    peers = {row.name for row in ROWS if row.suite == name}
    for folder in store.cells_folder(SHIPPED / name).iterdir():
        identity = store.read(folder).identity
        if "peer" in identity:
            assert identity["label"] in peers
            continue
        behaviour = identity["source"].get("behaviour", {}).get("method", identity["method"])
        versions = [algos.traits(m).version for m in (identity["method"], behaviour)]
        if name in CHANGED or max(versions) > identity.get("version", 1):
            assert place(identity) in asked_for.values()
        else:
            assert folder.name in asked_for


def test_a_new_version_is_another_cell_and_version_1_is_not_named(monkeypatch):
    cell = load_suite("quickstart").profiles["cpu"][0]
    old = cell_identity("quickstart", "cpu", cell, "native")
    assert "version" not in old
    monkeypatch.setattr(algos.ALGOS[cell.method], "TRAITS", Traits(version=2), raising=False)
    new = cell_identity("quickstart", "cpu", cell, "native")
    assert new == old | {"version": 2} and cell_key(new) != cell_key(old)
    assert json.loads(json.dumps(new)) == new


@pytest.mark.parametrize("name", SUITES)
def test_the_results_of_a_suite_stay_small(name):
    """They are in the repository and, but for figures, in the package."""
    size = sum(f.stat().st_size for f in (SHIPPED / name).rglob("*") if f.is_file())
    assert size < 2 << 20
