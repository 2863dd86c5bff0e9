"""What a paper takes: LaTeX, the table by method, and rliable's figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.fake_results import cell

from imitbench.cli import main
from imitbench.results import rank, stats
from imitbench.results.figures import aggregates, drawing
from imitbench.results.tables import by_method, formatting
from imitbench.utils.errors import UserError


def test_latex_by_hand():
    text = formatting.latex_table(
        ["Method", "100% & more"], [["a_b", "**1 ± 2** ↑"], ["c\\d", "-"]]
    )
    assert text.splitlines() == [
        r"\begin{tabular}{ll}",
        r"\toprule",
        r"Method & 100\% \& more \\",
        r"\midrule",
        r"a\_b & \textbf{1 $\pm$ 2} $\uparrow$ \\",
        r"c\textbackslash{}d & - \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_the_table_by_method_has_a_column_for_each_place():
    results = [
        cell("a", [0.2, 0.4, 0.3]), cell("b", [0.9, 1.0, 0.95]),
        cell("a", [0.5, 0.5, 0.5], demos=20),
    ]  # fmt: skip
    for r in results:
        r.curve["success_final"] = r.curve["success_any"]
    table = by_method.by_method(results)
    assert table.head == [
        "Method",
        "PointMass 10, scripted expert",
        "PointMass 20, scripted expert",
    ]
    (a, few, more), (b, best, none) = table.rows
    assert (a, b, none) == ("a", "b", "-")
    assert few.startswith("30.0 ± ") and best.startswith("**95.0 ± ") and best.endswith("**")
    assert more.startswith("50.0 ± "), "alone at its place: nothing is best"


def test_the_probability_of_improvement_by_hand():
    a, b = (
        [np.array([0.0, 1.0]), np.array([1.0, 1.0])],
        [np.array([0.5, 0.5]), np.array([0.0, 1.0])],
    )
    found = stats.improvement(a, b)
    assert found.value == pytest.approx((0.5 + 0.75) / 2)  # ties count half
    assert 0 < found.low < found.value < found.high <= 1
    one = stats.improvement([np.array([1.0])], [np.array([0.0])])
    assert one.value == 1.0 and math.isnan(one.low)


def test_figures_show_the_aggregates(tmp_path, monkeypatch):
    results = [cell(n, list(v)) for n, v in (("a", (0.1, 0.3)), ("b", (0.5, 0.9)), ("$c$", (0, 0)))]
    scores = rank.collect(results, "success_any")
    drawn = {}

    def keep(figure, path, kinds=drawing.KINDS):
        drawn[path.name] = figure
        return []

    monkeypatch.setattr(drawing, "save", keep)
    aggregates.draw_intervals(scores, tmp_path / "intervals")
    axes = drawn["intervals"].axes
    assert [a.get_title() for a in axes] == list(aggregates.AGGREGATES.values())
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["b", "a", "$c$"]
    means = [container.lines[0].get_xdata()[0] for container in axes[1].containers]
    assert means == pytest.approx([0.7, 0.2, 0.0])
    aggregates.draw_improvement(scores, tmp_path / "improvement", against="a")
    (axis,) = drawn["improvement"].axes
    assert [c.lines[0].get_xdata()[0] for c in axis.containers] == [1.0, 0.0]
    with pytest.raises(UserError, match="ranked method"):
        aggregates.draw_improvement(scores, tmp_path / "x", against="d")


def test_the_commands_print_tables_and_write_pdf(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(["table", "quickstart", "--layout", "methods", "--format", "latex"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\\begin{tabular}{lll}\n\\toprule\nMethod & FetchReach")
    assert "\\textbf{" in out and out.count(" \\\\\n") == 6
    assert main.main(["table", "quickstart", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("| Task | ")
    assert list(tmp_path.iterdir()) == []
    words = ["rank", "quickstart", "--figure", "x.png", "--kind", "improvement", "--pdf"]
    assert main.main([*words, "--against", "bc"]) == 0
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.pdf", "x.png", "x.svg"]
    assert main.main([*words, "--against", "nobody"]) != 0
    assert "nobody" in capsys.readouterr().err
