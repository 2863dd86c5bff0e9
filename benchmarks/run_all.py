"""Runs all suites, one after the other: `make bench-all`, `make bench-all PROFILE=smoke`.

An estimate of the time comes first: what finished cells took for each step, times the steps to go.
Cells on this machine count before shipped ones. A suite that fails does not stop the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from imitbench.cli import locations, main
from imitbench.cli.options import Profile
from imitbench.runs import duration, plan
from imitbench.runs.duration import Estimate
from imitbench.suites.registry import suite_names

FIRST = ("quickstart", "learners", "vins_settings")  # the rest in the order of the registry


def names() -> list[str]:
    """All suites in the order in which they run."""
    known = suite_names()
    return [*FIRST, *(name for name in known if name not in FIRST)]


def prepared(name: str, profile: Profile) -> list[plan.Job]:
    """The jobs of a suite."""
    suite, cells = locations.suite_cells(name, profile)
    return plan.prepare(suite.name, profile, cells)


def show(estimates: Sequence[Estimate]) -> None:
    """Prints the estimates and their sum."""
    print(f"{'suite':<16}{'cells to run':>13}{'hours':>9}{'without a rate':>16}")
    for e in estimates:
        print(f"{e.suite:<16}{e.cells:>13}{e.hours:>9.1f}{e.unknown:>16}")
    total = Estimate(
        "all",
        sum(e.cells for e in estimates),
        sum(e.hours for e in estimates),
        sum(e.unknown for e in estimates),
    )
    print(f"{total.suite:<16}{total.cells:>13}{total.hours:>9.1f}{total.unknown:>16}")
    if total.unknown:
        print("The hours leave out the cells without a rate: their methods have never run.")


@dataclass(frozen=True)
class RunAll:
    """Run all suites, after an estimate of the time."""

    profile: Profile = "cpu"
    results: Path = Path("results")
    """Folder of the results."""
    dry_run: bool = False
    """Print the estimate alone."""

    def __call__(self) -> int:
        rates = duration.measure(locations.all_finished(self.profile, self.results))
        estimates = [self._estimate(name, rates) for name in names()]
        show(estimates)
        if self.dry_run:
            return 0
        failed = []
        for e in estimates:
            print(f"\n{e.suite}: {e.cells} cells to run", flush=True)
            words = ["run", e.suite, "--profile", self.profile, "--results", str(self.results)]
            code = main.main(words)
            if code == 130:  # stopped by the user
                return code
            failed += [e.suite] * (code != 0)
        if failed:
            print(f"failed: {', '.join(failed)}. The same command goes on where it stopped.")
        return int(bool(failed))

    def _estimate(self, name: str, rates: duration.Rates) -> Estimate:
        root = self.results / locations.folder_name(name, self.profile)
        return duration.estimate(name, prepared(name, self.profile), root, rates)


if __name__ == "__main__":
    raise SystemExit(tyro.cli(RunAll)())
