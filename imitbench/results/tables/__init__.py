"""Tables of finished cells: CSV for programs, Markdown and text for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from imitbench.results import comparability, effort, scores, stats
from imitbench.results.cells import cell_tables, store
from imitbench.results.cells.cell import MODE_ENTROPY, Result
from imitbench.results.tables.beside import peer_rows, published_rates, published_returns
from imitbench.results.tables.captions import caption
from imitbench.results.tables.formatting import format_estimate, markdown_table
from imitbench.results.tables.marks import RISING, is_best, seed_scores
from imitbench.results.tables.sections import claims_section
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write

MEASURES = ("success_any", "success_final", "return")
# Columns that are left out where no cell has a value in them.
OPTIONAL = (
    "Demos", "Success any, %", "Success final, %", "Seeds apart", "Expert queries",
    "Over training", "Environment steps", "Network calls",
    "Mode entropy", "Noise seen",
)  # fmt: skip
MEASURE_COLUMNS = {
    "success_any": "Success any, %", "success_final": "Success final, %", "return": "Return",
}  # fmt: skip


def summary(results: Sequence[Result]) -> pd.DataFrame:
    """Summarises each cell in one row: identity, sizes, costs, and estimates over seeds.

    It holds no times, so that the same results give the same table.

    Args:
        results: finished cells.

    Returns:
        A row for each cell. Each measure has its mean, the ends of its interval (`_low`, `_high`),
        its interquartile mean (`_iqm`) and its standard error (`_se`).
    """
    return pd.DataFrame([_summary_row(r) for r in results])


def _summary_row(r: Result) -> dict[str, Any]:
    i = r.identity
    row = {
        "suite": i["suite"],
        "profile": i["profile"],
        "task": i["task"],
        "demos": i["demos"],
        "expert": r.expert,
        "method": i["label"],
        "seeds": len(i["seeds"]),
        "episodes_per_seed": i["eval_episodes"],
        "engine": r.info["engine"],
        "environment_digest": r.info["environment_digest"],
        "diverged_seeds": " ".join(map(str, r.info["diverged_seeds"])),
    }
    row |= {k: int(r.curve[k].to_numpy().max()) for k in cell_tables.COSTS}
    for measure in MEASURES:
        e = scores.estimate(r, measure)
        row |= {measure: e.value, f"{measure}_low": e.low, f"{measure}_high": e.high}
        row[f"{measure}_iqm"] = float(stats.iqm(r.final(measure)))
        row[f"{measure}_se"] = scores.mean(r, measure).error
    header = r.info["demonstrations"] or {}  # none where the method learns without
    names = ("success_any", "success_final", "mean_return")
    return row | {f"expert_{name}": header.get(name) for name in names}


def table_rows(results: Sequence[Result]) -> list[dict[str, str]]:
    """Writes each cell as a row of the table for people.

    Args:
        results: finished cells.

    Returns:
        For each cell its text in each column. A column without a value in any row is left out.
    """
    rows = [_table_row(r, row) for r, row in zip(results, _records(results), strict=True)]
    empty = {name for name in OPTIONAL if all(row[name] in ("-", "0") for row in rows)}
    if all(row["Network calls"] in ("-", "1") for row in rows):
        empty.add("Network calls")
    if len({row["Expert"] for row in rows}) == 1:
        empty.add("Expert")
    return [{k: v for k, v in row.items() if k not in empty} for row in rows]


def marked_rows(results: Sequence[Result]) -> list[dict[str, str]]:
    """Writes each cell as a row, in Markdown: the best methods of a place in bold, and an arrow
    where a method was still rising.

    Args:
        results: finished cells.

    Returns:
        As `table_rows`.
    """
    rows = table_rows(results)
    for measure, column in MEASURE_COLUMNS.items():
        if column not in rows[0]:
            continue
        for row, r, best in zip(rows, results, is_best(results, measure), strict=True):
            if row[column] == "-":
                continue
            row[column] += f" {RISING}" if effort.still_rising(r, measure) else ""
            row[column] = f"**{row[column]}**" if best else row[column]
    return rows


def _records(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in summary(results).to_dict("records")]


def _table_row(r: Result, record: dict[str, Any]) -> dict[str, str]:
    has_success = r.info["has_success"]
    row = {
        "Task": str(record["task"]),
        "Demos": str(record["demos"]),
        "Expert": r.expert or "-",
        "Method": str(record["method"]),
        "Noise seen": f"{r.obs_noise:g}" if r.obs_noise else "-",
        "Success any, %": _format(record, "success_any", 100) if has_success else "-",
        "Success final, %": _format(record, "success_final", 100) if has_success else "-",
        "Return": _format(record, "return", 1),
        "Mode entropy": _mode_entropy(r),
        "Over training": _over_training(r, scores.main_measure(r)),
        "Seeds apart": seed_scores(r, scores.main_measure(r)),
        "Seeds x episodes": f"{record['seeds']} x {record['episodes_per_seed']}",
        "Expert queries": f"{r.info['demo_steps'] + record['expert_queries']:,}",
        "Environment steps": f"{record['env_steps']:,}",
        "Gradient steps": f"{record['grad_steps']:,}",
        "Network calls": f"{r.info['network_calls']:.3g}" if "network_calls" in r.info else "-",
        "Train s": f"{r.info['seconds']['train']:.1f}",
        "Compile s": f"{r.info['seconds']['compile']:.1f}",
        "Engine": str(record["engine"]),
    }
    if r.divergence:
        row["Method"] += f" ({r.divergence})"
    return row


def _mode_entropy(r: Result) -> str:
    if r.mode_entropies() is None:
        return "-"
    return format_estimate(scores.estimate(r, MODE_ENTROPY), 1, 2)


def _over_training(r: Result, measure: str) -> str:
    values = effort.over_training(r, measure)
    if values is None:
        return "-"
    found = scores.interval_of(r, measure, stats.over_seeds(values))
    return format_estimate(found, 100 if scores.is_rate(measure) else 1, 1)


def _format(record: dict[str, Any], measure: str, scale: float) -> str:
    ends = (float(record[measure + suffix]) for suffix in ("", "_low", "_high"))
    return format_estimate(stats.Estimate(*ends), scale, 1)


def markdown(results: Sequence[Result]) -> str:
    """Writes the table, its caption, and the sections with published numbers and claims.

    Args:
        results: finished cells of one suite.

    Returns:
        Markdown.

    Raises:
        UserError: two cells of a claim differ in engine, environment or seeds.
    """
    rows = marked_rows(results)
    text = markdown_table(list(rows[0]), [list(row.values()) for row in rows])
    text += f"\n\n{caption(results, rows)}\n"
    for section in (published_returns, published_rates, peer_rows, claims_section):
        s = section(results)
        text += f"\n{s.about}\n\n{markdown_table(s.head, s.rows)}\n" if s.rows else ""
    return text


def read_comparable(root: Path) -> list[Result]:
    """Reads all finished cells of a folder that may stand in one table.

    Args:
        root: the folder, which holds `cells/`.

    Returns:
        The cells, in the order of their suite.

    Raises:
        UserError: there are none, or cells of one task and engine ran in environments that differ.
    """
    results = store.read_all(root)
    if not results:
        raise UserError(f"no finished cells in {root}: run the suite first")
    comparability.require_one_environment(results, root)
    return results


def derive(root: Path) -> list[Result]:
    """Writes `summary.csv` and `table.md` of all finished cells in a folder.

    Args:
        root: the folder, which holds `cells/`.

    Returns:
        The cells, in the order of their suite.

    Raises:
        UserError: there are none, or cells of one task and engine ran in environments that differ.
    """
    results = read_comparable(root)
    with atomic_write(root / "summary.csv") as path:
        summary(results).to_csv(path, index=False, float_format="%.6g", encoding="utf-8")
    with atomic_write(root / "table.md") as path:
        path.write_text(markdown(results), encoding="utf-8")
    return results
