"""The pages of the book: one for each document, one for the other claims, and the list of all."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from docs._generate import quoted, sources
from docs._generate.book import (
    imitation_lecture,
    model_based_talk,
    rewards_and_demonstrations,
    self_correction,
    weighted_regression,
)
from docs._generate.book.schema import ClaimOf, Document, Statement
from imitbench.results import claims
from imitbench.results.tables import sections
from imitbench.suites import published
from imitbench.suites.published.schema import Claim
from imitbench.suites.registry import load_suite, suite_names

DOCUMENTS: tuple[Document, ...] = (
    self_correction.DOCUMENT,
    rewards_and_demonstrations.DOCUMENT,
    imitation_lecture.DOCUMENT,
    model_based_talk.DOCUMENT,
    weighted_regression.DOCUMENT,
)
REST = "other_claims"
STUDIES = {
    ("vins", "diagnostics"): "make pictures-vins",
    ("dagger", "compounding"): "make compounding",
}
"""The commands that make the figures of studies, which no suite has cells for."""
NOT_RUN = "not run"  # for claims without results
HEAD = ("Claim of the suite", "Where", "Lead", "Seeds x episodes", "Adjusted p", "Verdict")


def judgements_of(suite: str, claim: Claim) -> list[claims.Judgement]:
    """The verdicts on one claim."""
    return [j for j in sources.judgements(suite) if j.claim == claim]


def row(judgement: claims.Judgement) -> tuple[str, ...]:
    """A verdict as a row of `HEAD`; without results it has no numbers."""
    text = judgement.claim.text
    if judgement.verdict == "no results":
        return text, judgement.place, "-", "-", "-", NOT_RUN
    cells = dict(zip(sections.CLAIM_HEAD, sections.claim_row(judgement), strict=True))
    return text, *(cells[h] for h in ("Where", "Lead", "Seeds x episodes", "Adjusted p", "Verdict"))


def pages() -> dict[str, str]:
    """All pages by their path below docs/."""
    found = {f"book/{d.name}.md": page(d) for d in DOCUMENTS}
    found[f"book/{REST}.md"] = rest()
    return found


def page(document: Document) -> str:
    """The page of a document."""
    title, _, origin = document.title.partition(". ")
    parts = [
        f"# {title}",
        sources.linked(origin),
        sources.linked(document.about),
        overview(document),
    ]
    section = ""
    shown: set[tuple[str, str]] = set()
    for number, statement in enumerate(document.statements, 1):
        if statement.section != section:
            section = statement.section
            parts.append(f"## {section}")
        figures = [f for f in statement.figures if (sources.SHIPPED / _image(f)).exists()]
        parts += _statement(number, statement, [f for f in figures if f in shown])
        parts += [f"![{_caption(f)}](../suites/{_image(f)})" for f in figures if f not in shown]
        shown |= set(figures)
    return "\n\n".join(part for part in parts if part) + "\n"


def overview(document: Document) -> str:
    """How many statements a document has, of which kind, and the verdicts on its claims."""
    kinds = [s.kind for s in document.statements]
    counted = ", ".join(
        f"{kinds.count(k)} {k}{'s' * (kinds.count(k) > 1)}" for k in dict.fromkeys(kinds)
    )
    found = _verdicts(document.statements)
    return f"{len(kinds)} statements: {counted}. Verdicts, place by place: {found}."


def anchor(number: int) -> str:
    """The name of a statement in links to its page."""
    return f"statement-{number}"


def _statement(
    number: int, statement: Statement, shown_above: Sequence[tuple[str, str]]
) -> list[str]:
    """A statement and what became of it, without the figures that are not on the page yet."""
    title = f'<a id="{anchor(number)}"></a>**{number}. {statement.kind.capitalize()}.**'
    parts = [f"{title} {sources.linked(statement.says)}"]
    found = [j for ref in statement.claims for j in judgements_of(ref.suite, ref.find())]
    if found:
        parts.append(sources.table(HEAD, map(row, found)))
    drawn = [f for f in statement.figures if f not in STUDIES]
    suites = dict.fromkeys([r.suite for r in statement.claims] + [suite for suite, _ in drawn])
    items = [f"Draw it: `{STUDIES[f]}`" for f in statement.figures if f in STUDIES]
    for suite in suites:
        run, show = commands(suite, [r.find() for r in statement.claims if r.suite == suite])
        items.append(f"Run it: `{run}`, then `{show}` ([the suite](../suites/{suite}.md))")
    items += [f"Our figure: [{_caption(f)}](../suites/{_image(f)}), above" for f in shown_above]
    items += [f"Code: `{path}`" for path in statement.code]
    items += [f"Test: `{test}`" for test in statement.tests]
    if items:
        parts.append("\n".join(f"- {item}" for item in items))
    if statement.remark:
        parts.append(sources.linked(quoted.filled(statement.remark)))
    return parts


def _image(figure: tuple[str, str]) -> str:
    suite, name = figure
    return f"{suite}/{name}.png"


def _caption(figure: tuple[str, str]) -> str:
    suite, name = figure
    return f"{name} of {suite}"


def commands(suite: str, found: Sequence[Claim]) -> tuple[str, str]:
    """The commands that run the cells of claims alone, and judge them; the table of a suite without
    claims is shown instead.

    The profile is the full one where the cpu profile has not all rows.

    Args:
        suite: the suite's name.
        found: claims of the suite; without any, all cells run.
    """
    names = dict.fromkeys(name for c in found for name in (c.better, c.worse))
    places = [(*c.places, *c.better_at, *c.worse_at, *sum(c.shrinks, ())) for c in found]
    tasks = dict.fromkeys(task for of_claim in places for task, _, _ in of_claim)
    words = [*(tasks if all(places) else ()), *names]
    cells = load_suite(suite).profiles["cpu"]
    small = {word for c in cells for word in (c.task, c.name)}.issuperset(words)
    profile = [] if small else ["--profile", "full"]
    only = ["--only", *words] if words else []
    run = ["imitbench", "run", suite, *profile, *only]
    show = "verify" if published.claims_of(suite) else "table"
    return shlex.join(run), shlex.join(["imitbench", show, suite, *profile])


def stated() -> set[ClaimOf]:
    """The claims that stand on the page of a document."""
    return {ref for d in DOCUMENTS for s in d.statements for ref in s.claims}


def others() -> dict[str, list[Claim]]:
    """The claims that do not, by suite."""
    on_pages = stated()
    found = {
        suite: [c for c in published.claims_of(suite) if ClaimOf(suite, c.text) not in on_pages]
        for suite in suite_names()
    }
    return {suite: kept for suite, kept in found.items() if kept}


def rest() -> str:
    """The page of the claims that come from elsewhere."""
    parts = [
        "# Other claims",
        "These claims come from other papers than the five documents, or are our own. Each names "
        "its source.",
    ]
    for suite, kept in others().items():
        parts.append(f"## [`{suite}`](../suites/{suite}.md)")
        rows = [
            (*row(j), sources.linked(claim.source))
            for claim in kept
            for j in judgements_of(suite, claim)
        ]
        parts.append(sources.table((*HEAD, "Source"), rows))
    return "\n\n".join(parts) + "\n"


def documents() -> str:
    """The table of the documents."""
    rows = []
    for d in DOCUMENTS:
        title = d.title.partition(". ")[0]
        rows.append((f"[{title}]({d.name}.md)", str(len(d.statements)), _verdicts(d.statements)))
    rows.append((f"[Other claims]({REST}.md)", "-", counts(_judged(others()))))
    return sources.table(("Document", "Statements", "Verdicts, place by place"), rows)


def _verdicts(statements: Sequence[Statement]) -> str:
    refs = dict.fromkeys(ref for s in statements for ref in s.claims)
    return counts([j for r in refs for j in judgements_of(r.suite, r.find())])


def _judged(found: dict[str, list[Claim]]) -> list[claims.Judgement]:
    return [j for suite, kept in found.items() for c in kept for j in judgements_of(suite, c)]


def counts(found: Sequence[claims.Judgement]) -> str:
    """How many places got each verdict, in words."""
    counted = sources.verdict_counts(found)
    return sources.in_words({NOT_RUN if v == "no results" else v: n for v, n in counted.items()})
