"""The scripts of the report's page compute what the package computes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from imitbench.report import comparison_data, page
from imitbench.results import compare, stats
from imitbench.results.cells import store

SHIPPED = Path(__file__).parents[2] / "results" / "shipped"
SUITES = sorted(p.name for p in SHIPPED.iterdir() if (p / "cells").is_dir())
FAST = ("gail", "inverse", "quickstart")
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node (Debian: nodejs)")


def run(code: str, data: object):
    """What a piece of JavaScript after the page's statistics returns for `data`."""
    assert NODE is not None
    statistics = (page.STATIC / "statistics.js").read_text()
    body = f"const data = {json.dumps(data)};\nconsole.log(JSON.stringify({code}));"
    done = subprocess.run(
        [NODE, "-"], input=f"{statistics}\n{body}", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_students_t_is_scipys():
    values = [(t, f) for t in (0.0, 0.3, 1.7, 6.0, 40.0) for f in (1, 2.5, 4, 19, 300.7)]
    found = run("data.map(([t, f]) => [tail(t, f), critical(f)])", values)
    for (t, f), (p, bound) in zip(values, found, strict=True):
        assert p == pytest.approx(scipy.stats.t.sf(t, f), rel=1e-10)
        assert bound == pytest.approx(scipy.stats.t.ppf(0.975, f), rel=1e-10)


def test_means_and_corrections_are_the_packages():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(4, 7)) + rng.normal(size=(4, 1))
    x = rng.normal(1.0, 2.0, size=9)
    for script, mean in (("crossed(data)", stats.crossed(y)), ("overSeeds(data)", None)):
        found = run(script, (y if mean else x).tolist())
        expected = mean or stats.over_seeds(x)
        assert [found[k] for k in ("value", "error", "freedom")] == pytest.approx(list(expected))
    welch = stats.difference(stats.over_seeds(x), stats.over_seeds(y[:, 0]))
    found = run("difference(...data.map(overSeeds))", [x.tolist(), y[:, 0].tolist()])
    assert [found[k] for k in ("value", "error", "freedom")] == pytest.approx(list(welch))
    p = [0.03, 0.2, 0.001, 0.04, 0.03]
    assert run("holm(data)", p) == pytest.approx(stats.holm(p))


@pytest.mark.parametrize(
    "suite", [x if x in FAST else pytest.param(x, marks=pytest.mark.slow) for x in SUITES]
)
def test_comparisons_are_those_of_the_command(suite):
    results = store.read_all(SHIPPED / suite)
    labels = list(dict.fromkeys(r.identity["label"] for r in results))
    names = [pair for other in labels[1:] for pair in ((labels[0], other), (other, labels[0]))]
    data = comparison_data.comparison(results)
    found = run(
        "data.names.map(([a, b]) => comparePlaces(data.cells, a, b))",
        {"cells": data, "names": names},
    )
    root = SHIPPED / suite
    for (a, b), here in zip(names, found, strict=True):
        sides = [compare.side(name, results, root) for name in (a, b)]
        try:
            expected = compare.pairs(*sides)
        except compare.UserError:
            assert here == []
            continue
        expected = [p for p in expected if not p.measure.endswith(compare.OVER_TRAINING)]
        assert len(expected) == len(here)
        for e, h in zip(expected, here, strict=True):
            assert (e.name, e.measure, list(e.warnings)) == (
                h["place"],
                h["measure"],
                h["differences"],
            )
            assert h["lead"]["value"] == pytest.approx(e.lead.value, abs=1e-12)
            assert h["interval"] == pytest.approx(list(e.lead.interval()[1:]), rel=1e-9, abs=1e-12)
            assert h["adjusted"] == pytest.approx(e.p_adjusted, rel=1e-8, abs=1e-300)
            assert h["improvement"] == pytest.approx(e.improvement)
            assert h["a"] == pytest.approx(list(e.a)) and h["b"] == pytest.approx(list(e.b))
