"""Every step that an online learner takes, in the order of time, as the data of others.

The data of Fujimoto et al. 2019 (arXiv:1812.02900): what a behavioural agent saw until its end
("final buffer"), or what it has seen so far, while it learns ("concurrent").
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
from flax import struct

from imitbench import algos, envs
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core.types import Algorithm, Env, Key, Metrics, Transition
from imitbench.data import cache, demonstrations, replay
from imitbench.data.demonstrations import Header
from imitbench.data.source import Behaviour
from imitbench.training import loop
from imitbench.utils import npz
from imitbench.utils.errors import UserError, pick
from imitbench.utils.machine import cache_dir


class Request(NamedTuple):
    """A learner and how long it learns; each training seed has a stream of its own."""

    task: str
    engine: str  # as asked for: auto, ...
    steps: int  # environment steps
    behaviour: Behaviour


def check(request: Request) -> Algorithm:
    """The learner, where its steps can be kept.

    Raises:
        UserError: it is not an off-policy learner of one environment whose replay holds all steps,
            or the steps are not whole updates.
    """
    own, steps = request.behaviour, request.steps
    pick("method with a replay", own.method, [k for k in algos.ALGOS if _keeps(k)])
    replay = own.config.replay
    if replay.envs != 1:
        raise UserError(
            f"envs={replay.envs} of the behavioural {own.method}: expected 1, so that its steps "
            "are in order"
        )
    if replay.capacity < steps:
        raise UserError(
            f"capacity={replay.capacity} of the behavioural {own.method}: expected {steps} or "
            "more, so that all of its steps are kept"
        )
    if share := algos.reset_share(own.config):
        raise UserError(
            f"resets={share} of the behavioural {own.method}: it is shown nothing; set 0"
        )
    env = envs.make(request.task, request.engine)
    algo = algos.build(own.method, own.config, env.spec, env, None)
    if steps % algo.cost.env_steps:
        raise UserError(
            f"{steps} steps of the behavioural {own.method}: expected a multiple of "
            f"{algo.cost.env_steps}, the steps of an update"
        )
    return algo


def _keeps(method: str) -> bool:
    return not algos.traits(method).needs_demos and hasattr(algos.ALGOS[method].Config(), "replay")


def load(request: Request, seeds: Sequence[int]) -> tuple[Transition, Header]:
    """The streams [S, N, ...] of the learners with these training seeds, out of the user's cache;
    those that are not there are made.

    Returns:
        Rows in the order of time, all of weight 1; an episode ends where it is terminated or
        truncated, and so does the last, unfinished one (truncated). And what they are.
    """

    def read() -> list[Transition] | None:
        streams = [_read(request, seed) for seed in seeds]
        whole = [x for x in streams if x is not None]
        return whole if len(whole) == len(seeds) else None

    def make() -> None:
        _make(request, [seed for seed in seeds if _read(request, seed) is None])

    streams = cache.read_or_make(_name(request, seeds[0]), read, make)
    steps: Any = jax.tree.map(lambda *x: jnp.stack(x), *streams)
    return steps, _header(request, steps)


def keep(request: Request, seeds: Sequence[int], state: loop.TrainState) -> None:
    """Puts the steps of learners that have just finished into the user's cache."""
    env = envs.make(request.task, request.engine)
    for i, seed in enumerate(seeds):
        ring = state.algo.replay.rows  # leaves [S, C, 1, ...]
        rows = jax.tree.map(lambda x, i=i: np.asarray(x[i, : request.steps, 0]), ring)
        steps = _transitions(rows, env)
        arrays = demonstrations.step_arrays(steps)
        npz.write(_path(request, seed), {"sha256": npz.checksum(arrays)}, arrays)


