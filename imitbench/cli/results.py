"""The commands about finished results: `imitbench table quickstart`, `imitbench report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from imitbench.cli import console
from imitbench.report import page as report_page
from imitbench.report import videos
from imitbench.results import claims, compare, publish, rank, sections, store, tables
from imitbench.results.figures import performance_profile
from imitbench.results.shipped import shipped_folder
from imitbench.runs import plan
from imitbench.suites import published
from imitbench.suites.registry import load_suite, suite_names
from imitbench.suites.schema import Cell, Profile, Suite
from imitbench.utils.errors import UserError, pick


@dataclass(frozen=True)
class TableOf:
    """Write and print the table of a suite's finished cells."""

    suite: tyro.conf.Positional[str]
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        root = _results_of(self.suite, self.profile, self.results)
        console.print_table(tables.derive(root))
        print(f"written: {root / 'summary.csv'}, {root / 'table.md'}")


@dataclass(frozen=True)
class Plot:
    """Draw the learning curves of a suite's finished cells, or their scores where each was
    evaluated once."""

    suite: tyro.conf.Positional[str]
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        root = _results_of(self.suite, self.profile, self.results)
        _, pictures = publish.derive(root)
        print(f"written: {', '.join(map(str, pictures))}")


@dataclass(frozen=True)
class Compare:
    """Compare two methods, or two runs: differences with 95% intervals, task by task."""

    a: tyro.conf.Positional[str]
    """A method's name in the suite's results, a folder of results (`results/quickstart`), or
    FOLDER:NAME."""
    b: tyro.conf.Positional[str]
    suite: str = "quickstart"
    """Where names of methods are looked up."""
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        cells(self.suite, self.profile)  # rejects an unknown suite or profile
        root = _results_of(self.suite, self.profile, self.results)
        known = store.read_all(root)
        a, b = (compare.side(x, known, root) for x in (self.a, self.b))
        found = compare.pairs(a, b)
        console.print_pairs(found, a.name, b.name)
        print(compare.overall(found, a.name, b.name))


@dataclass(frozen=True)
class Rank:
    """Rank the methods of a suite over its tasks: interquartile mean, mean, median, optimality gap
    and performance profiles of normalised scores."""

    suite: tyro.conf.Positional[str]
    measure: rank.Measure = "auto"
    """auto: success at the last step where all tasks have it, else the return between a random
    policy's (0) and the expert's (1)."""
    figure: Path | None = None
    """Draw the performance profiles into this file, as .png and .svg."""
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        cells(self.suite, self.profile)  # rejects an unknown suite or profile
        root = _results_of(self.suite, self.profile, self.results)
        results = store.read_all(root)
        if not results:
            raise UserError(f"no finished cells in {root}: `imitbench run {self.suite}` first")
        scores = rank.collect(results, self.measure)
        console.print_rank(scores, rank.rank_methods(scores))
        if self.figure:
            print(f"written: {', '.join(map(str, performance_profile.draw(scores, self.figure)))}")


@dataclass(frozen=True)
class Verify:
    """Judge the literature's claims (benchmarks/targets/) on a suite's finished cells.

    Exit code 1 where a claim is not reproduced; undecided ones do not count.
    """

    suite: tyro.conf.Positional[str | None] = None
    """All suites that have claims and results, by default."""
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> int:
        if self.suite is not None:
            pick("suite", self.suite, suite_names())
        names = [self.suite] if self.suite else [n for n in suite_names() if published.claims_of(n)]
        broken = 0
        for name in names:
            found = published.claims_of(name)
            if not found:
                raise UserError(f"suite {name} has no claims: see benchmarks/targets/")
            root = _results_of(name, self.profile, self.results)
            results = store.read_all(root)
            if not results:
                missing = f"no finished cells in {root}: `imitbench run {name}` first"
                if self.suite:
                    raise UserError(missing)
                print(f"{name} ({self.profile}): {missing}")
                continue
            judged = claims.judge(found, results)
            print(f"{name} ({self.profile}, {root}):")
            for j in judged:
                if j.verdict == "no results":
                    print(f"  no results: {j.claim.text} ({j.place})")
                    continue
                text, place, lead, chance, size, verdict, source = sections.claim_row(j)
                print(f"  {verdict}: {text} [{source}]")
                print(f"    {place}: lead {lead}, P(better) {chance}, {size}")
            verdicts = [j.verdict for j in judged]
            counts = (f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))
            print(f"  {', '.join(counts)}")
            broken += verdicts.count("not reproduced")
        return int(broken > 0)


@dataclass(frozen=True)
class Report:
    """Write one HTML page about suites' finished cells: tables, curves, claims, what ran where."""

    suites: tyro.conf.Positional[tuple[str, ...]] = ()
    """All suites that have results, by default."""
    profile: Profile = "cpu"
    results: Path = Path("results")
    out: Path = Path("report.html")
    videos: int = 0
    """Show each task's expert, and beside it so many methods, whose first seed is trained again
    for it; needs `imitbench[report]`."""

    def __call__(self) -> None:
        if self.videos < 0:
            raise UserError(f"videos={self.videos}: expected 0 or more")
        report_page.check(self.out)
        parts = []
        for name in self.suites or suite_names():
            root = _results_of(name, self.profile, self.results)
            if self.suites and not store.cells_folder(root).is_dir():
                pick("suite", name, suite_names())
            results = store.read_all(root)
            if results:
                parts.append(self._part(name, root, results))
            elif self.suites:
                raise UserError(f"no finished cells in {root}: `imitbench run {name}` first")
        if not parts:
            raise UserError(
                f"no finished cells in {self.results}: `imitbench run quickstart` first"
            )
        report_page.write(parts, self.out)
        size = self.out.stat().st_size / 2**20
        print(f"written: {self.out} ({', '.join(p.name for p in parts)}; {size:.1f} MiB)")

    def _part(self, name: str, root: Path, results: Sequence[store.Result]) -> report_page.Part:
        found = load_suite(name) if name in suite_names() else None
        listed = found.profiles.get(self.profile, ()) if found else ()
        part = report_page.Part(
            name, found.about if found else "", root, len(listed) or None, results
        )
        if not self.videos:
            return part
        try:
            films, notes = videos.make_videos(name, listed, results, self.videos, print)
        except UserError as error:
            print(f"{name}: no videos: {error}")
            return part._replace(notes=[f"No videos: {error}"])
        return part._replace(films=films, notes=notes)


@dataclass(frozen=True)
class Ship:
    """Check a finished run of a suite and copy it into results/shipped/."""

    suite: tyro.conf.Positional[str]
    profile: Profile = "cpu"
    results: Path = Path("results")
    partial: bool = False
    """Ship what is finished, though cells are missing."""

    def __call__(self) -> None:
        found, listed = cells(self.suite, self.profile)
        keys = [j.key for j in plan.prepare(found.name, self.profile, listed)]
        name = folder(found.name, self.profile)
        folder_ = publish.ship(self.results / name, name, keys, partial=self.partial)
        print(f"shipped to {folder_}")


def cells(name: str, profile: Profile) -> tuple[Suite, Sequence[Cell]]:
    found = load_suite(name)
    pick(f"profile of {found.name}", profile, found.profiles)
    return found, found.profiles[profile]


def folder(name: str, profile: Profile) -> str:
    return name if profile == "cpu" else f"{name}.{profile}"


def _results_of(name: str, profile: Profile, results: Path) -> Path:
    """The user's own run of a suite where there is one, else the shipped one."""
    own = folder(name, profile)
    if not store.cells_folder(results / own).is_dir() and shipped_folder(own).is_dir():
        return shipped_folder(own)
    return results / own
