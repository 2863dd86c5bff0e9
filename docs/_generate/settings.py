"""The settings of a method: name, default and meaning of each field of its `Config`."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
from pathlib import Path
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """One field of a settings class."""

    name: str  # with the names of its groups, as `--set` takes it: ppo.lr
    kind: str  # type, or the choices
    default: str
    meaning: str


class Group(NamedTuple):
    """The fields of one settings class."""

    prefix: str  # empty for the method's own
    about: str
    settings: list[Setting]


def groups(config: Any, prefix: str = "") -> list[Group]:
    """The settings of a configuration and of the groups inside it, the method's own first."""
    docs = _field_docs(type(config))
    own, inner = [], []
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), prefix + field.name
        kind, meaning = docs.get(field.name, ("", ""))
        if dataclasses.is_dataclass(value):
            inner += groups(value, f"{name}.")
        else:
            own.append(Setting(name, kind, _text(value), meaning))
    about = " ".join((type(config).__doc__ or "").split())
    return [Group(prefix.removesuffix("."), about, own), *inner]


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings as a dict without groups, with the names that `--set` takes."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        found |= (
            flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        )
    return found


def _field_docs(config: type) -> dict[str, tuple[str, str]]:
    """Type and docstring of each field, those of base classes too."""
    found: dict[str, tuple[str, str]] = {}
    for base in reversed(config.__mro__):
        if dataclasses.is_dataclass(base):
            docs = _class_docs(inspect.getsourcefile(base) or "", base.__name__)
            # A subclass that changes a default alone keeps the meaning.
            found |= {n: (k, m or found.get(n, ("", ""))[1]) for n, (k, m) in docs.items()}
    return found


@functools.cache
def _class_docs(path: str, name: str) -> dict[str, tuple[str, str]]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    found = {}
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            meaning = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                meaning = " ".join(str(following.value.value).split())
            found[node.target.id] = (_kind(node.annotation), meaning)
    return found


def _kind(annotation: ast.expr) -> str:
    text = ast.unparse(annotation)
    if text.startswith("Literal["):
        choices = text.removeprefix("Literal[").removesuffix("]").replace("'", "")
        return ", ".join(choice or "(empty)" for choice in choices.split(", "))
    plain = {"int": "integers", "str": "names", "float": "numbers"}
    return {f"tuple[{kind}, ...]": name for kind, name in plain.items()}.get(text, text)


def _text(value: Any) -> str:
    """A default as `--set` takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "(none)"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else "(empty)"
