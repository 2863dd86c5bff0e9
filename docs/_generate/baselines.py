"""Each method beside its published numbers, beside other packages, and what its claims came to."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence

from docs._generate import sources
from imitbench import algos
from imitbench.results.cells.cell import Result
from imitbench.results.tables import beside
from imitbench.results.tables.formatting import Section
from imitbench.suites import published
from imitbench.suites.published.schema import OURS
from imitbench.suites.registry import methods_by_label, suite_names

Make = Callable[[Sequence[Result]], Section]
_labels = functools.cache(methods_by_label)
# The package whose updates ours are compared with, one by one (`make test-reference`).
SAME_UPDATES = {
    "bcq": "d3rlpy", "td3_bc": "d3rlpy", "gail": "imitation", "ppo": "Stable-Baselines3",
    "sac": "Stable-Baselines3", "td3": "Stable-Baselines3", "ddpg": "Stable-Baselines3",
}  # fmt: skip


def overview() -> str:
    """One row for each method: what it has been held against, and with what result."""
    head = (
        "Method", "Version", "Published returns", "Other packages", "Updates equal those of",
        "Claims", "Suites with it",
    )  # fmt: skip
    rows = []
    for name in algos.ALGOS:
        found = _methods_suites(name)
        shown = [
            f"[`{s}`](suites/{s}.md)" + ("" if _has_run(name, s) else " (not run yet)")
            for s in found
        ]
        row = (
            f"[`{name}`](methods/{name}.md)",
            str(algos.traits(name).version),
            _verdicts_of(name, beside.published_returns),
            _verdicts_of(name, beside.peer_rows),
            SAME_UPDATES.get(name, "-"),
            _claims_of(name),
            ", ".join(shown) or "-",
        )
        rows.append(row)
    return sources.table(head, rows)


def returns() -> str:
    """All published returns beside ours."""
    return _joined(beside.published_returns)


def peers() -> str:
    """All rows of other packages beside ours."""
    return _joined(beside.peer_rows)


def remarks() -> str:
    """What is different where a published return was measured, as a list."""
    lines = [
        f"- **{p.method} on {p.task} ({p.source}).** {p.remark}"
        for name in suite_names()
        if sources.shipped_results(name)
        for p in published.returns_of(name)
        if p.remark
    ]
    return "\n".join(dict.fromkeys(lines))


def _joined(make: Make) -> str:
    found = [
        (name, make(sources.shipped_results(name)))
        for name in suite_names()
        if sources.shipped_results(name)
    ]
    rows = [(f"[`{name}`](suites/{name}.md)", *row) for name, s in found for row in s.rows]
    if not rows:
        return "None have shipped yet."
    (head,) = {tuple(s.head) for _, s in found if s.rows}
    return sources.table(("Suite", *head), rows)


def _methods_suites(method: str) -> list[str]:
    return [name for name in suite_names() if method in _labels(name).values()]


def _has_run(method: str, suite: str) -> bool:
    """Whether the suite has shipped a cell of the method, of its present version."""
    return any(
        r.identity["method"] == method and not r.old_version for r in sources.shipped_results(suite)
    )


def _verdicts_of(method: str, make: Make) -> str:
    """How many rows of a section are about a method, by their verdict."""
    counts: Counter[str] = Counter()
    for name in suite_names():
        if results := sources.shipped_results(name):
            section = make(results)
            for row in section.rows:
                line = dict(zip(section.head, row, strict=True))
                if _labels(name).get(line["Method"]) == method:
                    counts[line["Verdict"]] += 1
    return sources.in_words(counts)


def _claims_of(method: str) -> str:
    """The verdicts of the papers' claims about a method as it is now, over all places."""
    found = [
        j
        for name in suite_names()
        for j in sources.judgements(name)
        if method in {_labels(name).get(j.claim.better), _labels(name).get(j.claim.worse)}
        and not j.claim.source.startswith(OURS)
        and j.verdict != "no results"
        and not j.old
    ]
    return sources.in_words(sources.verdict_counts(found))
