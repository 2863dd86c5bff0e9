"""The looks of methods: far apart for everybody, in grey, on paper and on the page."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from imitbench.report import page
from imitbench.results.figures import drawing, palette

ROOT = Path(__file__).parents[2]
# Machado, Oliveira and Fernandes 2009, table 1, severity 1: linear RGB as it is seen.
SEEN = {
    "all colours": np.eye(3),
    "no red (protanopia)": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green (deuteranopia)": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue (tritanopia)": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
WHITE = XYZ.sum(axis=1)


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, D65."""
    t = XYZ @ np.clip(rgb, 0, 1) / WHITE
    x, y, z = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(a: str, b: str) -> float:
    """WCAG's ratio."""
    low, high = sorted(float(XYZ[1] @ linear(c)) + 0.05 for c in (a, b))
    return high / low


def test_the_conversion_by_known_colours():
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.2], abs=0.05)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize(("colours", "least"), [(palette.COLOURS, 20), (palette.ON_DARK, 15)])
def test_everybody_sees_different_colours(seen, colours, least):
    labs = [lab(np.asarray(SEEN[seen]) @ linear(c)) for c in colours]
    assert min(np.linalg.norm(a - b) for a, b in combinations(labs, 2)) >= least


@pytest.mark.parametrize("colours", [palette.COLOURS, palette.ON_DARK])
def test_six_methods_of_a_panel_differ_in_grey(colours):
    lightness = sorted(lab(linear(c))[0] for c in colours[:6])
    assert min(b - a for a, b in pairwise(lightness)) >= 4


def test_lines_stand_out_from_their_ground():
    assert min(contrast(c, "#ffffff") for c in palette.COLOURS) >= 3  # WCAG 2.2, 1.4.11
    assert min(contrast(c, "#14171a") for c in palette.ON_DARK) >= 3
    assert len(palette.COLOURS) == len(palette.ON_DARK)


def test_no_two_methods_look_alike():
    looks = [palette.style(i) for i in range(24)]
    assert len({(x["marker"], x["linestyle"]) for x in looks}) == 24, "without colour, too"
    for i in range(24 - 8):
        assert len({x["color"] for x in looks[i : i + 8]}) == 8
    assert palette.style(24) == looks[0]


def test_the_methods_of_a_panel_have_different_colours():
    """In grey, too, where a panel has at most six; a method keeps its number where it may."""
    few = [f"m{i}" for i in range(6)]
    assert palette.ordered_by_looks(few, [few])[:6] == few
    many = [f"m{i}" for i in range(20)]
    panels = [many[:6], many[4:10], [many[0], many[8], many[16]], many[12:18]]
    order = palette.ordered_by_looks(many, panels)
    assert sorted(x for x in order if x is not None) == sorted(many)
    for panel in panels:
        looks = [drawing.method_style(order, label) for label in panel]
        assert len({x["color"] for x in looks}) == len(panel)
        assert {x["color"] for x in looks} <= set(palette.COLOURS[:6])
    crowd = [f"m{i}" for i in range(30)]
    assert None not in palette.ordered_by_looks(crowd, [crowd])


def test_the_page_has_the_same_looks():
    text = page.page([])
    for i, (light, dark) in enumerate(zip(palette.COLOURS, palette.ON_DARK, strict=True)):
        assert text.count(f"--c{i}: {light};") == text.count(f"--c{i}: {dark};") == 1
    assert "dash: DASHES[(i + Math.floor(i / 6)) % 4], mark: MARKS[i % 6]" in text
    assert 'MARKS = ["circle", "square", "up", "diamond", "down", "cross"]' in text


@pytest.mark.parametrize("folder", ["imitbench/results/figures", "docs/_generate", "benchmarks"])
def test_figures_have_no_colours_of_their_own(folder):
    known = {*palette.COLOURS, *palette.ON_DARK, palette.GREY}
    for path in (ROOT / folder).rglob("*.py"):
        found = re.findall(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))
        assert set(found) <= known, path
