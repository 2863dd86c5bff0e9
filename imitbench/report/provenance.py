"""The provenance of cells in a report: where they ran, with which versions, and warnings."""

from __future__ import annotations

from collections.abc import Sequence

from imitbench.experts import reference_scores
from imitbench.results import comparability, scores, tables
from imitbench.results.cells.cell import Result
from imitbench.results.tables.formatting import Section, format_estimate

COLUMNS = (
    "Task", "Demos", "Expert", "Method", "Engine", "Device", "Environment digest", "Seeds",
    "Evaluations", "Episodes", "Wall s", "Train s", "Compile s", "Evaluate s", "Finished (UTC)",
    "Commit",
)  # fmt: skip
KEY_COLUMNS = COLUMNS[:4]  # they name the cell, in both tables of a report


def score_rows(results: Sequence[Result]) -> list[dict[str, str]]:
    """Writes each cell as a row of the table of scores.

    These are the rows of `tables.marked_rows`, without the columns of the provenance table, with
    the normalised return where some task has reference scores.

    Args:
        results: finished cells.

    Returns:
        For each cell its text in each column.
    """
    normalised = [_normalised(r) for r in results]
    rows = []
    for row, text in zip(tables.marked_rows(results), normalised, strict=True):
        columns = {}
        for name, value in row.items():
            if name in KEY_COLUMNS or name not in COLUMNS:
                columns[name] = value
            if name == "Return" and set(normalised) != {"-"}:
                columns["Normalised"] = text
        rows.append(columns)
    return rows


def _normalised(r: Result) -> str:
    if r.identity["task"] not in reference_scores.table():
        return "-"
    return format_estimate(scores.normalised(r), 1, 2)


def provenance_table(results: Sequence[Result]) -> Section:
    """Lists where each cell ran, on what, and for how long.

    Args:
        results: finished cells.

    Returns:
        A row for each cell.
    """
    about = (
        "Wall time is the sum of training, compilation and evaluation of all seeds; episodes are "
        "those of one evaluation and seed."
    )
    return Section(about, COLUMNS, [_provenance_row(r) for r in results])


def _provenance_row(r: Result) -> list[str]:
    i, seconds = r.identity, r.info["seconds"]
    times = (
        sum(seconds.values()),
        *(seconds.get(k, 0.0) for k in ("train", "compile", "evaluate")),
    )
    return [
        i["task"], str(i["demos"]), r.expert or "-", i["label"], r.info["engine"],
        r.info["device"], r.info["environment_digest"], _seeds(i["seeds"]),
        str(i["num_evals"]), str(i["eval_episodes"]), *(f"{x:.1f}" for x in times),
        r.info["finished_at"][:16].replace("T", " "), (r.info["git_commit"] or "-")[:10],
    ]  # fmt: skip


def _seeds(seeds: Sequence[int]) -> str:
    """Names seeds: `0 to 4` without gaps, else `0, 2, 5`."""
    first, last = seeds[0], seeds[-1]
    is_range = len(seeds) > 1 and list(seeds) == list(range(first, first + len(seeds)))
    return f"{first} to {last}" if is_range else ", ".join(map(str, seeds))


def warnings(results: Sequence[Result]) -> list[str]:
    """Lists reasons to distrust comparisons between these cells.

    Args:
        results: finished cells of one suite.

    Returns:
        A line for each difference in physics within a task, and for devices and package versions
        that differ.
    """
    lines = comparability.physics_warnings(results)
    names = {"devices": {r.info["device"] for r in results}}
    names |= {f"versions of {package}": v for package, v in versions(results).items()}
    for name, values in names.items():
        if len(values) > 1:
            texts = ", ".join(sorted(map(str, values)))
            lines.append(f"the cells ran with different {name} ({texts})")
    return lines


def versions(results: Sequence[Result]) -> dict[str, set[str | None]]:
    """Collects the versions of each package that the cells ran with.

    Args:
        results: finished cells.

    Returns:
        The versions by package; None where the package was not installed.
    """
    packages = sorted({k for r in results for k in r.info["versions"]})
    return {k: {r.info["versions"].get(k) for r in results} for k in packages}
