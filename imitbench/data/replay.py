"""Data of grade replay: what an off-policy learner sees in its training, cut into episodes."""

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
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core import buffer
from imitbench.core.types import Algorithm, Env, Spec, Transition
from imitbench.data import cache
from imitbench.data.demonstrations import Demos, Header
from imitbench.data.replay_learners import REPLAY
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder
from imitbench.utils.machine import cache_dir

CHECKPOINTS = 10  # at most, during the learner's training


def replay(task: str, engine: str, episodes: int, *, seed: int = 0) -> Demos:
    """All whole episodes that an off-policy learner sees from its start until it has done
    `episodes` times the time limit in environment steps; more of them where episodes end early.

    The learner is one of `imitbench.data.replay_learners`: one for tasks with goals, one for the
    others.

    Raises:
        UserError: a bad argument, or discrete actions.
    """
    if episodes < 1:
        raise UserError(f"episodes={episodes}: expected 1 or more")
    env = envs.make(task, engine)
    kind = "goals" if env.spec.goal else "returns"
    method, config = REPLAY[kind]
    request = {
        "task": task, "engine": env.engine, "episodes": episodes, "grade": "replay", "seed": seed,
        "method": method, "config": json.loads(json.dumps(dataclasses.asdict(config))),
        "version": algos.traits(method).version,
    }  # fmt: skip
    name = cache.name_of(request, engine)
    folder = cache_dir("replay") / name

    def make() -> Demos:
        made = _learn(env, method, config, episodes, seed, folder)
        shutil.rmtree(folder, ignore_errors=True)
        return made

    return cache.load_or_make(name, env.spec, make)


def learned(
    env: Env,
    method: str,
    algo: Algorithm,
    seeds: Sequence[int],
    updates: int,
    evals: int,
    folder: Path,
    **options: Any,
) -> loop.TrainState:
    """The state of an online learner after so many updates; cut off, it goes on from `folder`.

    Args:
        options: those of `resumable.run`.
    """
    with lock_folder(folder), Progress(evals) as progress:
        progress.start(env.name, method, updates)
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


def reached(next_obs: Any, spec: Spec) -> np.ndarray:
    """[N] bool: whether the goal is reached in observations [N, O]; False where there is none."""
    if spec.goal is None:
        return np.zeros(len(next_obs), bool)
    achieved, desired = (
        next_obs[:, spec.fields[x]] for x in (spec.goal.achieved, spec.goal.desired)
    )
    return np.asarray(spec.goal.reached(achieved, desired))


def _learn(env: Env, method: str, config: Any, episodes: int, seed: int, folder: Path) -> Demos:
    own = config.replay
    slots = math.ceil(episodes * env.spec.horizon / own.envs)
    updates = math.ceil(slots / (own.rounds * own.length))
    evals = min(CHECKPOINTS, updates)
    updates = math.ceil(updates / evals) * evals
    capacity = updates * own.rounds * own.length * own.envs
    whole = dataclasses.replace(config, replay=dataclasses.replace(own, capacity=capacity))
    algo = algos.build(method, whole, env.spec, env, None)

    def healthy(state: loop.TrainState, ev: loop.Eval) -> None:
        if ev.diverged.any():
            raise UserError(f"the learner of {env.name} diverged (seed {seed}): try another seed")

    state = learned(env, method, algo, [seed], updates, evals, folder, before_checkpoint=healthy)
    rows = jax.tree.map(lambda x: np.asarray(x[0, :slots]), state.algo.replay.rows)
    steps = whole_episodes(rows, env.spec)
    returns = steps.reward.sum(axis=1)
    header = Header(
        task=env.name,
        expert=method,
        engine=env.engine,
        seed=seed,
        episodes=len(returns),
        attempted=len(returns),
        noise=0.0,
        only_success=False,
        success_any=float(steps.success.any(axis=1).mean()) if env.spec.goal else None,
        success_final=float(steps.success[:, -1].mean()) if env.spec.goal else None,
        mean_return=float(returns.mean()),
        grade="replay",
    )
    return Demos(steps, header)


def whole_episodes(rows: Experience, spec: Spec) -> Transition:
    """Episodes [K, T] cut out of steps [C, B] that went on from one episode to the next, in the
    order in which they began. Unfinished ones are left out; steps after an early end have weight 0
    and repeat its last state.

    Raises:
        UserError: no episode was finished.
    """
    found = []
    for b in range(rows.t.shape[1]):
        starts = np.flatnonzero(rows.t[:, b] == 0)
        for start, end in zip(starts, [*starts[1:], len(rows.t)], strict=True):
            ended = rows.terminated[end - 1, b] or rows.t[end - 1, b] == spec.horizon - 1
            if ended:
                found.append((start, b, end))
    if not found:
        raise UserError("no episode was finished: ask for more")
    return jax.tree.map(lambda *x: np.stack(x), *(_episode(rows, spec, *x) for x in sorted(found)))


def _episode(rows: Experience, spec: Spec, start: int, b: int, end: int) -> Transition:
    steps = jax.tree.map(lambda x: x[start:end, b], rows)
    length, rest = end - start, spec.horizon - (end - start)

    def fill(x: Any, value: Any = 0) -> Any:
        return np.concatenate([x, np.broadcast_to(value, (rest, *x.shape[1:])).astype(x.dtype)])

    end_state = steps.next_obs[-1]
    action = fill(steps.action)
    return Transition(
        obs=fill(steps.obs, end_state),
        action=action,
        intended_action=action,
        reward=fill(steps.reward),
        next_obs=fill(steps.next_obs, end_state),
        terminated=fill(steps.terminated),
        truncated=fill(~steps.terminated & (steps.t == spec.horizon - 1)),
        success=fill(reached(steps.next_obs, spec)),
        weight=fill(np.ones(length, np.float32)),
    )
