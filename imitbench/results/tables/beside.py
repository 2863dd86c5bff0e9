"""The sections below a table with what stands beside ours: published numbers and peers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imitbench.results import scores, stats
from imitbench.results.cells.cell import Result
from imitbench.results.claims import leads
from imitbench.results.tables import published_numbers
from imitbench.results.tables.formatting import Section, format_estimate
from imitbench.suites import published
from imitbench.suites.published.schema import Claim

RETURNS_HEAD = (
    "Task", "Method", "Environment steps", "Return here", "Return published", "Difference",
    "Verdict", "Source",
)  # fmt: skip
PEERS_HEAD = (
    "Task", "Demos", "Expert", "Method", "Package", "Here", "There", "Difference", "Verdict",
)  # fmt: skip
NO_DIFFERENCE = "no difference found"


def published_returns(results: Sequence[Result]) -> Section:
    """Compares published returns with ours after the same number of environment steps.

    Args:
        results: cells of one suite.

    Returns:
        A row for each published return that a run here came far enough for.

    Raises:
        UserError: two cells fit one published return.
    """
    rows = []
    for number in published.returns_of(results[0].identity["suite"]):
        ours = published_numbers.our_return(number, results)
        if ours is not None:
            gap = published_numbers.difference(number, ours).interval()
            row = [number.task, number.method, f"{number.env_steps:,}"]
            row += [format_estimate(ours.interval(), 1, 0), f"{number.value:.0f} {number.spread}"]
            rows.append([*row, *format_gap(gap), f"[{number.source}]({number.url})"])
    about = (
        "Beside published returns after the same number of environment steps (here between "
        "evaluations along a straight line), with the 95% interval of the difference over runs "
        "(Welch):"
    )
    return Section(about, RETURNS_HEAD, rows)


def format_gap(gap: stats.Estimate, scale: float = 1, digits: int = 0) -> tuple[str, str]:
    """Writes a difference of ours from theirs, and what it shows.

    Args:
        gap: positive where ours is higher.
        scale: of the numbers.
        digits: behind the point.

    Returns:
        The difference with its interval, and "no difference found", "higher here", "lower here" or,
        where the interval is not known, "-". Where the difference is not known, "-" twice.
    """
    if math.isnan(gap.value):
        return "-", "-"
    if math.isnan(gap.low):
        return f"{scale * gap.value:+.{digits}f}", "-"
    numbers = (f"{scale * x:+.{digits}f}" for x in (gap.value, gap.low, gap.high))
    found = "higher here" if gap.low > 0 else "lower here" if gap.high < 0 else NO_DIFFERENCE
    return "{} [{}, {}]".format(*numbers), found


def peer_rows(results: Sequence[Result]) -> Section:
    """Compares the rows of peers with ours on the same data.

    Args:
        results: cells of one suite.

    Returns:
        A row for each peer's row whose counterpart has been run: the method of the same name
        behind the name of the package.
    """
    rows = []
    for peer in (r for r in results if r.peer):
        package, label = peer.identity["label"].split("-", 1)
        for ours in results:
            if (ours.place, ours.identity["label"]) != (peer.place, label):
                continue
            measure = scores.main_measure(ours)
            scale, digits = (100, 1) if measure == "success_final" else (1, 0)
            claim = Claim("", label, peer.identity["label"], "", measure=measure)
            gap = leads.lead_of(claim, ours, peer).mean.interval()
            both = [
                format_estimate(scores.estimate(r, measure), scale, digits) for r in (ours, peer)
            ]
            place = [ours.place[0], str(ours.place[1]), ours.expert or "-"]
            version = f"{package} {peer.peer['version']}" if peer.peer else package
            rows.append([*place, label, version, *both, *format_gap(gap, scale, digits)])
    about = (
        "Beside other packages, trained on the same data with the same budget and evaluated from "
        "the same initial states (return, or final success in %), with the 95% interval of the "
        "difference seed by seed:"
    )
    return Section(about, PEERS_HEAD, rows)


def published_rates(results: Sequence[Result]) -> Section:
    """Compares published success rates with ours.

    Args:
        results: cells of one suite.

    Returns:
        A row for each published rate and each cell of its task, demonstrations and method.
    """
    rates, source = published.rates_of(results[0].identity["suite"])
    rows = []
    for rate in rates:
        for r in results:
            i = r.identity
            if (i["task"], i["demos"], i["label"]) != (rate.task, rate.demos, rate.method):
                continue
            ours = format_estimate(scores.estimate(r, "success_any"), 100, 1)
            theirs = f"{rate.value:.1f} ± {rate.error:.1f}"
            rows.append([rate.task, str(rate.demos), rate.method, r.expert, ours, theirs])
    head = ["Task", "Demos", "Method", "Expert here", "Any here, %", "Any published, %"]
    return Section(f"Beside the published rates ({source}):", head, rows)
