"""The types of the book: documents, and the statements in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imitbench.suites import published
from imitbench.suites.published.schema import Claim

Kind = Literal["claim", "table", "figure", "equation", "algorithm", "definition", "question"]


@dataclass(frozen=True)
class ClaimOf:
    """A claim of a suite."""

    suite: str
    """The suite's name."""
    text: str
    """The claim's text."""

    def find(self) -> Claim:
        """The claim itself.

        Raises:
            LookupError: the suite has no claim with this text.
        """
        for claim in published.claims_of(self.suite):
            if claim.text == self.text:
                return claim
        raise LookupError(f"suite {self.suite} has no claim {self.text!r}")


@dataclass(frozen=True)
class Statement:
    """A statement of a document, in our words, and where to find what became of it."""

    section: str
    """The heading under which it stands in the document."""
    kind: Kind
    """What it is there."""
    says: str
    """What it says, in Markdown; formulas are code."""
    claims: tuple[ClaimOf, ...] = ()
    """The claims of suites that it became."""
    figures: tuple[tuple[str, str], ...] = ()
    """Shipped figures that stand beside its own: suite and name, such as ("vins", "budget")."""
    code: tuple[str, ...] = ()
    """Files that hold it, from the root of the repository."""
    tests: tuple[str, ...] = ()
    """Tests that check it, as pytest names them."""
    remark: str = ""
    """What differs, what fails, or why it cannot be tested."""


@dataclass(frozen=True)
class Document:
    """One of the five documents."""

    name: str
    """The name of its page."""
    title: str
    """Title, authors, and where it was given."""
    about: str
    """What it is about, in two sentences."""
    statements: tuple[Statement, ...]
    """Its statements, in its order."""


def claims(suite: str, *texts: str) -> tuple[ClaimOf, ...]:
    """Claims of one suite by their texts."""
    return tuple(ClaimOf(suite, text) for text in texts)
