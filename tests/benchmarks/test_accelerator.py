"""The page about engines and seeds on an accelerator, made with small sizes."""

from __future__ import annotations

import pytest

from benchmarks.perf import accelerator


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_page_has_a_row_for_each_size(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "sys.argv",
        ["accelerator", "--tasks", "Reacher", "--batches", "1", "2", "--seeds", "1", "--steps",
         "2", "--out", str(tmp_path / "page.md")],
    )  # fmt: skip
    accelerator.main()
    rows = [x.split("|")[1:-1] for x in (tmp_path / "page.md").read_text().splitlines() if "|" in x]
    engines = [row for row in rows if row[0].strip() == "Reacher"]
    assert [int(row[1]) for row in engines] == [1, 2]
    for row in engines:
        mjx, native, ratio = (float(x.replace(",", "")) for x in row[2:5])
        assert ratio == pytest.approx(mjx / native, rel=0.5, abs=0.01)
        assert row[5].strip() == ("mjx" if mjx > native else "native")
    assert float(rows[-1][1].replace(",", "")) > 0
