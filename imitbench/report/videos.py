"""The videos of a report: each task's expert, and the policies of finished cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from imitbench import envs
from imitbench.report import replayed_episodes, video
from imitbench.report.video import Drawn
from imitbench.results import claims, policy_files
from imitbench.results.store import Result
from imitbench.runs import plan
from imitbench.suites.schema import Cell

ABOUT = (
    "All policies start from the same states, the first of the cells' evaluation; a red ball marks "
    "a goal. The policy of a method is the one that its cell stores for its first seed. Shipped "
    "cells store none: there the first seed was trained again with the cell's settings. Other "
    "machines and versions round differently, so its score stands beside the cell's own."
)
MAX_SECONDS = 60.0  # of training of one seed


class Video(NamedTuple):
    """One video with what it shows."""

    place: str
    who: str
    about: str
    data: bytes  # WebM


def make_videos(
    name: str,
    cells: Sequence[Cell],
    results: Sequence[Result],
    learners: int,
    say: Callable[[str], None],
) -> tuple[list[Video], list[str]]:
    """Videos of each task's expert and of up to `learners` methods, and notes on what is missing.

    Args:
        cells: the suite's, of the results' profile.
        say: is told of each step of the work.

    Raises:
        UserError: the machine cannot render, or imageio-ffmpeg is not there.
    """
    by_task: dict[str, list[Result]] = {}
    for r in results:
        by_task.setdefault(r.identity["task"], []).append(r)
    films, notes = [], []
    for task, own in by_task.items():
        env = video.drawable(envs.make(task))
        if env is None:
            notes.append(f"{task}: no videos, for it is not a model of MuJoCo's.")
            continue
        video.check(env)
        # The place where most methods are.
        places = [r.place for r in own]
        place = max(dict.fromkeys(places), key=places.count)
        here = [r for r in own if r.place == place]
        cast, missing = _cast(name, cells, here, env, learners, say)
        notes += missing
        if cast:
            say(f"{task}: rendering {len(cast)} videos")
            drawn = video.encode_videos(env, [a.takes for a in cast])
            where = claims.place_name(place)
            films += [Video(where, a.who, a.about, x) for a, x in zip(cast, drawn, strict=True)]
    return films, notes


def _cast(
    name: str,
    cells: Sequence[Cell],
    here: Sequence[Result],
    env: Drawn,
    learners: int,
    say: Callable[[str], None],
) -> tuple[list[replayed_episodes.PolicyEpisodes], list[str]]:
    cast, notes = [], []
    shown = replayed_episodes.expert(here[0], env)
    if shown is not None:
        cast.append(shown)
    for r in here:
        if len(cast) - (shown is not None) >= learners:
            break
        label, where = r.identity["label"], claims.place_name(r.place)
        if policy_files.seeds_of(r.folder):
            cast.append(replayed_episodes.stored_policy(r, env))
            continue
        job = _job(name, cells, r)
        if isinstance(job, str):
            notes.append(f"{where}: no video of {label}: {job}.")
            continue
        say(f"{where}: training {label} again")
        cast.append(replayed_episodes.learner(job, r))
    return cast, notes


def _job(name: str, cells: Sequence[Cell], r: Result) -> plan.Job | str:
    """The work of a finished cell, or why it is not done again."""
    i, seconds = r.identity, r.info["seconds"]["train"] / len(r.identity["seeds"])
    if seconds > MAX_SECONDS:
        return f"to train one seed again takes about {seconds:.0f} s"
    if i["source"].get("behaviour") or i["source"].get("grade") == "replay":
        return "its data are the steps of another learner"
    found = [c for c in cells if (c.task, c.demos, c.name) == (i["task"], i["demos"], i["label"])]
    for cell in found:
        job = plan.prepare(name, i["profile"], [cell])[0]
        if _same(job.identity, i):
            return job
    return "the suite has no cell with its settings on this engine"


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two identities differ in nothing but the number of seeds."""
    return {k: v for k, v in a.items() if k != "seeds"} == {
        k: v for k, v in b.items() if k != "seeds"
    }
