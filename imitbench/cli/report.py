"""The commands that publish results: `imitbench report`, `imitbench ship quickstart`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from imitbench.cli.console import shipped_line
from imitbench.cli.locations import (
    folder_name,
    no_cells,
    read_results,
    results_folder,
    suite_cells,
)
from imitbench.cli.options import Profile, ResultsFolder, SuiteName, UserPath
from imitbench.report import page, videos
from imitbench.results import publish
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.shipped import is_shipped
from imitbench.runs import plan
from imitbench.suites.registry import load_suite, suite_names
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Report:
    """Write one HTML page about finished cells: tables, curves, claims, videos, provenance.

    The page needs no network and no other file.
    """

    suites: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names or Python files of suites; by default all suites of the package that have results."""
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")
    out: UserPath = Path("report.html")
    """File for the page."""
    videos: int = 0
    """Number of methods with a video for each task, beside the task's expert. Where a cell stores
    no policy, its first seed is trained again. Needs `imitbench[report]`."""

    def __call__(self) -> None:
        if self.videos < 0:
            raise UserError(f"videos={self.videos}: expected 0 or more")
        page.check(self.out)
        parts = []
        for name in self.suites:
            parts.append(self._part(name, *read_results(name, self.profile, self.results)))
        for name in () if self.suites else suite_names():
            root = results_folder(name, self.profile, self.results)
            if cells := store.read_all(root):
                parts.append(self._part(name, root, cells))
        if not parts:
            raise UserError(no_cells(self.results, "quickstart", self.profile))
        page.write(parts, self.out)
        shipped: dict[Path, list[str]] = {}
        for part in parts:
            if is_shipped(part.root):
                shipped.setdefault(part.root.parent, []).append(part.name)
        for folder, names in shipped.items():
            print(f"{shipped_line(folder)}: {', '.join(names)}")
        size = self.out.stat().st_size / 2**20
        print(f"written: {self.out} ({', '.join(p.name for p in parts)}; {size:.1f} MiB)")

    def _part(self, name: str, root: Path, results: Sequence[Result]) -> page.Part:
        is_known = name in suite_names() or Path(name).suffix == ".py"
        suite = load_suite(str(Path(name).expanduser())) if is_known else None
        cells = suite.profiles.get(self.profile, ()) if suite else ()
        name, about = (suite.name, suite.about) if suite else (name, "")
        part = page.Part(name, about, root, len(cells) or None, results)
        if not self.videos:
            return part
        try:
            made, notes = videos.make_videos(name, cells, results, self.videos, print)
        except UserError as error:
            print(f"{name}: no videos: {error}")
            return part._replace(notes=[f"No videos: {error}"])
        return part._replace(videos=made, notes=notes)


@dataclass(frozen=True)
class Ship:
    """Check a finished run of a suite, and copy it into results/shipped/."""

    suite: tyro.conf.Positional[SuiteName]
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")
    partial: bool = False
    """Ship the finished cells although others are missing."""

    def __call__(self) -> None:
        suite, cells = suite_cells(self.suite, self.profile)
        keys = [job.key for job in plan.prepare(suite.name, self.profile, cells)]
        name = folder_name(suite.name, self.profile)
        target = publish.ship(self.results / name, name, keys, partial=self.partial)
        print(f"shipped to {target}")
