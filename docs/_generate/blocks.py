"""The code blocks and commands of Markdown pages, for the tests that run them.

A comment on the line before a block says how it is tested: `<!-- test: slow -->` runs in the slow
tests alone, `<!-- test: skip, REASON -->` is not run, `<!-- test: file NAME -->` is a part of the
file that commands of the page name; a file's parts are joined in the order of the page.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from docs._generate import sources

BLOCK = re.compile(
    r"(?:<!-- test: (?P<mark>[^>]*?) -->\n+)?^```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
INLINE = re.compile(r"`((?:imitbench|make|pip) [^`\n]+)`")


class Block(NamedTuple):
    """A fenced block."""

    kind: str  # the language
    text: str
    mark: str  # what its comment says; empty without one
    line: int


def pages() -> list[Path]:
    """The hand-written pages: those of the repository's root and of docs/."""
    root = [sources.ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*root, *sorted(sources.DOCS.rglob("*.md"))]


def blocks(text: str, kind: str) -> list[Block]:
    """The fenced blocks of one language, in the order of the page."""
    return [
        Block(m["kind"], m["text"], m["mark"] or "", text[: m.start("text")].count("\n"))
        for m in BLOCK.finditer(text)
        if m["kind"] == kind
    ]


def files(text: str) -> dict[str, str]:
    """The files that the Python blocks of a page make, by their names."""
    found: dict[str, str] = {}
    for block in blocks(text, "python"):
        if block.mark.startswith("file "):
            name = block.mark.removeprefix("file ")
            found[name] = found.get(name, "") + block.text
    return found


def commands(text: str) -> list[list[str]]:
    """The commands of a page as words: those of its `bash` blocks and those in its sentences."""
    found = []
    for block in blocks(text, "bash"):
        if not block.mark.startswith("skip"):
            for line in re.sub(r"\\\n", " ", block.text).splitlines():
                found.append(shlex.split(line, comments=True))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found += [shlex.split(m[1]) for m in INLINE.finditer(prose)]
    return [words for words in found if words]
