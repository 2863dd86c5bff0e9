"""The commands about data sets: `imitbench data info FILE`, `imitbench data convert FILE`, ..."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from imitbench import data, envs
from imitbench.cli.options import UserPath
from imitbench.data.formats import lerobot_writing, robomimic
from imitbench.data.recordings import inspection, traps
from imitbench.data.recordings.conversion import to_demos
from imitbench.data.recordings.opening import Format, open_recording
from imitbench.data.recordings.recording import Recording, check_recording
from imitbench.data.recordings.sizes import spec_of
from imitbench.envs.recorded import NO_TASK
from imitbench.envs.registry import check_task
from imitbench.utils.errors import UserError

FileName = Annotated[
    str,
    tyro.conf.arg(metavar="FILE", help="File or folder of a data set, or a Minari identifier."),
]
FileNames = Annotated[
    tuple[str, ...],
    tyro.conf.arg(metavar="FILE", help="Files or folders of data sets, or Minari identifiers."),
]
FormatName = Annotated[
    Format,
    tyro.conf.arg(help="Format of the data set; auto finds it by looking."),
]
FilterKey = Annotated[
    str | None, tyro.conf.arg(help="List of episodes of a robomimic file, such as train.")
]


@dataclass(frozen=True, kw_only=True)
class _Read:
    format: FormatName = "auto"
    filter_key: FilterKey = None

    def _open(self, name: str) -> Recording:
        return open_recording(name, self.format, self.filter_key)


@dataclass(frozen=True)
class Info(_Read):
    """Show what is in a data set: episodes, lengths, fields, ranges, rewards, success, ends."""

    file: tyro.conf.Positional[FileName]

    def __call__(self) -> None:
        print(inspection.describe(inspection.summarise(self._open(self.file))))


@dataclass(frozen=True)
class Check(_Read):
    """Look for traps in a data set. The exit code is 1 if there is an error among the findings."""

    file: tyro.conf.Positional[FileName]

    def __call__(self) -> int:
        recording = self._open(self.file)
        findings = traps.check(recording)
        for f in findings:
            print(f"{f.severity}: {f.name}: {f.text}; to do: {f.remedy}")
        errors = sum(f.severity == "error" for f in findings)
        print(
            f"{recording.path} ({recording.format}): {errors} errors, {len(findings) - errors} "
            "warnings"
        )
        return 1 if errors else 0


@dataclass(frozen=True, kw_only=True)
class _Write(_Read):
    out: UserPath
    """File or folder to write; for minari the folder of data sets."""
    to: Literal["npz", "minari", "lerobot", "robomimic"] = "npz"
    """Format to write."""
    task: str = NO_TASK
    """Task that the data belong to, which checks them; none if it is not one of imitbench."""

    def _write(self, recording: Recording) -> None:
        check_task(self.task)
        steps = sum(e.length for e in recording.episodes)
        written = self._written(recording)
        print(f"{recording.format}: {len(recording.episodes):,} episodes, {steps:,} steps")
        print(f"written to {written} ({self.to})")

    def _written(self, recording: Recording) -> Path:
        if self.to == "lerobot":
            return lerobot_writing.write(self.out, recording, task=self._name(recording))
        if self.to == "robomimic":
            return robomimic.write(self.out, recording, env_name=self._name(recording))
        known = self.task != NO_TASK
        spec = envs.make(self.task).spec if known else spec_of(recording)
        demos = to_demos(recording, self.task, spec)
        if self.to == "minari":
            return data.minari.save(self.out, demos, spec)
        if self.out.exists():
            raise UserError(f"{self.out} exists: remove it, or choose another file")
        data.save(self.out, demos)
        return self.out

    def _name(self, recording: Recording) -> str:
        return recording.env_id or "unknown" if self.task == NO_TASK else self.task


@dataclass(frozen=True)
class Convert(_Write):
    """Write a data set in another format."""

    file: tyro.conf.Positional[FileName]

    def __call__(self) -> None:
        self._write(self._open(self.file))


@dataclass(frozen=True)
class Slice(_Write):
    """Write some episodes of a data set."""

    file: tyro.conf.Positional[FileName]
    episodes: str = ":"
    """Episodes as FIRST:END, counted from 0, without END."""

    def __call__(self) -> None:
        recording = self._open(self.file)
        total = len(recording.episodes)
        first, colon, end = self.episodes.partition(":")
        try:
            a, b = int(first or 0), int(end or total)
        except ValueError:
            a, b = -1, -1
        if not colon or not 0 <= a < b <= total:
            raise UserError(
                f"episodes {self.episodes!r}: expected FIRST:END with 0 <= FIRST < END <= {total}"
            )
        self._write(recording._replace(episodes=recording.episodes[a:b]))


@dataclass(frozen=True)
class Merge(_Write):
    """Join data sets of one task into one."""

    files: tyro.conf.Positional[FileNames]

    def __call__(self) -> None:
        if len(self.files) < 2:
            raise UserError(f"{len(self.files)} data sets are given: expected two or more")
        parts = [self._open(name) for name in self.files]
        first = parts[0]
        for part in parts[1:]:
            for name in ("env_id", "fps"):
                if getattr(part, name) != getattr(first, name):
                    raise UserError(
                        f"{part.path} has {name} {getattr(part, name)}, {first.path} has "
                        f"{getattr(first, name)}: expected data sets of one task"
                    )
            if _bounds(part) != _bounds(first):
                raise UserError(
                    f"{part.path} has action bounds {_bounds(part)}, {first.path} has "
                    f"{_bounds(first)}: expected the same"
                )
        episodes = [episode for part in parts for episode in part.episodes]
        self._write(check_recording(first._replace(episodes=episodes)))


def _bounds(recording: Recording) -> list[list[float]] | None:
    low, high = recording.action_low, recording.action_high
    return None if low is None or high is None else [low.tolist(), high.tolist()]


@dataclass(frozen=True)
class Data:
    """Show, check, convert, cut and join data sets, also those of other projects."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[Info, tyro.conf.subcommand("info")]
        | Annotated[Check, tyro.conf.subcommand("check")]
        | Annotated[Convert, tyro.conf.subcommand("convert")]
        | Annotated[Slice, tyro.conf.subcommand("slice")]
        | Annotated[Merge, tyro.conf.subcommand("merge")]
    ]

    def __call__(self) -> int:
        return self.command() or 0
