"""The compiled functions of a run: initialisation, chunks of updates, evaluation, for all seeds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import ops
from imitbench.core.types import Algorithm, Env, Key, Metrics, Transition
from imitbench.training import sharding
from imitbench.training.evaluation import evaluate_seed
from imitbench.training.parts import OnPart, run_parts
from imitbench.utils.machine import available_cpus

SeedsBy = Literal["auto", "vmap", "threads"]


class TrainState(struct.PyTreeNode):
    """The whole state of training; with the keys and the demonstrations it resumes exactly."""

    algo: Any  # the method's states; leaves [S, ...]
    updates: jax.Array  # [] int32: updates done
    diverged: jax.Array  # [S] bool: a metric or a parameter became non-finite


class Program(NamedTuple):
    """The compiled functions of one run."""

    init: Callable[[Key, Transition], TrainState]  # (keys [S], demos)
    # (keys [S], state, demos, on_part) -> the state after a chunk of updates, and the metrics'
    # means [S, P] over each of its P parts. `on_part` gets the share of the chunk that was done.
    chunk: Callable[[Key, TrainState, Transition, OnPart | None], tuple[TrainState, Metrics]]
    # (keys [S] of the initial states, state) -> scores [S, B] by name.
    evaluate: Callable[[Key, TrainState], dict[str, jax.Array]]


def abstract_state(algo: Algorithm, demos: Transition, keys: Key) -> TrainState:
    """Returns the shapes and types of the training state, without computing it.

    Args:
        algo: the method.
        demos: leaves [N, ...], shared by the seeds, or [S, N, ...].
        keys: [S].

    Returns:
        A state whose leaves are `jax.ShapeDtypeStruct`s.
    """
    init = jax.vmap(functools.partial(_init_seed, algo), in_axes=(0, _seed_axis(demos)))
    return jax.eval_shape(lambda k, d: _untrained(init(k, d), k), keys, demos)


def compile_program(
    algo: Algorithm,
    demos: Transition,
    keys: Key,
    env: Env,
    chunk_updates: int,
    eval_episodes: int,
    seeds_by: Literal["vmap", "threads"],
    parts: int = 1,
    obs_noise: jax.Array | None = None,
) -> Program:
    """Compiles a run ahead of time, so that its compile time can be measured separately.

    Args:
        algo: the method.
        demos: leaves [N, ...], shared by the seeds, or [S, N, ...].
        keys: [S].
        env: where the policies are evaluated.
        chunk_updates: the number of updates in a chunk.
        eval_episodes: episodes of each seed in an evaluation.
        seeds_by: `vmap` compiles one program for all seeds; `threads` compiles one for a single
            seed, and runs it for each seed on a thread. Evaluations are vmapped in both.
        parts: P, the number of equal parts of a chunk, which run one after the other.
        obs_noise: [S, O] standard deviations of noise on what policies see in evaluations.
    """
    update = functools.partial(_update_seed, algo, chunk_updates // parts)
    init = functools.partial(_init_seed, algo)
    evaluate = functools.partial(_evaluate_seeds, algo, env, eval_episodes)
    state, demo_axis = abstract_state(algo, demos, keys), _seed_axis(demos)
    update_axes, init_axes = (0, None, 0, demo_axis), (0, demo_axis)
    num = keys.shape[0]
    compile_seeds = sharding.shard_seeds if seeds_by == "vmap" else sharding.single_device
    state_axes = TrainState(0, None, 0)  # type: ignore[arg-type]
    noise = () if obs_noise is None else (obs_noise,)
    evaluations = compile_seeds(evaluate, (0, state_axes, *([0] * len(noise))), 0, num)
    # XLA compiles without Python's global lock, while the next function is traced. Evaluations
    # take longest, so they come first.
    with ThreadPoolExecutor() as pool:

        def compile_function(lowered: jax.stages.Lowered) -> Future[Callable[..., Any]]:
            return pool.submit(lambda: sharding.with_placement(lowered.compile()))

        compiling_evaluate = compile_function(evaluations.lower(keys, state, *noise))
        if seeds_by == "vmap":
            all_updates = compile_seeds(jax.vmap(update, in_axes=update_axes), update_axes, 0, num)
            lowered = all_updates.lower(keys, state.updates, state.algo, demos)
            compiling_update = compile_function(lowered)
            all_inits = compile_seeds(jax.vmap(init, in_axes=init_axes), init_axes, 0, num)
            compiling_init = compile_function(all_inits.lower(keys, demos))
        else:
            seed_demos = demos if demo_axis is None else _seed(demos, 0)
            seed_state = jax.eval_shape(lambda a: _seed(a, 0), state.algo)
            lowered = jax.jit(update).lower(keys[0], state.updates, seed_state, seed_demos)
            compiling_update = compile_function(lowered)
            compiling_init = compile_function(jax.jit(init).lower(keys[0], seed_demos))
        run_update, run_init, run_evaluate = (
            x.result() for x in (compiling_update, compiling_init, compiling_evaluate)
        )
    if seeds_by == "threads":
        run_init = in_threads(run_init, init_axes)

    def chunk(
        keys: Key, state: TrainState, demos: Transition, on_part: OnPart | None
    ) -> tuple[TrainState, Metrics]:
        share = 1 / (parts * num if seeds_by == "threads" else parts)
        on_each = None if on_part is None else functools.partial(on_part, share)
        run = functools.partial(run_parts, run_update, parts, chunk_updates // parts, on_each)
        if seeds_by == "threads":
            run = in_threads(run, update_axes)
        new, metrics, diverged = run(keys, state.updates, state.algo, demos)
        return TrainState(new, state.updates + chunk_updates, state.diverged | diverged), metrics

    return Program(
        lambda k, d: _untrained(run_init(k, d), k), chunk, lambda k, s: run_evaluate(k, s, *noise)
    )


def in_threads(run_seed: Callable[..., Any], axes: tuple[int | None, ...]) -> Callable[..., Any]:
    """Builds a function of all seeds that runs a function of one seed on a thread for each CPU.

    Args:
        run_seed: a compiled function of one seed.
        axes: for each argument 0 where it gets an S axis, else None; the first must be 0.

    Returns:
        The function of all seeds; its results have an S axis in front.
    """

    def run(*args: Any) -> Any:
        def run_one(s: int) -> Any:
            seed_args = [x if a is None else _seed(x, s) for x, a in zip(args, axes, strict=True)]
            return jax.block_until_ready(run_seed(*seed_args))

        with ThreadPoolExecutor(available_cpus()) as pool:
            results = list(pool.map(run_one, range(args[0].shape[0])))
        return jax.tree.map(lambda *x: jnp.stack(x), *results)

    return run


def _init_seed(algo: Algorithm, key: Key, demos: Transition) -> Any:
    return algo.init(ops.fold_in_name(key, "init"), demos)


def _update_seed(
    algo: Algorithm, num: int, key: Key, start: jax.Array, algo_state: Any, demos: Transition
) -> tuple[Any, Metrics, jax.Array]:
    """Runs `num` updates of one seed, the first of which is update `start`.

    Returns:
        The new state, the metrics' means, and whether the seed diverged.
    """
    key = ops.fold_in_name(key, "update")

    def step(state: Any, i: jax.Array) -> tuple[Any, Metrics]:
        return algo.update(jax.random.fold_in(key, i), state, demos)

    new, metrics = jax.lax.scan(step, algo_state, start + jnp.arange(num))
    finite = ops.all_finite(metrics) & ops.all_finite(new)
    return new, jax.tree.map(jnp.mean, metrics), ~finite


def _evaluate_seeds(
    algo: Algorithm, env: Env, episodes: int, keys: Key, state: TrainState, *noise: jax.Array
) -> dict[str, jax.Array]:
    """Evaluates all seeds; `noise` is nothing, or that on the observations [S, O]."""
    evaluate = functools.partial(evaluate_seed, algo, env, episodes)
    return jax.vmap(evaluate)(keys, state.algo, *noise)


def _untrained(algo_states: Any, keys: Key) -> TrainState:
    return TrainState(algo_states, jnp.int32(0), jnp.zeros(keys.shape[0], bool))


def _seed_axis(demos: Transition) -> int | None:
    return None if demos.weight.ndim == 1 else 0


def _seed(tree: Any, s: int) -> Any:
    return jax.tree.map(lambda x: x[s], tree)
