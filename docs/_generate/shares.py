"""Published returns of imitation and offline methods as shares of their experts', beside ours."""

from __future__ import annotations

from typing import NamedTuple

from docs._generate import sources
from imitbench.data.sources.source import DemoSource
from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.suites.published.schema import Place
from imitbench.suites.registry import load_suite

GARG = "Garg et al. 2021 (arXiv:2106.12142), table 3"
GAIL = "Ho and Ermon 2016 (arXiv:1606.03476), result files"
CORL = "CORL (Tarasov et al. 2022, arXiv:2210.07105), D4RL's medium{} data"
MEDIUM, MIXED = "learned, stochastic-medium", "learned, stochastic-mixed"
REPLAY = "replay of sac"
GAIL_EXPERTS = {"Hopper": 3571.38, "HalfCheetah": 4463.46, "Walker2d": 6717.08, "Ant": 4228.37}
# Task, trajectories, BC and GAIL.
GAIL_RETURNS = (
    ("Hopper", 4, 50.57, 3614.22), ("Hopper", 11, 1025.84, 3615.00),
    ("HalfCheetah", 4, -493.62, 4515.70), ("HalfCheetah", 11, 637.57, 4280.65),
    ("Walker2d", 4, 32.18, 4877.98), ("Walker2d", 11, 5946.81, 6850.27),
    ("Ant", 4, 1611.75, 3186.80), ("Ant", 11, 3065.59, 3306.67),
)  # fmt: skip
GARG_EXPERTS = {"Hopper": 3532.7, "HalfCheetah": 5098.3}
GARG_RETURNS = (  # IQ-Learn, DAC
    ("Hopper", 3546.4, 3305.1),
    ("HalfCheetah", 5076.6, 4080.6),
)
# Percent of the way from random to expert at the last step, by label.
CORL_SCORES: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("Hopper", MIXED, {"bc": 52.3, "bc-top-40": 111.2, "td3_bc": 101.2, "iql": 107.4}),
    ("HalfCheetah", MEDIUM, {"bc": 42.4, "td3_bc": 48.1, "iql": 48.3}),
    ("HalfCheetah", MIXED, {"bc": 56.0, "bc-top-40": 90.1, "td3_bc": 90.8, "iql": 94.7}),
    ("HalfCheetah", REPLAY, {"bc": 35.7, "bc-top-10": 23.6, "td3_bc": 44.8, "iql": 44.5}),
)
# The data of D4RL that stand beside ours, and the episodes of ours.
D4RL = {MEDIUM: ("", 25), MIXED: ("-expert", 25), REPLAY: ("-replay", 50)}


class Share(NamedTuple):
    """A published share of an expert's return, and the cell that stands beside it."""

    suite: str
    label: str
    place: Place
    share: float
    source: str


def published() -> list[Share]:
    """All shares, suite by suite."""
    found = []
    for task, demos, bc, gail in GAIL_RETURNS:
        name = "Ant-27" if task == "Ant" else task
        for label, value in (("bc", bc), ("gail", gail)):
            place = name, demos, "learned"
            found.append(Share("gail", label, place, value / GAIL_EXPERTS[task], GAIL))
    for task, iq_learn, dac in GARG_RETURNS:
        for label, value in (("iq_learn", iq_learn), ("dac_sac", dac)):
            place = task, 1, "learned"
            found.append(Share("inverse", label, place, value / GARG_EXPERTS[task], GARG))
    for task, who, values in CORL_SCORES:
        data, demos = D4RL[who]
        for label, value in values.items():
            best = "; theirs is 10% BC" if label.startswith("bc-top") else ""
            source = CORL.format(data) + best
            found.append(Share("offline", label, (task, demos, who), value / 100, source))
    return found


def in_a_profile(share: Share) -> bool:
    """Whether the suite has a cell to stand beside the share."""
    wanted = share.label, *share.place
    cells = load_suite(share.suite).profiles["cpu"]
    return any((c.name, c.task, c.demos, _demonstrator(c.source)) == wanted for c in cells)


def _demonstrator(source: DemoSource) -> str:
    """The demonstrator as the place of a result names it."""
    if source.behaviour:
        return source.behaviour.name
    return "learned" if source.grade == "expert" else f"learned, {source.grade}"


def table() -> str:
    """The table of all shares that have a cell in the `cpu` profile."""
    rows = []
    for s in published():
        if in_a_profile(s):
            task, demos, who = s.place
            data = who.removeprefix("learned").removeprefix(", ")
            where = f"{task} {demos}" + (f", {data}" if data else "")
            link = f"[`{s.suite}`](suites/{s.suite}.md)"
            ours = _ours(s)
            rows.append(
                (link, f"`{s.label}`", where, f"{s.share:.2f}", ours, sources.linked(s.source))
            )
    head = "Suite", "Method", "Task and demonstrations", "Theirs", "Ours", "Source of theirs"
    return sources.table(head, rows)


def _ours(s: Share) -> str:
    found: list[Result] = [
        r
        for r in sources.shipped_results(s.suite)
        if (r.identity["label"], r.place) == (s.label, s.place)
    ]
    if not found:
        return "not run yet"
    value, low, high = scores.normalised(found[0])
    old = f" ({found[0].old_version})" if found[0].old_version else ""
    return f"{value:.2f} [{low:.2f}, {high:.2f}]{old}"
