"""The command that judges the literature's claims: `imitbench verify vins`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from imitbench.cli.console import shipped_line
from imitbench.cli.locations import (
    folder_name,
    no_cells,
    results_folder,
    suite_name,
)
from imitbench.cli.options import Profile, ResultsFolder
from imitbench.results import claims
from imitbench.results.cells import store
from imitbench.results.figures import verdicts
from imitbench.results.shipped import is_shipped
from imitbench.results.tables import sections
from imitbench.suites import published
from imitbench.suites.registry import suite_names
from imitbench.utils.errors import UserError, pick


@dataclass(frozen=True)
class Verify:
    """Judge the claims of the literature on a suite's finished cells.

    The exit code is 1 where a claim is not reproduced; undecided claims do not count.
    """

    suite: tyro.conf.Positional[str | None] = None
    """Name of the suite; by default all suites that have claims and results."""
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")
    figure: Path | None = None
    """Draw all verdicts into FIGURE.png and FIGURE.svg, too."""

    def __call__(self) -> int:
        with_claims = [name for name in suite_names() if published.claims_of(name)]
        if self.suite is not None and self.suite not in with_claims:
            path = Path(self.suite)
            own = path.suffix == ".py" or self._has_results(self.suite)
            name = suite_name(self.suite) if own else pick("suite", self.suite, suite_names())
            raise UserError(
                f"suite {name} has no claims of the literature to judge; suites with claims: "
                f"{', '.join(with_claims)}. To compare its methods: imitbench compare A B --suite "
                f"{self.suite}"
            )
        names = [self.suite] if self.suite else with_claims
        judged = {name: self._judge(name) for name in names}
        if self.figure:
            for path in verdicts.draw(judged, self.figure):
                print(f"written: {path}")
        every = [j.verdict for found in judged.values() for j in found if not j.pooled]
        return int("not reproduced" in every)

    def _has_results(self, name: str) -> bool:
        return store.cells_folder(self.results / folder_name(name, self.profile)).is_dir()

    def _judge(self, name: str) -> list[claims.Judgement]:
        """Prints the verdicts on the claims of a suite; none where it has no results."""
        root = results_folder(name, self.profile, self.results)
        cells = store.read_all(root)
        if not cells:
            if self.suite:
                raise UserError(no_cells(root, name, self.profile))
            print(f"{name} ({self.profile}): {no_cells(root, name, self.profile)}")
            return []
        judged = claims.judge(published.claims_of(name), cells)
        print(f"{name} ({self.profile}, {shipped_line(root) if is_shipped(root) else root}):")
        for judgement in judged:
            _print_judgement(judgement)
        found = [j.verdict for j in judged if not j.pooled]
        counts = (f"{found.count(v)} {v}" for v in dict.fromkeys(found))
        print(f"  {', '.join(counts)}")
        return judged


def _print_judgement(judgement: claims.Judgement) -> None:
    if judgement.verdict == "no results":
        print(f"  no results: {judgement.claim.text} ({judgement.place})")
        return
    text, place, lead, improvement, size, p, adjusted, verdict, source = sections.claim_row(
        judgement
    )
    print(f"  {verdict}: {text} [{source}]")
    print(f"    {place}: lead {lead}, P(better) {improvement}, {size}, p {p} (adjusted {adjusted})")
