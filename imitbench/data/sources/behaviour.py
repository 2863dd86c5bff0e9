"""The experience of an online learner, in the order of time, as data for other methods.

Fujimoto et al. 2019 (arXiv:1812.02900) learn from all steps of a behavioural agent ("final
buffer"), or from the steps that it has taken so far while it learns ("concurrent"; see
`imitbench.data.sources.concurrent`).
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, envs
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core.types import Algorithm, Spec, Transition
from imitbench.data.header import Header, make_header
from imitbench.data.rows import step_arrays, steps_from_arrays
from imitbench.data.sources import cache, replay
from imitbench.data.sources.source import Behaviour
from imitbench.training import loop
from imitbench.utils import npz
from imitbench.utils.errors import UserError, pick
from imitbench.utils.machine import cache_dir


class Request(NamedTuple):
    """A learner and its budget; each training seed has its own experience."""

    task: str
    engine: str  # as the user asked for it: auto, ...
    steps: int  # environment steps
    behaviour: Behaviour


def check(request: Request) -> Algorithm:
    """Checks that the steps of a learner can be kept.

    Args:
        request: the learner and its budget.

    Returns:
        The learner.

    Raises:
        UserError: it is not an off-policy learner of one environment whose replay holds all steps,
            or the steps are not whole updates.
    """
    method, config = request.behaviour.method, request.behaviour.config
    pick("method with a replay", method, [k for k in algos.ALGOS if _has_replay(k)])
    if config.replay.envs != 1:
        raise UserError(
            f"envs={config.replay.envs} of the behavioural {method}: expected 1, so that its steps "
            "are in order"
        )
    if config.replay.capacity < request.steps:
        raise UserError(
            f"capacity={config.replay.capacity} of the behavioural {method}: expected "
            f"{request.steps} or more, so that all of its steps are kept"
        )
    if share := algos.reset_share(config):
        raise UserError(
            f"resets={share} of the behavioural {method}: it gets no demonstrations to reset to; "
            "set resets=0"
        )
    env = envs.make(request.task, request.engine)
    algo = algos.build(method, config, env.spec, env, None)
    if request.steps % algo.cost.env_steps:
        raise UserError(
            f"{request.steps} steps of the behavioural {method}: expected a multiple of "
            f"{algo.cost.env_steps}, the steps of an update"
        )
    return algo


def _has_replay(method: str) -> bool:
    return not algos.traits(method).needs_demos and hasattr(algos.ALGOS[method].Config(), "replay")


def load(request: Request, seeds: Sequence[int]) -> tuple[Transition, Header]:
    """Loads the experience of the learners with these training seeds from the user's cache.

    Learners whose experience is not there are trained.

    Args:
        request: the learner and its budget of N environment steps.
        seeds: the S training seeds.

    Returns:
        Rows [S, N, ...] in the order of time, all of weight 1, and their header. An episode ends
        where it is terminated or truncated; the last step of each seed is marked as truncated too.
    """

    def read() -> list[Transition] | None:
        parts = [_read(request, seed) for seed in seeds]
        known = [x for x in parts if x is not None]
        return known if len(known) == len(seeds) else None

    def make() -> None:
        _train(request, [seed for seed in seeds if _read(request, seed) is None])

    parts = cache.read_or_make(_cache_name(request, seeds[0]), read, make)
    steps: Any = jax.tree.map(lambda *x: jnp.stack(x), *parts)
    return steps, experience_header(request, steps)


def store_experience(request: Request, seeds: Sequence[int], state: loop.TrainState) -> None:
    """Writes the experience of learners that have just finished into the user's cache.

    Args:
        request: the learner and its budget.
        seeds: the S training seeds.
        state: the learners' state, leaves [S, ...].

    Raises:
        UserError: a learner diverged.
    """
    failed = [seed for seed, bad in zip(seeds, np.asarray(state.diverged), strict=True) if bad]
    if failed:
        raise UserError(
            f"the learner {request.behaviour.method} of {request.task} diverged (seeds "
            f"{', '.join(map(str, failed))}), so its experience is no data: change its settings"
        )
    spec = envs.make(request.task, request.engine).spec
    for i, seed in enumerate(seeds):
        ring = state.algo.replay.rows  # leaves [S, C, 1, ...]
        rows = jax.tree.map(lambda x, i=i: np.asarray(x[i, : request.steps, 0]), ring)
        arrays = step_arrays(_as_transitions(rows, spec))
        npz.write(_path(request, seed), {"sha256": npz.checksum(arrays)}, arrays)


def experience_header(request: Request, steps: Transition) -> Header:
    """Builds the header of the experience of all seeds.

    Returns and success are those of episodes that ended by themselves or at the time limit. There
    is at least one, because the experience of a seed is at least one time limit long.

    Args:
        request: the learner and its budget.
        steps: rows [S, N, ...].

    Returns:
        The header, with grade `stream`.
    """
    env = envs.make(request.task, request.engine)
    returns, success_any, success_final = [], [], []
    for s in range(len(steps.weight)):
        rows = jax.tree.map(lambda x, s=s: np.asarray(x[s]), steps)
        for begin, last in _finished_episodes(rows, env.spec.horizon):
            returns.append(rows.reward[begin : last + 1].sum())
            success_any.append(rows.success[begin : last + 1].any())
            success_final.append(rows.success[last])
    return make_header(
        request.task,
        returns,
        (success_any, success_final) if env.spec.goal else None,
        expert=request.behaviour.name,
        engine=env.engine,
        grade="stream",
    )


def _finished_episodes(rows: Transition, horizon: int) -> list[tuple[int, int]]:
    """First and last step of each episode in rows [N] that was not cut off by the end of the
    rows."""
    ends = np.flatnonzero(rows.terminated | rows.truncated)
    bounds = []
    for begin, last in zip([0, *(ends[:-1] + 1)], ends, strict=True):
        cut_off = last == len(rows.weight) - 1 and last - begin + 1 < horizon
        if rows.terminated[last] or not cut_off:
            bounds.append((begin, last))
    return bounds


def _cache_name(request: Request, seed: int) -> str:
    learner = request.behaviour
    settings = {
        "task": request.task, "engine": envs.make(request.task, request.engine).engine,
        "steps": request.steps, "seed": seed, "method": learner.method,
        "config": json.loads(json.dumps(dataclasses.asdict(learner.config))),
        "version": algos.traits(learner.method).version,
    }  # fmt: skip
    return cache.name_of(settings, request.engine)


def _path(request: Request, seed: int) -> Path:
    return cache_dir("streams") / f"{_cache_name(request, seed)}.npz"


def _train(request: Request, seeds: Sequence[int]) -> None:
    """Trains the learners with these seeds and stores their experience."""
    algo = check(request)
    env = envs.make(request.task, request.engine)
    updates = request.steps // algo.cost.env_steps
    evals = next(n for n in range(min(replay.CHECKPOINTS, updates), 0, -1) if updates % n == 0)
    folder = cache_dir("replay") / f"{_cache_name(request, seeds[0])}-{len(seeds)}"
    method = request.behaviour.method
    state = replay.train_learner(env, method, algo, seeds, updates, evals, folder)
    store_experience(request, seeds, state)
    shutil.rmtree(folder, ignore_errors=True)


def _read(request: Request, seed: int) -> Transition | None:
    """The experience [N, ...] of one seed; None where its file is missing or damaged."""
    try:
        header, arrays = npz.read(_path(request, seed), "file of a learner's experience")
    except UserError:
        return None
    if header.get("sha256") != npz.checksum(arrays):
        return None
    return steps_from_arrays(arrays)


def _as_transitions(rows: Experience, spec: Spec) -> Transition:
    """The experience [N] of one learner as a `Transition`; its last step counts as truncated."""
    ended = rows.t == spec.horizon - 1
    ended[-1] = True
    terminated: Any = rows.terminated
    return Transition(
        obs=rows.obs,
        action=rows.action,
        intended_action=rows.action,
        reward=rows.reward,
        next_obs=rows.next_obs,
        terminated=terminated,
        truncated=jnp.asarray(ended & ~terminated),
        success=jnp.asarray(replay.goal_reached(rows.next_obs, spec)),
        weight=jnp.ones(len(rows.t)),
    )
