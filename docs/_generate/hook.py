"""The hook of MkDocs: adds the generated pages, fills the generated parts of the written ones, and
checks that the built site loads nothing from elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from docs._generate import (
    architecture,
    baselines,
    commands,
    leaderboard,
    methods,
    notebooks,
    public_face,
    shares,
    sources,
    suites,
    tasks,
)
from docs._generate.book import claim_list, committed
from docs._generate.book import pages as book
from imitbench import algos

PARTS: dict[str, Callable[[], str]] = {
    "methods": methods.overview,
    "suites": suites.overview,
    "tasks": tasks.tasks,
    "references": tasks.references,
    "experts": tasks.learned_experts,
    "commands": commands.reference,
    "architecture": lambda: f"<div>{architecture.drawing()}</div>",
    "packages": architecture.packages,
    "import contract": architecture.forbidden,
    "notebooks": notebooks.table,
    "public names": public_face.overview,
    "public reference": public_face.reference,
    "results schema": lambda: _included("results/README.md"),
    "changelog": lambda: _included("CHANGELOG.md"),
    "verdicts": lambda: suites.verdicts("suites/{}.md"),
    "claims": claim_list.table,
    "baselines": baselines.overview,
    "published returns": baselines.returns,
    "remarks on published returns": baselines.remarks,
    "rows of peers": baselines.peers,
    "published shares": shares.table,
    "book": book.documents,
    "leaderboard": leaderboard.tables,
    "coverage": lambda: _included("docs/assets/coverage.md"),
}
PART = re.compile(r"<!-- generate (.+?) -->")
"""A part that is left to the generators; `committed.WRITTEN` are parts that the file has, too."""
UNBUILT = re.compile(r"<!-- not built -->\n.*?<!-- built -->\n+", re.DOTALL)
"""What a page says to whoever reads its source, and the built page leaves out."""
# Attributes by which a browser loads a file at once.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon))[^>]*"""
    r"""\bhref=["']?(?:https?:)?//[^"'\s>]+"""
)


def on_config(config: Any) -> Any:
    """Puts the generated pages into the navigation."""
    config.nav = [_with_generated(entry) for entry in config.nav]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the generated pages and the figures."""
    pages = {f"methods/{name}.md": methods.page(name) for name in algos.ALGOS}
    pages |= suites.suite_pages() | book.pages()
    for uri, text in pages.items():
        if kept := files.get_file_from_path(uri):  # of the book, with links into the repository
            files.remove(kept)
        files.append(File.generated(config, uri, content=text))
    for name in suites.names():
        for path in suites.figures(name):
            for shown in (path, path.with_suffix(".svg")):
                if shown.exists():
                    uri = f"suites/{name}/{shown.name}"
                    files.append(File.generated(config, uri, abs_src_path=str(shown)))
    for folder, part in (("perf", "performance"), ("parity", "performance/parity")):
        for path in sorted((sources.ROOT / "results" / folder).iterdir()):
            if path.suffix in (".md", ".png"):
                uri = f"{part}/{path.name}"
                files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fills the parts that a page leaves to the generators."""

    def part(match: re.Match[str]) -> str:
        if match[1] not in PARTS:
            raise PluginError(f"no generated part {match[1]!r}: expected one of {', '.join(PARTS)}")
        return PARTS[match[1]]()

    return PART.sub(part, committed.WRITTEN.sub(part, UNBUILT.sub("", markdown)))


def on_post_build(config: Any) -> None:
    """Fails where a page loads a file from another host."""
    site = Path(config["site_dir"])
    for path in site.rglob("*.html"):
        if found := LOADED.search(path.read_text(encoding="utf-8")):
            raise PluginError(f"{path.relative_to(site)} loads from elsewhere: {found[0]}")


def _with_generated(entry: Any) -> Any:
    """An entry of the navigation with `methods/*` and its like replaced by their pages."""
    if not isinstance(entry, dict):
        return entry
    found = {}
    for title, value in entry.items():
        if isinstance(value, list):
            value = [x for inner in value for x in _expanded(inner)]
        found[title] = value
    return found


def _expanded(entry: Any) -> list[Any]:
    if entry == "methods/*":
        return [
            {family: [{name: f"methods/{name}.md"} for name in names]}
            for family, names in methods.families().items()
        ]
    if entry == "suites/*":
        return [{name: f"suites/{name}.md"} for name in suites.names()]
    if entry == "book/*":
        titles = {d.name: d.title.partition(". ")[0] for d in book.DOCUMENTS}
        titles[book.REST] = "Other claims"
        return [{title: f"book/{name}.md"} for name, title in titles.items()]
    return [_with_generated(entry)]


def _included(path: str) -> str:
    """A file of the repository's root without its title, for a page of `docs/`."""
    text = (sources.ROOT / path).read_text(encoding="utf-8")
    return re.sub(r"\A# .*\n", "", text).replace("](docs/", "](")
