"""No public name is one of the glossary's banned words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from docs._generate import sources

GLOSSARY = (sources.DOCS / "glossary.md").read_text(encoding="utf-8")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def banned() -> list[str]:
    """The words in the first column of the glossary's table of banned words."""
    _, section = GLOSSARY.split("## Banned words", 1)
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def public_names(source: str) -> Iterator[tuple[str, str]]:
    """The public classes, functions, parameters and settings of a module, each with its kind."""
    yield from _names(ast.parse(source).body)


def _names(body: list[ast.stmt], config: bool = False) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, "class"
            yield from _names(node.body, config=node.name.endswith("Config"))
        elif isinstance(node, Function) and (node.name == "__init__" or node.name[0] != "_"):
            yield node.name, "function"
            arguments = node.args
            for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                yield a.arg, f"parameter of {node.name}"
        elif config and isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, "setting"


def test_no_public_name_is_banned():
    words, found = set(banned()), []
    assert len(words) > 20
    package = sources.ROOT / "imitbench"
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(sources.ROOT)
        names = [(part, "module") for part in place.with_suffix("").parts]
        names += public_names(path.read_text(encoding="utf-8"))
        found += [f"{place}: {kind} {name}" for name, kind in names if name in words]
    assert not found, "banned words (docs/glossary.md) as names:\n" + "\n".join(found)


def test_names_are_found():
    source = (
        "class Order:\n    def said(self, told, *, odd=1): ...\n"
        "class Config:\n    given: int = 0\n"
        "class Row:\n    facts: int = 0\n"
        "def _hidden(film): ...\n"
    )
    names = [name for name, _ in public_names(source)]
    assert names == ["Order", "said", "self", "told", "odd", "Config", "given", "Row"]


def test_the_glossary_is_sorted():
    words = [w.lower() for w in banned()]
    assert words == sorted(words)
