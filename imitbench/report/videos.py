"""The videos of a report: each task's expert, and the policies of finished cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from imitbench import envs
from imitbench.core import rollout
from imitbench.report import replayed_episodes, video
from imitbench.report.replayed_episodes import PolicyEpisodes
from imitbench.report.video import DrawableEnv
from imitbench.results.cells import policy_files
from imitbench.results.cells.cell import Result
from imitbench.results.claims import place_name
from imitbench.runs import plan
from imitbench.suites.schema import Cell, without_seeds

ABOUT = (
    "All policies start from the same states, the first of the cells' evaluation; a red ball marks "
    "a goal. The policy of a method is the one that its cell stores for its first seed. Shipped "
    "cells store none: there the first seed was trained again with the cell's settings. Other "
    "machines and versions round differently, so its score stands beside the cell's own."
)
MAX_SECONDS = 60.0  # of training one seed again


class Video(NamedTuple):
    """A video of one policy."""

    place: str
    policy: str  # its name
    about: str
    data: bytes  # WebM


def make_videos(
    suite: str,
    cells: Sequence[Cell],
    results: Sequence[Result],
    max_methods: int,
    report_progress: Callable[[str], None],
) -> tuple[list[Video], list[str]]:
    """Makes videos of each task's expert, and of methods at the place with the most cells.

    Args:
        suite: the name of the suite.
        cells: the suite's cells, of the results' profile.
        results: the finished cells.
        max_methods: methods with a video, for each task.
        report_progress: is called with a line before each step of the work.

    Returns:
        The videos, and a line for each video that is missing.

    Raises:
        UserError: imageio-ffmpeg is not installed, or the machine cannot render.
    """
    by_task: dict[str, list[Result]] = {}
    for r in results:
        by_task.setdefault(r.identity["task"], []).append(r)
    videos, notes = [], []
    for task, task_results in by_task.items():
        env = video.drawable(rollout.evaluation_env(envs.make(task)))
        if env is None:
            notes.append(f"{task}: no videos, because the task has no MuJoCo model.")
            continue
        video.check_rendering(env)
        places = [r.place for r in task_results]
        place = max(dict.fromkeys(places), key=places.count)
        policies, missing = _play_policies(
            suite,
            cells,
            [r for r in task_results if r.place == place],
            env,
            max_methods,
            report_progress,
        )
        notes += missing
        if policies:
            report_progress(f"{task}: rendering {len(policies)} videos")
            files = video.encode_videos(env, [p.episodes for p in policies])
            videos += [
                Video(place_name(place), p.policy, p.about, data)
                for p, data in zip(policies, files, strict=True)
            ]
    return videos, notes


def _play_policies(
    suite: str,
    cells: Sequence[Cell],
    results: Sequence[Result],
    env: DrawableEnv,
    max_methods: int,
    report_progress: Callable[[str], None],
) -> tuple[list[PolicyEpisodes], list[str]]:
    """The episodes of the expert and of the methods at one place, and a line for each without."""
    expert = replayed_episodes.play_expert(results[0], env)
    methods: list[PolicyEpisodes] = []
    notes = []
    for r in results:
        if len(methods) >= max_methods:
            break
        if policy_files.seeds_of(r.folder):
            methods.append(replayed_episodes.play_stored_policy(r, env))
            continue
        label, place = r.identity["label"], place_name(r.place)
        job = _job(suite, cells, r)
        if isinstance(job, str):
            notes.append(f"{place}: no video of {label}: {job}.")
            continue
        report_progress(f"{place}: training {label} again")
        methods.append(replayed_episodes.retrain_and_play(job, r))
    return ([] if expert is None else [expert]) + methods, notes


def _job(suite: str, cells: Sequence[Cell], r: Result) -> plan.Job | str:
    """The work of a finished cell, or the reason why it is not done again."""
    i, seconds = r.identity, r.info["seconds"]["train"] / len(r.identity["seeds"])
    if seconds > MAX_SECONDS:
        return f"to train one seed again takes about {seconds:.0f} s"
    if i["source"].get("behaviour") or i["source"].get("grade") == "replay":
        return "its data are the steps of another learner"
    name = (i["task"], i["demos"], i["label"])
    for cell in cells:
        if (cell.task, cell.demos, cell.name) == name:
            job = plan.prepare(suite, i["profile"], [cell])[0]
            if _training(job.identity) == _training(i):
                return job
    return "the suite has no cell with its settings on this engine"


def _training(identity: dict[str, Any]) -> dict[str, Any]:
    """What decides the training of one seed: not the initial states of its evaluation."""
    return {k: v for k, v in without_seeds(identity).items() if k != "initial_states"}
