"""The reference of the public face: the names that `import imitbench` offers."""

from __future__ import annotations

import imitbench
from docs._generate import sources


def modules() -> dict[str, list[str]]:
    """The public names by the module that defines them."""
    found: dict[str, list[str]] = {}
    for name in imitbench.__all__:
        found.setdefault(getattr(imitbench, name).__module__, []).append(name)
    return found


def overview() -> str:
    """The table of the names."""
    rows = [
        (f"[`{name}`](#{module}.{name})", sources.first_sentence(_doc(name)))
        for module, names in modules().items()
        for name in names
    ]
    return sources.table(("Name", "Purpose"), sorted(rows, key=lambda row: row[0].lower()))


def reference() -> str:
    """A section for each module, with the reference of its names."""
    parts = []
    for module, names in modules().items():
        parts.append(f"## {module.rpartition('.')[2].capitalize()}")
        parts += [f"::: {module}.{name}" for name in names]
    return "\n\n".join(parts)


def _doc(name: str) -> str:
    return getattr(imitbench, name).__doc__ or ""
