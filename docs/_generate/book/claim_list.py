"""The list of all claims on the front page of the book."""

from __future__ import annotations

from docs._generate import sources
from docs._generate.book import pages
from imitbench.suites import published
from imitbench.suites.published.schema import Claim
from imitbench.suites.registry import suite_names

HEAD = ("Suite", "Claim", "Place by place", "All places together")


def table() -> str:
    """Every claim, where it stands in the book, and in how many places it got each verdict."""
    at, rows = _pages(), []
    for suite in suite_names():
        for claim in published.claims_of(suite):
            where = at.get((suite, claim.text), f"{pages.REST}.md#{suite}")
            rows.append(
                (
                    f"[{suite}](../suites/{suite}.md)",
                    f"[{claim.text}]({where})",
                    *_verdicts(suite, claim),
                )
            )
    return sources.table(HEAD, rows)


def _pages() -> dict[tuple[str, str], str]:
    """The link to the first statement that became each claim, by suite and text."""
    found: dict[tuple[str, str], str] = {}
    for document in pages.DOCUMENTS:
        for number, statement in enumerate(document.statements, 1):
            for ref in statement.claims:
                link = f"{document.name}.md#{pages.anchor(number)}"
                found.setdefault((ref.suite, ref.text), link)
    return found


def _verdicts(suite: str, claim: Claim) -> tuple[str, str]:
    judged = pages.judgements_of(suite, claim)
    together = [j.verdict for j in judged if j.pooled] or ["-"]
    return pages.counts(judged), together[0]
