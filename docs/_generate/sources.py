"""Where the generated pages take their facts from: the repository's files, the registries, and the
shipped results."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import textwrap
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from imitbench.results import claims, tables
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.tables import sections
from imitbench.suites import published
from imitbench.suites.registry import suite_names

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SHIPPED = ROOT / "results" / "shipped"
ARXIV = re.compile(r"(?<!\[)arXiv:(\d{4}\.\d{4,5})")


@functools.cache
def project() -> dict[str, Any]:
    """The contents of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@functools.cache
def shipped_results(suite: str) -> tuple[Result, ...]:
    """The shipped cells of a suite in its order; empty for a suite that has not been shipped."""
    folder = SHIPPED / suite
    return tuple(store.read_all(folder)) if folder.is_dir() else ()


@functools.cache
def judgements(suite: str) -> tuple[claims.Judgement, ...]:
    """The verdicts on all claims of a suite, by its shipped cells."""
    return tuple(claims.judge(published.claims_of(suite), shipped_results(suite)))


def verdict_counts(found: Iterable[claims.Judgement]) -> dict[str, int]:
    """In how many places claims got each verdict, in the order of the verdicts; pools of places are
    not counted again."""
    verdicts = [j.verdict for j in found if not j.pooled]
    return {v: verdicts.count(v) for v in sections.VERDICTS if v in verdicts}


def in_words(counts: Mapping[str, int]) -> str:
    """Counts of verdicts, such as "3 reproduced, 1 undecided"; "-" for none."""
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "-"


@functools.cache
def summary(suite: str) -> pd.DataFrame:
    """One row for each of `shipped_results`, in the same order."""
    return tables.summary(shipped_results(suite))


@functools.cache
def _rows_and_cells(suite: str) -> list[tuple[dict[str, Any], Result]]:
    """The rows of `summary`, each with its cell."""
    results = shipped_results(suite)
    rows = summary(suite).to_dict("records") if results else []
    return list(zip(rows, results, strict=True))


def results_of_method(method: str) -> list[tuple[str, dict[str, Any], Result]]:
    """The shipped cells of a method: its suite, its row of the summary, and the cell."""
    found = []
    for suite in suite_names():
        cells = _rows_and_cells(suite)
        found += [(suite, row, r) for row, r in cells if r.identity["method"] == method]
    return found


@functools.cache
def package_summary(name: str) -> str:
    """The first sentence of the docstring of a package or module, without importing it."""
    path = ROOT.joinpath(*name.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return first_sentence(ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "")


def module_docstring(name: str) -> str:
    """A module's docstring as Markdown: paragraphs on one line each, indented lines as code."""
    return as_markdown(inspect.cleandoc(importlib.import_module(name).__doc__ or ""))


def as_markdown(text: str) -> str:
    """A docstring without its margin as Markdown; indented paragraphs become code."""
    parts = []
    for part in re.split(r"\n\s*\n", text):
        if part.strip() and all(line.startswith("    ") for line in part.splitlines()):
            parts.append(f"```text\n{textwrap.dedent(part)}\n```")
        elif part.strip():
            parts.append(" ".join(part.split()))
    return "\n\n".join(parts)


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line."""
    line = " ".join(text.split())
    match = re.match(r"(.+?[.?])(?=\s+[A-Z`]|$)", line)
    return match[1] if match else line


def linked(text: str) -> str:
    """The text with a link at each arXiv number."""
    return ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table. Bars and line breaks inside a cell are escaped."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


def interval(row: dict[str, Any], measure: str, scale: float = 1.0) -> str:
    """A mean with its interval, out of a row of the summary."""
    value, low, high = (scale * float(row[measure + end]) for end in ("", "_low", "_high"))
    return f"{value:.1f}" if low != low else f"{value:.1f} [{low:.1f}, {high:.1f}]"


def note(section: str, name: str) -> str:
    """The hand-written part of a generated page; empty where there is none."""
    path = DOCS / section / "_notes" / f"{name}.md"
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""
