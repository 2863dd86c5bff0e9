"""The built package is small, and works without the source tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from imitbench.results.shipped import INSTALLED

ROOT = Path(__file__).parents[1]
MAX_BYTES = 10_000_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps"]
    subprocess.run([*command, "--no-build-isolation", "-q", "-w", str(folder)], check=True)
    (path,) = folder.glob("imitbench-*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder with the installed package."""
    folder = tmp_path_factory.mktemp("site")
    shutil.unpack_archive(wheel, folder, "zip")
    return folder


def run(site: Path, cwd: Path, *words: str) -> str:
    env = os.environ | {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cwd / "cache")}
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_small(wheel):
    assert wheel.stat().st_size < MAX_BYTES


def test_it_knows_the_shipped_results(site, tmp_path):
    code = "import imitbench; print(imitbench.__file__)"
    assert run(site, tmp_path, "-c", code).startswith(str(site)), "not the source tree"
    out = run(site, tmp_path, "-m", "imitbench", "table", "quickstart")
    unpacked = tmp_path / "cache" / "imitbench" / INSTALLED
    assert "FetchReach" in out and f"shipped results in {unpacked}" in out
    assert len(list(unpacked.iterdir())) == 1, "nothing else is left behind"
    out = run(site, tmp_path, "-m", "imitbench", "report", "quickstart")
    assert "as shipped" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "quickstart" in out


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb")))
def test_notebooks_run_without_the_source_tree(site, tmp_path, monkeypatch, name):
    monkeypatch.setenv("PYTHONPATH", str(site))
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    where = nbformat.v4.new_code_cell("import imitbench; imitbench.__file__")
    book.cells.append(where)
    nbclient.NotebookClient(book, timeout=900, resources={"metadata": {"path": tmp_path}}).execute()
    assert str(site) in json.dumps(where.outputs)