def concurrent(algo: Algorithm, updates: int) -> Algorithm:
    """A method that learns while its data are collected: in update i of `updates` the first share
    (i + 1) / updates of the rows carry weight. What it takes from the data before its first update
    (the observations' mean and deviation) is taken from all of them.

    Its state is the method's own and the number of updates done.
    """

    def init(key: Key, demos: Transition) -> ConcurrentState:
        return ConcurrentState(algo.init(key, demos), jnp.int32(0))

    def update(
        key: Key, state: ConcurrentState, demos: Transition
    ) -> tuple[ConcurrentState, Metrics]:
        total = demos.weight.shape[0]
        there = jnp.arange(total) < jnp.ceil(total * (state.done + 1) / updates)
        seen = demos.replace(weight=jnp.where(there, demos.weight, 0.0))
        inner, metrics = algo.update(key, state.inner, seen)
        return ConcurrentState(inner, state.done + 1), metrics

    def act(key: Key, state: ConcurrentState, obs: jax.Array) -> jax.Array:
        return algo.act(key, state.inner, obs)

    value_estimator = algo.value_estimator
    if value_estimator is not None:
        value = value_estimator.value
        value_estimator = value_estimator._replace(
            value=lambda key, state, obs: value(key, state.inner, obs)
        )
    own = algo.actor
    actor = None if own is None else lambda state: own(state.inner)
    return algo._replace(
        init=init, update=update, act=act, actor=actor, value_estimator=value_estimator
    )


class ConcurrentState(struct.PyTreeNode):
    inner: Any
    done: jax.Array  # [] int32


def _name(request: Request, seed: int) -> str:
    own, engine = request.behaviour, envs.make(request.task, request.engine).engine
    what = {
        "task": request.task, "engine": engine, "steps": request.steps, "seed": seed,
        "method": own.method, "config": json.loads(json.dumps(dataclasses.asdict(own.config))),
        "version": algos.traits(own.method).version,
    }  # fmt: skip
    return cache.name_of(what, request.engine)


def _path(request: Request, seed: int) -> Path:
    return cache_dir("streams") / f"{_name(request, seed)}.npz"


def _make(request: Request, seeds: Sequence[int]) -> None:
    algo = check(request)
    env = envs.make(request.task, request.engine)
    updates = request.steps // algo.cost.env_steps
    evals = next(n for n in range(min(replay.CHECKPOINTS, updates), 0, -1) if updates % n == 0)
    folder = cache_dir("replay") / f"{_name(request, seeds[0])}-{len(seeds)}"
    method = request.behaviour.method
    state = replay.learned(env, method, algo, seeds, updates, evals, folder)
    keep(request, seeds, state)
    shutil.rmtree(folder, ignore_errors=True)


def _read(request: Request, seed: int) -> Transition | None:
    """None where there is none, or its file is damaged."""
    try:
        header, arrays = npz.read(_path(request, seed), "stream")
    except UserError:
        return None
    return (
        demonstrations.steps_from(arrays) if header.get("sha256") == npz.checksum(arrays) else None
    )


def _header(request: Request, steps: Transition) -> Header:
    """Of all seeds' streams; returns and success are those of episodes that ended by themselves or
    at the time limit. There are some, for a stream is at least one time limit long."""
    env = envs.make(request.task, request.engine)
    returns, reached, last = [], [], []
    for one in (
        jax.tree.map(lambda x, s=s: np.asarray(x[s]), steps) for s in range(len(steps.weight))
    ):
        stops = np.flatnonzero(one.terminated | one.truncated)
        for begin, stop in zip([0, *(stops[:-1] + 1)], stops, strict=True):
            cut = stop == len(one.weight) - 1 and stop - begin + 1 < env.spec.horizon
            if one.terminated[stop] or not cut:
                returns.append(one.reward[begin : stop + 1].sum())
                reached.append(one.success[begin : stop + 1].any())
                last.append(one.success[stop])
    return Header(
        task=request.task,
        expert=request.behaviour.name,
        engine=env.engine,
        seed=0,
        episodes=len(returns),
        attempted=len(returns),
        noise=0.0,
        only_success=False,
        success_any=float(np.mean(reached)) if env.spec.goal else None,
        success_final=float(np.mean(last)) if env.spec.goal else None,
        mean_return=float(np.mean(returns)),
        grade="stream",
    )


def _transitions(rows: Experience, env: Env) -> Transition:
    """Steps [N] of one learner."""
    spec, n = env.spec, len(rows.t)
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
        success=jnp.asarray(replay.reached(rows.next_obs, spec)),
        weight=jnp.ones(n),
    )
