"""The figures of the README, demonstrations and all verdicts, and the book (`make docs-tables`)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import matplotlib
import numpy as np

from docs._generate import sources
from docs._generate.book import committed, verdict_list
from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.results.figures.palette import COLOURS, GREY

README = sources.ROOT / "README.md"
FIGURE = sources.DOCS / "assets" / "demonstrations.svg"
SUITE = "gail"
TASKS = ("Hopper", "Walker2d", "HalfCheetah")
LINES = {"bc": ("BC", COLOURS[0], "o"), "gail": ("GAIL", COLOURS[1], "s")}
EXPERT = ("dagger", "DAgger", COLOURS[3], "D")


def fingerprint() -> str:
    """The hash of the numbers that the figure shows."""
    lines = [
        " ".join([r.folder.name, *(f"{x:.6g}" for x in scores.normalised(r))]) for r in _results()
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def drawn_fingerprint() -> str:
    """The hash that the figure was drawn from; empty where there is no figure."""
    text = FIGURE.read_text(encoding="utf-8") if FIGURE.exists() else ""
    match = re.search(r"cells ([0-9a-f]{16})", text)
    return match[1] if match else ""


def draw() -> None:
    """Draws the figure of the README: normalised return against the number of demonstrations."""
    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    style: Any = {
        "svg.hashsalt": "imitbench", "font.size": 10, "axes.spines.top": False,
        "axes.spines.right": False, "savefig.facecolor": "white",
    }  # fmt: skip
    with plt.rc_context(style):
        figure, axes = plt.subplots(1, len(TASKS), figsize=(9, 2.9), sharey=True)
        for ax, task in zip(axes, TASKS, strict=True):
            _panel(ax, task)
        axes[0].set_ylabel("normalised return")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        figure.tight_layout(rect=(0, 0.09, 1, 1))
        FIGURE.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"Date": None, "Description": f"cells {fingerprint()}"}
        figure.savefig(FIGURE, metadata=metadata)
        plt.close(figure)


def main() -> None:
    """Writes the figures and pages whose numbers have changed."""
    written = verdict_list.write() + committed.write()
    if drawn_fingerprint() != fingerprint():
        draw()
        written.append(FIGURE)
    for path in written:
        print(f"written: {path.relative_to(sources.ROOT)}")


def _panel(ax: Any, task: str) -> None:
    ax.axhline(1.0, color=GREY, linewidth=0.8)
    ax.axhline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    for label, (name, colour, marker) in LINES.items():
        cells = sorted(_cells(task, label), key=lambda r: r.identity["demos"])
        demos = np.array([r.identity["demos"] for r in cells])
        value, low, high = np.array([scores.normalised(r) for r in cells]).T
        ax.plot(demos, value, marker=marker, markersize=4, color=colour, label=name)
        ax.fill_between(demos, low, high, color=colour, alpha=0.15, linewidth=0)
    label, name, colour, marker = EXPERT
    for cell in _cells(task, label):
        value, low, high = scores.normalised(cell)
        bar = [[max(value - low, 0)], [max(high - value, 0)]]
        ax.errorbar(
            [cell.identity["demos"]], [value], yerr=bar, fmt=marker, markersize=5, color=colour,
            label=f"{name} (asks the expert)",
        )  # fmt: skip
    ax.set(title=task, xscale="log", xlabel="demonstrations", ylim=(-0.3, 1.15))
    ticks = sorted({r.identity["demos"] for r in _cells(task, "bc")})
    ax.set_xticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.text(ticks[-1], 1.02, "expert", ha="right", va="bottom", fontsize=8, color=GREY)


def _results() -> list[Result]:
    labels = (*LINES, EXPERT[0])
    return [
        r
        for r in sources.shipped_results(SUITE)
        if r.identity["task"] in TASKS
        and r.identity["label"] in labels
        and r.identity["source"].get("grade", "expert") == "expert"
    ]


def _cells(task: str, label: str) -> list[Result]:
    identity = [(r.identity["task"], r.identity["label"], r) for r in _results()]
    return [r for t, name, r in identity if (t, name) == (task, label)]


if __name__ == "__main__":
    main()
