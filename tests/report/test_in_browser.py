"""The report's page in a browser: sorted, filtered, compared, played, and by the keyboard alone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from helpers import browser as chromium
from helpers.reports import SHIPPED, drawn, part, shipped

from imitbench.report import page as report_page
from imitbench.report import video, videos
from imitbench.results import compare, tables
from imitbench.results.tables import formatting

SPACE, HOME = " ", "\ue011"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing()),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A report about two suites, the first of which has a video."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    films = [videos.Video("PointMass", "expert", "Scripted.", drawn())]
    report_page.write([part(shipped(), videos=films), part(shipped("vins"), name="vins")], path)
    return path


@pytest.fixture
def window(path: Path) -> Iterator[chromium.Browser]:
    with chromium.browser() as window:
        window.size(1600, 1000)
        window.open(path)
        yield window


def test_sorts_shows_values_and_plays(window, tmp_path):
    _sorts(window)
    _shows_values(window)
    _plays(window)


def test_fits_three_widths_and_both_schemes(window, tmp_path):
    for width in (375, 800, 1600):
        window.size(width, 1000)
        wide = "return document.documentElement.scrollWidth - innerWidth"
        assert window.run(wide) <= 0, "the page does not overflow"
    colours = set()
    for scheme in ("light", "dark"):
        window.scheme(scheme)
        colours.add(window.run("return getComputedStyle(document.body).backgroundColor"))
        window.picture(tmp_path / f"{scheme}.png")
        assert (tmp_path / f"{scheme}.png").stat().st_size > 10_000
    assert len(colours) == 2


def test_filters_by_suite_task_and_method(window):
    rows = "#suite-toy .scroll[aria-label^=Scores] tbody tr:not(.out)"
    count = f"return document.querySelectorAll('{rows}').length"
    said = "return document.querySelector('.filter output').textContent"
    everything = len(shipped()) + len(shipped("vins"))
    assert window.run(said) == f"{everything} cells"
    window.press(".filter [name=suite]", "toy")
    window.press(".filter [name=task]", "FetchReach")
    here = [r for r in shipped() if r.place[0] == "FetchReach"]
    assert window.run(count) == len(here)
    assert window.run(said) == f"{len(here)} of {everything} cells shown"
    window.press(".filter [name=method]", "vins")
    assert window.run(count) == 1
    lines = "return [...document.querySelectorAll('#suite-toy .panel:not(.out) g[data-name]')]"
    shown = window.run(f"{lines}.filter(g => g.getClientRects().length).map(g => g.dataset.name)")
    assert shown and set(shown) == {"vins"}
    assert not window.run("return document.querySelector('#suite-vins').getClientRects().length")
    window.press(".filter button", SPACE)
    assert window.run(said) == f"{everything} cells"
    assert window.run(count) == len(shipped())


def test_compares_two_methods_with_the_keyboard(window):
    window.press("#suite-toy .choose label:nth-child(1) select", "dagger")
    window.press("#suite-toy .choose label:nth-child(2) select", "bc")
    table = "return [...document.querySelector('#suite-toy .answer table').rows]"
    head, *rows = window.run(f"{table}.map(row => [...row.cells].map(c => c.textContent))")
    assert head[2:4] == ["dagger", "bc"]
    sides = [compare.side(name, shipped(), SHIPPED) for name in ("dagger", "bc")]
    finals = [p for p in compare.pairs(*sides) if not p.measure.endswith(compare.OVER_TRAINING)]
    assert len(rows) == len(finals) > 0
    for row, pair in zip(rows, finals, strict=True):
        assert row[4] == formatting.format_estimate(pair.lead.interval(), 100, 1, "+")
        assert row[5] == formatting.format_p(pair.p_adjusted)
        higher = "dagger" if pair.lead.value > 0 else "bc"
        is_decided = pair.p_adjusted <= compare.LEVEL
        assert row[7] == (f"{higher} is above" if is_decided else "no difference shown")
    status = "return document.querySelector('#suite-toy .compare [role=status]').textContent"
    assert window.run(status) == f"{compare.overall(finals, 'dagger', 'bc')}.".replace(
        f"of {len(finals) // 2},", f"of {len(finals) // 2} places,"
    )
    window.press("#suite-toy .choose label:nth-child(1) select", HOME)  # to bc, the first
    assert window.run(status) == "Choose two different methods."


def test_the_tab_key_reaches_everything_that_can_be_used(window):
    controls = "'a[href], button, select, video, [tabindex=\"0\"]'"
    visible = "n => n.getClientRects().length"
    wanted = window.run(
        f"return [...document.querySelectorAll({controls})].filter({visible}).length"
    )
    assert wanted > 50
    window.run(f"for (const [i, n] of document.querySelectorAll({controls}).entries()) n.mark = i")
    reached = set()
    for _ in range(2 * wanted):
        window.tab()
        reached.add(window.run("return document.activeElement.mark ?? null"))
    assert len(reached - {None}) >= wanted


def test_is_accessible(window):
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    window.run(axe)
    for scheme in ("light", "dark"):
        window.scheme(scheme)
        found = window.run_later(
            "axe.run().then(r => done(r.violations.map(v => `${v.id}: ${v.nodes[0].html}`)))"
        )
        assert found == []


def _sorts(window: chromium.Browser) -> None:
    column = """return [...document.querySelectorAll('#suite-toy table')[0].tBodies[0].rows]
        .map(row => row.cells[arguments[0]].textContent)"""
    head = "#suite-toy table th:nth-child({}) button"
    state = "return document.querySelector('#suite-toy table th:nth-child(5)').ariaSort"
    before = window.run(column, 4)
    numbers = [float(x.split()[0]) for x in before]
    window.click(head.format(5))
    found = [float(x.split()[0]) for x in window.run(column, 4)]
    assert found == sorted(numbers, reverse=True) != numbers
    assert window.run(state) == "descending"
    window.press(head.format(5), "\ue007")  # the return key
    found = [float(x.split()[0]) for x in window.run(column, 4)]
    assert found == sorted(numbers) and window.run(state) == "ascending"
    window.click(head.format(3))
    methods = window.run(column, 2)
    assert methods == sorted(methods) and window.run(state) == "none"


def _shows_values(window: chromium.Browser) -> None:
    tip = "const t = document.querySelector('.tip'); return t.hidden ? '' : t.textContent"
    mark = "#suite-toy .panel:first-child g[data-name=dagger] rect, "
    mark += "#suite-toy .panel:first-child g[data-name=dagger] polygon:last-of-type"
    window.point(mark)
    cell = next(c for c in tables.table_rows(shipped()) if c["Method"] == "dagger")
    said, steps = cell["Success final, %"], cell["Gradient steps"]
    low, high = re.findall(r"[\d.]+", said)[1:]
    value = said.split()[0]
    assert window.run(tip) == (
        f"dagger\ngradient steps {steps}\nsuccess final {value} % [{low} %, {high} %]"
    )
    panel = "#suite-toy .panel:first-child svg"
    window.press(panel, "\ue014")  # the right arrow
    names = [r.identity["label"] for r in shipped()]
    after = shipped()[names.index("dagger") + 1]
    first = f"{after.curve['grad_steps'].min():,}"
    expected = f"{after.identity['label']}\ngradient steps {first}\n"
    assert window.run(tip).startswith(expected), "the first point of the next curve"
    group = f"return document.querySelector('{panel} g[data-name=bc]').getAttribute('display')"
    button = "#suite-toy .legend button:first-child"
    window.click(button)
    assert window.run(group) == "none"
    assert window.run(f"return document.querySelector('{button}').ariaPressed") == "false"
    window.click(button)
    assert window.run(group) == "inline"


def _plays(window: chromium.Browser) -> None:
    window.click("#suite-toy button.play")
    at = "return document.querySelector('video').currentTime"
    until = time.monotonic() + 20
    while not window.run(at) and time.monotonic() < until:
        time.sleep(0.1)
    first = window.run(at)
    time.sleep(0.5)
    assert window.run(at) != first > 0
    assert window.run("return document.querySelector('video').videoWidth") == video.SIZE[1]
