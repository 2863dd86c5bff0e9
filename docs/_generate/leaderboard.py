"""The leaderboard: shipped rows and submissions, ranked suite by suite."""

from __future__ import annotations

from docs._generate import sources
from imitbench.results import comparability, effort, rank, submissions
from imitbench.results.cells.cell import Result
from imitbench.results.claims import place_name
from imitbench.results.tables.formatting import format_estimate
from imitbench.suites.registry import suite_names
from imitbench.utils.errors import UserError

COSTS = (effort.env_steps, effort.grad_steps)
COMMUNITY = sources.ROOT / "results" / "community"
HEAD = (
    "Rank", "Method", "By", "IQM", "Mean", "P(better)", "Above", "Below", "Environment steps",
    "Gradient steps",
)  # fmt: skip


def submitted(suite: str) -> list[tuple[submissions.Submission, list[Result]]]:
    """The submissions to the suite's `cpu` profile."""
    return [
        (about, cells)
        for about, cells in submissions.read_all(COMMUNITY)
        if (about.suite, about.profile) == (suite, "cpu")
    ]


def tables() -> str:
    """A ranking for each suite whose shipped cells can be ranked."""
    parts = []
    for suite in suite_names():
        if sources.shipped_results(suite) and (part := table(suite)):
            parts += [f"## [`{suite}`](suites/{suite}.md)", part]
    return "\n\n".join(parts)


def table(suite: str) -> str:
    """The ranking of one suite, or why there is none; empty where no two methods ran at the same
    places."""
    shipped = [r for r in sources.shipped_results(suite) if not r.identity.get("validation")]
    if not shipped:  # a search over settings
        return ""
    results, by = list(shipped), {}
    for about, cells in submitted(suite):
        named = submissions.with_name(about, cells)
        results += named
        by |= {r.identity["label"]: about.by for r in named}
    try:
        comparability.require_one_environment(results)
    except UserError as error:
        return f"Not ranked: {error}."
    try:
        scores = rank.collect(results)
    except UserError:
        return ""
    rows = [
        (
            str(number),
            f"`{r.method}`",
            by.get(r.method, "shipped"),
            format_estimate(r.iqm, 1.0, 3),
            format_estimate(r.mean, 1.0, 3),
            f"{r.improvement:.2f}",
            str(r.above),
            str(r.below),
            *(f"{max(map(count, scores.cells[r.method])):,}" for count in COSTS),
        )
        for number, r in enumerate(rank.rank_methods(scores), 1)
    ]
    places = "; ".join(map(place_name, scores.places))
    about = f"{scores.measure.replace('_', ' ').capitalize()}, normalised, at {places}."
    if scores.left_out:
        names = ", ".join(f"`{name}`" for name in scores.left_out)
        about += f" Not at all of these places, so not ranked: {names}."
    return f"{about}\n\n{sources.table(HEAD, rows)}"
