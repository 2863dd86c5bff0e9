"""The command that evaluates stored policies: `imitbench evaluate results/train`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import jax
import numpy as np
import pandas as pd
import tyro

from imitbench import envs
from imitbench.api.evaluation import environment_for, evaluate
from imitbench.api.policy import Policy
from imitbench.cli.options import CellName, TaskName, UserPath
from imitbench.core.types import Env, Spec
from imitbench.report import replayed_episodes, video
from imitbench.report.video import DrawableEnv
from imitbench.results import scores, stats
from imitbench.results.cells import policies, policy_files
from imitbench.results.cells.finding import cells_with_policies
from imitbench.results.tables.formatting import format_estimate
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write, require_folder_of

MEASURES = ("return", "success_any", "success_final")


class StoredSeed(NamedTuple):
    """A policy and where it comes from."""

    cell: str
    seed: int
    policy: Policy


@dataclass(frozen=True)
class Evaluate:
    """Evaluate the stored policies of finished cells on new episodes.

    All policies of a task start from the same initial states, which depend on --seed and
    --episodes. The table has 95% intervals: of one policy over fresh initial states, of all seeds
    of a cell over fresh seeds, too.
    """

    folder: tyro.conf.Positional[UserPath]
    """Folder of results, such as results/train, or of one cell in it."""
    env: TaskName | None = None
    """Task to evaluate in, with observations and actions of the same sizes; by default the one that
    the policy was trained on."""
    cell: CellName = ""
    seed_of_policy: int | None = None
    """Training seed of the policy; by default all that are stored."""
    episodes: int = 500
    """Episodes of each policy."""
    seed: int = 0
    """Seed of the initial states."""
    starts: int | None = None
    """Number of different initial states, which repeat in turn; by default all are different. In
    tasks with modes the entropy of the modes given the initial state is then shown, too."""
    out: UserPath | None = None
    """CSV file for the single episodes."""
    video: UserPath | None = None
    """Video of the first episodes (.mp4 or .webm): of one policy, in a task with a MuJoCo model."""

    def __call__(self) -> None:
        for path in (self.out, self.video):
            if path is not None:
                require_folder_of(path)
        cells = cells_with_policies(self.folder, self.cell)
        stored = list(_load(cells, self.seed_of_policy))
        env = None if self.env is None else envs.make(self.env)
        for one in stored:
            environment_for(one.policy, env)  # an error before any work
        stage = None if self.video is None else _stage(self.video, stored, env)
        frames = []
        for one in stored:
            outcomes = evaluate(
                one.policy, env, episodes=self.episodes, seed=self.seed, starts=self.starts
            )
            frames.append(outcomes.assign(cell=one.cell, policy=one.seed))
            print(_line(one, outcomes, environment_for(one.policy, env).spec), flush=True)
        everything = pd.concat(frames, ignore_index=True)
        print(f"\n{_table(everything)}")
        if self.out is not None:
            everything.to_csv(self.out, index=False, float_format="%.6g")
            print(f"written: {self.out}")
        if self.video is not None and stage is not None:
            _write_video(self.video, stage, stored[0].policy, self.seed, self.episodes)
            print(f"written: {self.video}")


def _load(cells: Iterable[Path], seed: int | None) -> Iterable[StoredSeed]:
    for cell in cells:
        for one in policy_files.seeds_of(cell) if seed is None else [seed]:
            yield StoredSeed(cell.name, one, Policy(policies.load(cell, one)))


def _line(stored: StoredSeed, outcomes: pd.DataFrame, spec: Spec) -> str:
    """Means over the episodes, and the entropy of their modes, in one line."""
    words = [f"return {outcomes['return'].mean():.2f}"]
    for name in MEASURES[1:]:
        if name in outcomes:
            words.append(f"{name.replace('_', ' ')} {outcomes[name].mean():.1%}")
    if spec.modes:
        words += _entropies(outcomes, spec.modes.count)
    return f"{stored.cell}, seed {stored.seed}: {', '.join(words)} ({len(outcomes)} episodes)"


def _entropies(outcomes: pd.DataFrame, count: int) -> list[str]:
    modes, success = outcomes["mode"].to_numpy(), outcomes["success_final"].to_numpy()
    words = [f"mode entropy {stats.mode_entropy(modes, success, count):.2f}"]
    if "start" in outcomes:
        start = outcomes["start"].to_numpy()
        given = stats.mode_entropy_given_start(modes, success, start, count)
        words.append(f"given the start {given:.2f}")
    return words


def _table(everything: pd.DataFrame) -> str:
    """A row for each policy, and one for all seeds of a cell, with 95% intervals."""
    rows = []
    for cell, frame in everything.groupby("cell", sort=False):
        seeds = list(frame["policy"].unique())
        for group in [*([s] for s in seeds), *([seeds] if len(seeds) > 1 else [])]:
            part = frame.loc[frame["policy"].isin(group).to_numpy()]
            names = {"cell": cell, "seed": group[0] if len(group) == 1 else f"all {len(group)}"}
            rows.append(names | {"episodes": len(part)} | _estimates(part))
    return pd.DataFrame(rows).fillna("").to_string(index=False)


def _estimates(part: pd.DataFrame) -> dict[str, str]:
    texts = {}
    for measure in MEASURES:
        if measure in part and not part[measure].isna().to_numpy().any():
            table = part.pivot(index="policy", columns="episode", values=measure)
            found = scores.outcome_estimate(table.to_numpy(np.float64), measure)
            rate = scores.is_rate(measure)
            heading = measure.replace("_", " ") + (", %" if rate else "")
            texts[heading] = format_estimate(found, 100 if rate else 1, 1 if rate else 2)
    return texts


def _stage(path: Path, stored: Sequence[StoredSeed], env: Env | None) -> DrawableEnv:
    """The environment in which a video is made, before any episode is played.

    Raises:
        UserError: there are several policies, the file has another suffix, or the task or the
            machine cannot draw.
    """
    containers = get_args(video.Container)
    if path.suffix.removeprefix(".") not in containers:
        raise UserError(f"--video {path}: expected a name with .{' or .'.join(containers)}")
    if len(stored) > 1:
        names = ", ".join(f"{one.cell} seed {one.seed}" for one in stored)
        raise UserError(
            f"--video shows one policy, and these are {len(stored)} ({names}): take one by "
            "--seed-of-policy, and by --cell"
        )
    env = environment_for(stored[0].policy, env)
    stage = video.drawable(env)
    if stage is None:
        raise UserError(f"--video: {env.name} has no MuJoCo model to draw; leave --video out")
    video.check_rendering(stage)
    return stage


def _write_video(path: Path, env: DrawableEnv, policy: Policy, seed: int, episodes: int) -> None:
    """Plays the first episodes of the evaluation again, and writes their video."""
    _, played = replayed_episodes.play(env, policy.actor, jax.random.key(seed), episodes)
    container: video.Container = "mp4" if path.suffix == ".mp4" else "webm"
    (data,) = video.encode_videos(env, [played], container)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
