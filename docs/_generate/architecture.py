"""The drawing of the architecture, made from the import contract in pyproject.toml."""

from __future__ import annotations

from html import escape

from docs._generate import sources

WIDTH, ROW, GAP, LEFT = 860, 52, 26, 4
TEXT = 124  # characters of a description across the whole width


def layers() -> list[list[str]]:
    """The packages of each layer, the command line first."""
    contract = _contract("layers")
    return [[p.strip() for p in layer.split("|")] for layer in contract["layers"]]


def forbidden() -> str:
    """The name of the second contract, about what a method may import."""
    return _contract("forbidden")["name"]


def drawing() -> str:
    """An SVG that takes its colours from the page."""
    rows = layers()
    height = len(rows) * ROW + (len(rows) - 1) * GAP + 2 * LEFT
    parts = [
        f'<svg class="architecture" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="Layers of the package; imports run downwards">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/></marker>'
        "</defs>",
    ]
    for i, packages in enumerate(rows):
        top = LEFT + i * (ROW + GAP)
        width = (WIDTH - 2 * LEFT - (len(packages) - 1) * GAP) / len(packages)
        for j, package in enumerate(packages):
            parts += _box(package, LEFT + j * (width + GAP), top, width, TEXT // len(packages))
        if i + 1 < len(rows):
            start, end = top + ROW + 3, top + ROW + GAP - 3
            parts.append(
                f'<line x1="{WIDTH / 2}" y1="{start}" x2="{WIDTH / 2}" y2="{end}" '
                'stroke="currentColor" marker-end="url(#arrow)"/>'
            )
    return "".join([*parts, "</svg>"])


def packages() -> str:
    """The table of the packages."""
    rows = [
        (f"`{name}`", sources.package_summary(f"imitbench.{name}") or "-")
        for layer in layers()
        for name in layer
    ]
    return sources.table(("Package", "Contents"), rows)


def _contract(kind: str) -> dict:
    contracts = sources.project()["tool"]["importlinter"]["contracts"]
    return next(c for c in contracts if c["type"] == kind)


def _box(package: str, x: float, y: float, width: float, room: int) -> list[str]:
    about = sources.package_summary(f"imitbench.{package}").rstrip(".:").replace("`", "")
    if len(about) > room:
        about = about[:room].rsplit(" ", 1)[0].rstrip(",;:") + " ..."
    middle = x + width / 2
    return [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{ROW}" rx="6" fill="none" '
        'stroke="currentColor"/>',
        f'<text x="{middle:g}" y="{y + 21:g}" text-anchor="middle" font-weight="bold" '
        f'fill="currentColor">{escape(package)}</text>',
        f'<text x="{middle:g}" y="{y + 40:g}" text-anchor="middle" font-size="13" '
        f'fill="currentColor">{escape(about)}</text>',
    ]
