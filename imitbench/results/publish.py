"""The results that the project ships, and a user's own beside them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from imitbench.results import policies, store, tables
from imitbench.results.figures import curves, demo_efficiency, value_estimates
from imitbench.results.shipped import shipped_folder
from imitbench.results.store import Result
from imitbench.suites import published
from imitbench.suites.registry import suite_names
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write

MAX_BYTES = 2**20
# Stems of what `derive` writes.
DERIVED = ("summary", "table", "curves", "scores", "values", "budget")


def derive(root: Path) -> tuple[list[Result], list[Path]]:
    """All that is derived from cells: summary, table and pictures. The cells, and the pictures'
    files."""
    results = tables.derive(root)
    pictures = curves.draw(results, root)
    pictures += value_estimates.draw(results, root / "values")
    pictures += demo_efficiency.draw(results, root / "budget")
    return results, pictures


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
            shutil.copytree(
                have[key].folder,
                store.cells_folder(staged) / key,
                ignore=shutil.ignore_patterns(policies.FOLDER),
            )
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
    found = {
        name: store.read_all(shipped_folder(name))
        for name in suite_names()
        if published.claims_of(name)
    }
    return tables.verdicts({name: results for name, results in found.items() if results})


def into_readme(name: str, table: str) -> None:
    """Puts a shipped table between its marks in README.md, where it has them."""
    readme = Path("README.md")
    begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
    text = readme.read_text() if readme.exists() else ""
    if begin in text and end in text:
        head, rest = text.split(begin, 1)
        with atomic_write(readme) as path:
            path.write_text(head + begin + "\n" + table + "\n" + end + rest.split(end, 1)[1])
