"""The results that the project ships, and a user's own beside them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import imitbench
from imitbench.core.host import atomic
from imitbench.core.types import UserError
from imitbench.harness import claims, plot_budget, plot_values, plots, stats, store, suite, tables
from imitbench.harness.store import Result

MAX_BYTES = 2**20
# Stems of what `derive` writes.
DERIVED = ("summary", "table", "curves", "scores", "values", "budget")


def shipped(name: str) -> Path:
    """Folder of a suite's shipped results."""
    here = Path("results") / "shipped" / name
    tree = Path(imitbench.__file__).parent.parent / "results" / "shipped" / name
    return here if here.is_dir() else tree


def derive(root: Path) -> tuple[list[Result], list[Path]]:
    """All that is derived from cells: summary, table and pictures. The cells, and the pictures'
    files."""
    results = tables.derive(root)
    pictures = plots.draw(results, root)
    pictures += plot_values.draw(results, root / "values")
    pictures += plot_budget.draw(results, root / "budget")
    return results, pictures


def beside(results: Sequence[Result], folder: Path) -> str:
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


def ship(root: Path, name: str, keys: Sequence[str], *, partial: bool = False) -> Path:
    """Checks a finished run and copies it into `results/shipped/`.

    Args:
        keys: the folder names of the cells that the suite has; all must be finished.
        partial: unless some may be missing.

    Raises:
        UserError: cells are missing, a file is too large, or sources had changes.
    """
    results, _ = derive(root)
    have = {r.folder.name: r for r in results}
    missing = [k for k in keys if k not in have]
    keys = [k for k in keys if k in have]
    if missing and not (partial and keys):
        raise UserError(f"{root} lacks finished cells: {', '.join(missing)}; run the suite first")
    for key in keys:
        commit = have[key].info["git_commit"] or "+changes"
        if commit.endswith("+changes"):
            raise UserError(f"{key} was not run from a committed tree: commit, then run it again")
        large = [f for f in have[key].folder.iterdir() if f.stat().st_size > MAX_BYTES]
        if large:
            raise UserError(f"{large[0]} is over 1 MiB: too large to ship")
    target = Path("results") / "shipped" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        staged = Path(temporary) / name
        for key in keys:
            shutil.copytree(have[key].folder, store.cells_folder(staged) / key)
        derive(staged)
        for extra in target.glob("*"):  # pictures that other commands made
            if extra.is_file() and extra.stem not in DERIVED:
                shutil.copy2(extra, staged)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(staged, target)
    into_readme(name, (target / "table.md").read_text())
    into_readme("claims", claims_table())
    return target


def claims_table() -> str:
    """Every claim about the suites that ship, in Markdown."""
    found = {name: store.read_all(shipped(name)) for name in suite.names() if claims.load(name)}
    return tables.verdicts({name: results for name, results in found.items() if results})


def into_readme(name: str, table: str) -> None:
    """Puts a shipped table between its marks in README.md, where it has them."""
    readme = Path("README.md")
    begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
    text = readme.read_text() if readme.exists() else ""
    if begin in text and end in text:
        head, rest = text.split(begin, 1)
        with atomic(readme) as path:
            path.write_text(head + begin + "\n" + table + "\n" + end + rest.split(end, 1)[1])
