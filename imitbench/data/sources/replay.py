"""Data of grade replay: the episodes that an off-policy learner sees during its training."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, envs
from imitbench.algos.common import hindsight
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core import buffer
from imitbench.core.types import Algorithm, Env, Spec, Transition
from imitbench.data.header import make_header
from imitbench.data.rows import Demos, join
from imitbench.data.sources import cache
from imitbench.data.sources.replay_learners import REPLAY_LEARNERS
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder
from imitbench.utils.machine import cache_dir

CHECKPOINTS = 10  # at most, during the learner's training


def load_replay(task: str, engine: str, episodes: int, *, seed: int = 0) -> Demos:
    """Loads all whole episodes that an off-policy learner sees from its start on.

    The learner is one of `replay_learners`: one for tasks with goals, one for the others. The data
    come from the user's cache; the learner is trained where they are not there.

    Args:
        task: the task's name.
        engine: `auto`, `native` or `mjx`.
        episodes: the learner's budget of environment steps, in units of the time limit.
        seed: the training seed of the learner.

    Returns:
        The data set; it has `episodes` episodes, or more where some end early.

    Raises:
        UserError: `episodes` is below 1, the task has discrete actions, or the learner diverged.
    """
    if episodes < 1:
        raise UserError(f"episodes={episodes}: expected 1 or more")
    env = envs.make(task, engine)
    method, config = REPLAY_LEARNERS["goals" if env.spec.goal else "returns"]
    request = {
        "task": task, "engine": env.engine, "episodes": episodes, "grade": "replay", "seed": seed,
        "method": method, "config": json.loads(json.dumps(dataclasses.asdict(config))),
        "version": algos.traits(method).version,
    }  # fmt: skip
    name = cache.name_of(request, engine)
    folder = cache_dir("replay") / name

    def make() -> Demos:
        demos = _record(env, method, config, episodes, seed, folder)
        shutil.rmtree(folder, ignore_errors=True)
        return demos

    return cache.load_or_make(name, env.spec, make)


def train_learner(
    env: Env,
    method: str,
    algo: Algorithm,
    seeds: Sequence[int],
    updates: int,
    evals: int,
    folder: Path,
    **options: Any,
) -> loop.TrainState:
    """Trains an online learner; training that was cut off goes on.

    Args:
        env: the task's environment.
        method: the learner's name, for the display.
        algo: the learner.
        seeds: the S training seeds.
        updates: how many updates, a multiple of `evals`.
        evals: how many evaluations; each one leaves a checkpoint.
        folder: the folder of the checkpoints.
        options: more options of `resumable.train_resumable`.

    Returns:
        The state after the last update, leaves [S, ...].
    """
    with lock_folder(folder), Progress(evals) as progress:
        progress.start(env.name, method, updates, evals)
        state, _ = resumable.train_resumable(
            folder,
            algo,
            buffer.no_rows(env.spec),
            jnp.stack([jax.random.key(s) for s in seeds]),
            progress,
            env=env,
            num_updates=updates,
            num_evals=evals,
            eval_episodes=1,
            **options,
        )
    return state


def goal_reached(next_obs: Any, spec: Spec) -> np.ndarray:
    """Returns whether the goal is reached.

    Args:
        next_obs: [N, O] observations after a step.
        spec: the task's.

    Returns:
        [N] bool; False where the task has no goal.
    """
    if spec.goal is None:
        return np.zeros(len(next_obs), bool)
    return np.asarray(hindsight.reached(next_obs, spec))


def whole_episodes(rows: Experience, spec: Spec) -> list[Transition]:
    """Cuts the whole episodes out of the experience of B environments.

    Args:
        rows: leaves [C, B, ...]: C steps in a row of each environment, whose episodes follow one
            another.
        spec: the task's, with the time limit.

    Returns:
        The episodes, leaves [n, ...] each, in the order in which they began, without those that
        were not finished.

    Raises:
        UserError: no episode was finished.
    """
    bounds = []
    for b in range(rows.t.shape[1]):
        starts = np.flatnonzero(rows.t[:, b] == 0)
        for start, end in zip(starts, [*starts[1:], len(rows.t)], strict=True):
            if rows.terminated[end - 1, b] or rows.t[end - 1, b] == spec.horizon - 1:
                bounds.append((start, b, end))
    if not bounds:
        raise UserError("no episode was finished: ask for more episodes")
    return [_episode(rows, spec, *x) for x in sorted(bounds)]


def _episode(rows: Experience, spec: Spec, start: int, b: int, end: int) -> Transition:
    """One episode [n], steps `start` to `end` of environment b."""
    steps: Any = jax.tree.map(lambda x: x[start:end, b], rows)
    reached: Any = goal_reached(steps.next_obs, spec)
    weight: Any = np.ones(end - start, np.float32)
    return Transition(
        obs=steps.obs,
        action=steps.action,
        intended_action=steps.action,
        reward=steps.reward,
        next_obs=steps.next_obs,
        terminated=steps.terminated,
        truncated=~steps.terminated & (steps.t == spec.horizon - 1),
        success=reached,
        weight=weight,
    )


def _record(env: Env, method: str, config: Any, episodes: int, seed: int, folder: Path) -> Demos:
    """Trains the learner with a replay that holds all of its steps, and cuts it into episodes."""
    settings = config.replay
    slots = math.ceil(episodes * env.spec.horizon / settings.envs)
    updates = math.ceil(slots / (settings.rounds * settings.length))
    evals = min(CHECKPOINTS, updates)
    updates = math.ceil(updates / evals) * evals
    capacity = updates * settings.rounds * settings.length * settings.envs
    config = dataclasses.replace(config, replay=dataclasses.replace(settings, capacity=capacity))
    algo = algos.build(method, config, env.spec, env, None)

    def check_health(state: loop.TrainState, ev: loop.Eval) -> None:
        if ev.diverged.any():
            raise UserError(f"the learner of {env.name} diverged (seed {seed}): try another seed")

    state = train_learner(
        env, method, algo, [seed], updates, evals, folder, before_checkpoint=check_health
    )
    rows = jax.tree.map(lambda x: np.asarray(x[0, :slots]), state.algo.replay.rows)
    episodes_seen = whole_episodes(rows, env.spec)
    success = [e.success.any() for e in episodes_seen], [e.success[-1] for e in episodes_seen]
    header = make_header(
        env.name,
        [e.reward.sum() for e in episodes_seen],
        success if env.spec.goal else None,
        expert=method,
        engine=env.engine,
        grade="replay",
        seed=seed,
    )
    return join(episodes_seen, header)
