"""The book as the repository keeps it, to be read where no site is built (`make docs-tables`).

The pages are those of the site; only their links lead to files of the repository.
"""

from __future__ import annotations

import re
from pathlib import Path

from docs._generate import sources
from docs._generate.book import claim_list, pages
from imitbench import algos
from imitbench.suites.registry import suite_names
from imitbench.utils.files import atomic_write

BOOK = sources.DOCS / "book"
INDEX = BOOK / "index.md"
PARTS = {"book": pages.documents, "claims": claim_list.table}
WRITTEN = re.compile(r"<!-- begin (.+?) -->\n.*?<!-- end \1 -->", re.DOTALL)
"""A part of the front page that is written into it."""


def texts() -> dict[Path, str]:
    """The files and what has to be in them."""
    found = {sources.DOCS / uri: linked_here(text) for uri, text in pages.pages().items()}
    kept = INDEX.read_text(encoding="utf-8")
    found[INDEX] = WRITTEN.sub(lambda m: _part(m[1]), kept)
    return found


def write() -> list[Path]:
    """Writes the files whose contents have changed.

    Returns:
        The files written.
    """
    changed = [
        (path, text)
        for path, text in texts().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in changed:
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [path for path, _ in changed]


def linked_here(text: str) -> str:
    """A page of the site with links to files of the repository.

    Args:
        text: Markdown of a page below docs/book.
    """
    for suite in suite_names():
        shown = sources.SHIPPED / suite / "table.md"
        path = shown if shown.exists() else sources.ROOT / "imitbench" / "suites" / f"{suite}.py"
        text = text.replace(f"](../suites/{suite}.md)", f"]({_from_book(path)})")
    for name, module in algos.ALGOS.items():
        path = sources.ROOT.joinpath(*module.__name__.split(".")).with_suffix(".py")
        text = text.replace(f"](../methods/{name}.md)", f"]({_from_book(path)})")
    return text.replace("](../suites/", "](../../results/shipped/")


def _part(name: str) -> str:
    return f"<!-- begin {name} -->\n{linked_here(PARTS[name]())}\n<!-- end {name} -->"


def _from_book(path: Path) -> str:
    return f"../../{path.relative_to(sources.ROOT).as_posix()}"
