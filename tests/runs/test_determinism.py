"""The contract: the same machine, engine, versions and seeds give the same results, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from imitbench.results.cells import store


def quickstart(folder: Path) -> Path:
    """The quickstart's smoke profile from an empty cache: nothing is shared between two of them."""
    command = [sys.executable, "-m", "imitbench", "run", "quickstart", "--profile", "smoke"]
    subprocess.run(
        [*command, "--results", str(folder)],
        env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache")},
        check=True,
        capture_output=True,
    )
    return folder / "quickstart.smoke"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_quickstart_twice(tmp_path):
    roots = [quickstart(tmp_path / name) for name in ("first", "second")]
    for name in ("summary.csv", "curves.svg"):
        first, second = ((root / name).read_bytes() for root in roots)
        assert first == second, name
    for a, b in zip(*map(store.read_all, roots), strict=True):
        pd.testing.assert_frame_equal(a.curve, b.curve, check_exact=True)
        pd.testing.assert_frame_equal(a.episodes, b.episodes, check_exact=True)
