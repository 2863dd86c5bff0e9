"""Cells from elsewhere: they neither lead out of their folder nor fill the memory."""

from __future__ import annotations

import html
import json
import re
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from helpers.fake_results import rewrite

from imitbench.cli import main
from imitbench.results import publish
from imitbench.results.cells import cell_schema, store, table_checks
from imitbench.utils.errors import UserError

SHIPPED = Path(__file__).parents[2] / "results" / "shipped" / "quickstart"


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder of results with one cell of BC: 5 seeds, 3 evaluations, 20 episodes."""
    (cell,) = (SHIPPED / "cells").glob("FetchReach-*-bc-*")
    shutil.copytree(cell, tmp_path / "x" / "cells" / "one")
    return tmp_path / "x"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suite", "../../results/evil/payload"),
        ("suite", ".."),
        ("suite", ""),
        ("suite", "a/b"),
        ("suite", "evil.py\n"),
        ("profile", "../cpu"),
        ("task", "../../etc/passwd"),
        ("task", "/etc/passwd"),
        ("task", "a//b"),
        ("label", ""),
        ("label", "two\nlines"),
        ("label", "x" * 1001),
    ],
)
def test_names_that_lead_elsewhere_are_refused(root, field, value):
    payload = root / "evil" / "payload.py"
    payload.parent.mkdir()
    payload.write_text("raise SystemExit('the payload ran')")
    rewrite(root / "cells" / "one", lambda info: info["identity"].update({field: value}))
    for read in (store.read_all, publish.derive):
        with pytest.raises(UserError, match=f"one/cell.json: identity: '{field}' is ") as error:
            read(root)
        assert "\n" not in str(error.value) and "delete the folder" in str(error.value)
    words = ("table", root.name, "--results", str(root.parent))
    assert main.main([*words]) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("task", "brax/ant"), ("task", "gymnasium/my_package:Env-v0"), ("suite", "my.suite-2"),
     ("label", "bc | [red] (50%)")],
)  # fmt: skip
def test_names_as_users_give_them_are_read(root, field, value):
    rewrite(root / "cells" / "one", lambda info: info["identity"].update({field: value}))
    assert store.read_all(root)[0].identity[field] == value


def replaced(root: Path, name: str, table: pyarrow.Table) -> int:
    """Puts a table in the place of a cell's; with a checksum, as if it had been written so."""
    path = root / "cells" / "one" / name
    pyarrow.parquet.write_table(table, path, compression="zstd")
    rewrite(path.parent, lambda info: None)
    return path.stat().st_size


def refused(root: Path, words: str) -> None:
    tracemalloc.start()
    pyarrow_before = pyarrow.total_allocated_bytes()
    with pytest.raises(UserError, match=words):
        store.read_all(root)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    assert pyarrow.total_allocated_bytes() - pyarrow_before < 2**25


@pytest.mark.parametrize("name", cell_schema.TABLES)
def test_a_small_file_with_many_rows_is_not_read(root, name):
    """137 KB became 0.5 GB."""
    table = pyarrow.table({"seed": np.zeros(10_000_000, np.int64)})
    assert replaced(root, name, table) < 150_000
    refused(root, rf"{name} is damaged: expected a row for each of 5 seeds .* 10000000 rows")


def test_texts_are_not_read(root):
    path = root / "cells" / "one" / "curve.parquet"
    table = pyarrow.parquet.read_table(path)
    texts = pyarrow.array(["x" * 5_000_000] * len(table))
    assert replaced(root, path.name, table.append_column("metric/x", texts)) < 150_000
    refused(root, r"curve.parquet is damaged: expected numbers in column 'metric/x', found BYTE")


def test_lists_are_not_read(root):
    path = root / "cells" / "one" / "curve.parquet"
    table = pyarrow.parquet.read_table(path)
    lists = pyarrow.array([np.zeros(500_000)] * len(table))
    assert replaced(root, path.name, table.append_column("metric/x", lists)) < 150_000
    refused(root, r"expected numbers in column 'metric/x.list.element'")


def test_an_honest_but_giant_table_is_not_read(root):
    """The identity says as many rows as the file has."""
    rows = 5 * 10_000_000
    table = pyarrow.table({"seed": np.zeros(rows, np.int64)})
    path = root / "cells" / "one" / "episodes.parquet"
    pyarrow.parquet.write_table(table, path, compression="zstd")
    rewrite(path.parent, lambda info: info["identity"].update(eval_episodes=rows // 5))
    refused(root, r"episodes.parquet is too large: it unpacks to 400,000,000 bytes, expected at mo")


def test_a_row_twice_is_refused(root):
    path = root / "cells" / "one" / "curve.parquet"
    frame = pd.read_parquet(path)
    frame.loc[0] = frame.loc[1]
    frame.to_parquet(path, index=False)
    rewrite(path.parent, lambda info: None)
    with pytest.raises(UserError, match="a row for each seed and evaluation, found others"):
        store.read_all(root)


def test_seeds_that_are_named_twice_are_refused(root):
    path = root / "cells" / "one" / "curve.parquet"
    frame = pd.read_parquet(path)
    frame["seed"] = frame["seed"].replace(4, 0)
    frame.to_parquet(path, index=False)
    rewrite(path.parent, lambda info: info["identity"].update(seeds=[0, 1, 2, 3, 0]))
    with pytest.raises(UserError, match="a row for each seed and evaluation, found others"):
        store.read_all(root)


def test_every_shipped_cell_is_far_below_the_limits():
    for folder in SHIPPED.parent.iterdir():
        for path in store.cells_folder(folder).glob("*/cell.json"):
            info = json.loads(path.read_text(encoding="utf-8"))
            cell_schema.check_info(info, str(path), "")
            table_checks.check_sizes(info, path.parent, "")
    assert re.fullmatch(r"[\w.]+", cell_schema.TABLES[0])


LABEL = r"a [red]x[/] |y| <b>&amp; \<i> `c` $\a{$"


def test_a_label_is_shown_as_it_is(root, capsys):
    """No markup of the console, of Markdown tables, of HTML or of formulas in it takes effect."""
    first = root / "cells" / "one"
    shutil.copytree(first, root / "cells" / "two")
    rewrite(first, lambda info: info["identity"].update(label=LABEL))
    words = (root.name, "--results", str(root.parent))
    assert main.main(["table", *words]) == 0
    assert LABEL.replace(" ", "") in re.sub(r"\s", "", capsys.readouterr().out)
    row = (root / "table.md").read_text().splitlines()[3]
    assert r"| a [red]x[/] \|y\| \<b>&amp; \\\<i> `c` $\\a{$ |" in row
    assert main.main(["plot", *words]) == 0
    drawn = html.unescape((root / "curves.svg").read_text())
    assert LABEL in drawn and (root / "curves.png").stat().st_size > 10_000
    out = root.parent / "page.html"
    assert main.main(["report", *words, "--out", str(out)]) == 0
    page = out.read_text()
    assert "<b>&amp;" not in page and "<i> `c`" not in page
    assert "&lt;b&gt;&amp;amp; \\&lt;i&gt;" in page
