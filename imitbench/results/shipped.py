"""The results that the project ships, and a user's own beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imitbench
from imitbench.results import stats, store
from imitbench.results.store import Result


def shipped_folder(name: str) -> Path:
    """Folder of a suite's shipped results."""
    here = Path("results") / "shipped" / name
    tree = Path(imitbench.__file__).parent.parent / "results" / "shipped" / name
    return here if here.is_dir() else tree


def compare_with_shipped(results: Sequence[Result], folder: Path) -> str:
    """One line: does this run agree with the shipped one?

    Cells of the same name, engine and profile agree where the 95% bootstrap interval of the
    difference in final success (return, where the task has no success) holds 0.
    """
    if not store.cells_folder(folder).is_dir():
        return f"beside the shipped run: there is none in {folder}"
    old = {_name(r): r for r in store.read_all(folder)}
    differ, same, warnings = [], 0, []
    for r in results:
        other = old.get(_name(r))
        if other is None:
            continue
        measure = "success_final" if r.info["has_success"] else "return"
        d = stats.difference(r.final(measure), other.final(measure))
        if d.low <= 0 <= d.high or d.value == 0:
            same += 1
        else:
            scale, unit = (100, " points") if measure == "success_final" else (1, "")
            differ.append(
                f"{'-'.join(_name(r)[:3])} {d.value * scale:+.1f}{unit} "
                f"[{d.low * scale:+.1f}, {d.high * scale:+.1f}]"
            )
        if r.info["environment_digest"] != other.info["environment_digest"]:
            warnings.append(f"{r.identity['task']} behaves differently here (environment digest)")
    if not same and not differ:
        return "beside the shipped run: no cell of the same task, method, engine and profile"
    text = (
        f"beside the shipped run: {same} of {same + len(differ)} cells the same within the interval"
    )
    if differ:
        text += "; different in " + "; ".join(differ)
    return text + "".join(f"; note: {w}" for w in sorted(set(warnings)))


def _name(r: Result) -> tuple[str, ...]:
    i = r.identity
    return (i["task"], str(i["demos"]), i["label"], r.expert, r.info["engine"], i["profile"])
