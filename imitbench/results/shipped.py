"""The results that ship with the project, and how a new run agrees with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imitbench
from imitbench.results import stats, store
from imitbench.results.cell import Result
from imitbench.results.comparability import physics_differences


def shipped_folder(name: str) -> Path:
    """The folder of a suite's shipped results.

    Args:
        name: the suite; empty for the folder of all suites.

    Returns:
        `results/shipped/<name>` below the current folder where it is there, else in the source
        tree. It need not exist.
    """
    local = Path("results") / "shipped" / name
    tree = Path(imitbench.__file__).parent.parent / "results" / "shipped" / name
    return local if local.is_dir() else tree


def compare_with_shipped(results: Sequence[Result], folder: Path) -> str:
    """Says in one line whether a run agrees with the shipped one.

    Two cells of the same name, engine and profile agree where the 95% bootstrap interval of the
    difference in final success (in return, where the task does not say when it is solved) holds 0.

    Args:
        results: the cells of the run.
        folder: of the shipped results.

    Returns:
        The line: how many cells agree, which do not, and where environments behave differently.
    """
    if not store.cells_folder(folder).is_dir():
        return f"beside the shipped run: there is none in {folder}"
    shipped = {_cell_name(r): r for r in store.read_all(folder)}
    pairs = [(r, shipped[_cell_name(r)]) for r in results if _cell_name(r) in shipped]
    if not pairs:
        return "beside the shipped run: no cell of the same task, method, engine and profile"
    differing = [text for pair in pairs if (text := _difference(*pair))]
    agreeing = len(pairs) - len(differing)
    line = f"beside the shipped run: {agreeing} of {len(pairs)} cells the same within the interval"
    if differing:
        line += "; different in " + "; ".join(differing)
    tasks = {a.identity["task"] for a, b in pairs if physics_differences(a, b)}
    return line + "".join(
        f"; note: {task} behaves differently here (environment digest)" for task in sorted(tasks)
    )


def _difference(a: Result, b: Result) -> str:
    """The difference of two cells with its interval; empty where the interval holds 0."""
    measure = "success_final" if a.info["has_success"] else "return"
    d = stats.difference(a.final(measure), b.final(measure))
    if d.low <= 0 <= d.high or d.value == 0:
        return ""
    scale, unit = (100, " points") if measure == "success_final" else (1, "")
    interval = f"[{d.low * scale:+.1f}, {d.high * scale:+.1f}]"
    return f"{'-'.join(_cell_name(a)[:3])} {d.value * scale:+.1f}{unit} {interval}"


def _cell_name(r: Result) -> tuple[str, ...]:
    i = r.identity
    return (i["task"], str(i["demos"]), i["label"], r.expert, r.info["engine"], i["profile"])
