"""The command that adds a run to the leaderboard: `imitbench submit results/gail --label mine`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import tyro

from imitbench.cli.locations import folder_name, run_method_file
from imitbench.cli.options import Profile, UserPath
from imitbench.results import submissions
from imitbench.results.cells import store
from imitbench.results.shipped import shipped_folder
from imitbench.runs import repeat_seed
from imitbench.suites.registry import suite_names
from imitbench.suites.schema import PROFILES
from imitbench.utils.errors import UserError, pick


@dataclass(frozen=True)
class Submit:
    """Put the cells of a run into results/community/, to be ranked beside the shipped ones.

    The cells are at places of a shipped suite: the same tasks, demonstrations and evaluation, and
    at least five seeds. Policies are left out. With --check, the folder is a submission: its
    checksums are tested, and the first seed of a cell is trained again; the exit code is 1 where it
    differs.
    """

    run: tyro.conf.Positional[UserPath]
    """Folder of the run, such as results/gail; with --check, of a submission."""
    label: str = ""
    """Label of the cells to submit; by default the only one there is."""
    suite: str = ""
    """Suite whose places the cells are at; by default the suite of the cells."""
    profile: Profile = "cpu"
    name: str = ""
    """Name of the submission; by default the label."""
    by: str = ""
    """Who submits it."""
    about: str = ""
    """What the method is, and where its code is."""
    folder: UserPath = Path("results/community")
    """Folder of all submissions."""
    check: bool = False
    """Check a submission instead."""
    code: UserPath | None = None
    """With --check: the Python file that registers the method, where the package does not have it.
    It is a program, and --check runs it."""

    def __call__(self) -> int:
        return self._check() if self.check else self._submit()

    def _submit(self) -> int:
        cells = store.read_all(self.run)
        if not cells:
            raise UserError(f"{self.run} has no finished cells: give the folder of a run")
        labels = list(dict.fromkeys(r.identity["label"] for r in cells))
        if not self.label and len(labels) > 1:
            raise UserError(f"--label: expected one of {', '.join(labels)}")
        label = pick("label", self.label or labels[0], labels)
        chosen = [r for r in cells if r.identity["label"] == label]
        suite = pick("suite", self.suite or chosen[0].identity["suite"], suite_names())
        if not self.by:
            raise UserError("--by: expected who submits the run, a name or a group")
        shipped = store.read_all(shipped_folder(folder_name(suite, self.profile)))
        found = submissions.submit(
            chosen, shipped, self.folder, name=self.name or label, by=self.by, about=self.about,
            suite=suite, profile=self.profile,
        )  # fmt: skip
        print(f"{len(chosen)} cells of {label} are in {self.folder / found.name}")
        print(f"check it: imitbench submit {self.folder / found.name} --check")
        return 0

    def _check(self) -> int:
        found, cells = submissions.read(self.run)
        run_method_file(self.code)
        print(f"{found.name} by {found.by}: {len(found.files)} files have their checksums")
        suite = pick("suite", found.suite, suite_names())
        profile = cast(Profile, pick("profile", found.profile, PROFILES))
        shipped = store.read_all(shipped_folder(folder_name(suite, profile)))
        for cell in cells:
            if reason := submissions.problem(cell, shipped):
                raise UserError(f"{cell.folder} does not fit the suite {found.suite}: {reason}")
        cheapest = min(cells, key=lambda r: sum(r.info["seconds"].values()))
        print(f"training seed 0 of {cheapest.folder.name} again", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            result = repeat_seed.repeat(cheapest, suite, profile, Path(folder))
        print(
            f"{result.measure}: submitted {result.before:.6g}, now {result.now:.6g} "
            f"({result.far:.1f} standard deviations of two seeds apart)"
        )
        print("it agrees" if result.agrees else "it differs")
        return int(not result.agrees)
