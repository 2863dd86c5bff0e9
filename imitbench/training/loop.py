"""The training loop that every method shares: compiled chunks of updates, evaluated in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from imitbench.core import ops, rollout
from imitbench.core.actor import actor_of
from imitbench.core.types import Algorithm, Env, Key, Metrics, Transition
from imitbench.training import sharding
from imitbench.utils.errors import UserError
from imitbench.utils.machine import available_cpus

SeedsBy = Literal["auto", "vmap", "threads"]


class TrainState(struct.PyTreeNode):
    """Everything that training carries on; with keys and demonstrations it resumes exactly."""

    algo: Any  # leaves [S, ...]
    updates: jax.Array  # [] int32: updates done
    diverged: jax.Array  # [S] bool: a metric or a parameter became non-finite


class Eval(NamedTuple):
    """Evaluations so far. Numbers of a diverged seed are kept; its success counts as 0."""

    updates: np.ndarray  # [E] updates done
    success_any: np.ndarray  # [S, E] share of episodes that reached the goal at some step
    success_final: np.ndarray  # [S, E] ... at their last step
    returns: np.ndarray  # [S, E] mean undiscounted return
    # [S, E] mean over the updates since the evaluation before; and over its episodes, where the
    # method has a value_estimator: "value" of the initial state, "discounted" return.
    metrics: dict[str, np.ndarray]
    episodes: dict[str, np.ndarray]  # [S, B] of the last evaluation: return, length, success_...
    diverged: np.ndarray  # [S] bool
    seconds: dict[str, float]  # compile, train, evaluate: wall time spent so far


class Program(NamedTuple):
    """The compiled pieces of a run."""

    init: Callable[[Key, Transition], TrainState]
    chunk: Callable[[Key, TrainState, Transition], tuple[TrainState, Metrics]]
    evaluate: Callable[[Key, TrainState], dict[str, jax.Array]]


def train(
    algo: Algorithm,
    demos: Transition,
    keys: Key,
    *,
    env: Env,
    num_updates: int,
    num_evals: int,
    eval_episodes: int,
    eval_key: Key | None = None,
    seeds_by: SeedsBy = "auto",
    resume: tuple[TrainState, Eval] | None = None,
    on_eval: Callable[[TrainState, Eval], None] | None = None,
) -> tuple[TrainState, Eval]:
    """Trains one method on all seeds, evaluating it `num_evals` times at equal distances.

    Args:
        demos: leaves [N, ...], shared by the seeds, or [S, N, ...], a set for each.
        keys: [S], one for each seed; all of a seed's randomness is folded out of its key.
        env: where the policy is evaluated. The method itself has what its `make` was given.
        num_updates: outer iterations, a multiple of `num_evals`.
        eval_episodes: episodes of each evaluation and seed. All methods, seeds and evaluations
            meet the same initial states, which depend on `eval_key` alone.
        seeds_by: `vmap` trains all seeds in one program; `threads` runs one program, compiled once,
            for each seed on as many threads as there are CPUs. `auto` takes `threads` on a CPU,
            where it is faster (small products gain little from a second core), else `vmap`.
        resume: what `on_eval` was given last; training goes on from there.
        on_eval: called after each evaluation with the state and all evaluations so far.

    Returns:
        The final state and the evaluations.

    Raises:
        UserError: `num_updates` is not a positive multiple of `num_evals`, or the demonstrations
            hold a number that is not finite.
    """
    if num_evals < 1 or num_updates < num_evals or num_updates % num_evals:
        raise UserError(
            f"num_updates={num_updates} must be a positive multiple of num_evals={num_evals}"
        )
    if not bool(ops.all_finite((demos.obs, demos.intended_action, demos.pose))):
        raise UserError(
            "the demonstrations hold a non-finite observation, intended action or pose: remove it"
        )
    if seeds_by == "auto":
        seeds_by = "threads" if jax.default_backend() == "cpu" else "vmap"
    eval_key = jax.random.key(0) if eval_key is None else eval_key
    started = time.perf_counter()
    program = _compile(algo, demos, keys, env, num_updates // num_evals, eval_episodes, seeds_by)
    seconds = {"compile": time.perf_counter() - started, "train": 0.0, "evaluate": 0.0}
    if resume is None:
        started = time.perf_counter()  # some methods begin with gradient steps
        state, ev = jax.block_until_ready(program.init(keys, demos)), None
        seconds["train"] += time.perf_counter() - started
    else:
        state, ev = resume
        seconds = {k: v + ev.seconds.get(k, 0.0) for k, v in seconds.items()}
    while int(state.updates) < num_updates:
        started = time.perf_counter()
        state, metrics = jax.block_until_ready(program.chunk(keys, state, demos))
        trained = time.perf_counter()
        episodes = jax.block_until_ready(program.evaluate(eval_key, state))
        seconds["train"] += trained - started
        seconds["evaluate"] += time.perf_counter() - trained
        ev = _extend(ev, state, metrics, episodes, dict(seconds))
        if on_eval is not None:
            on_eval(state, ev)
    assert ev is not None
    return state, ev


def abstract_state(algo: Algorithm, demos: Transition, keys: Key) -> TrainState:
    """Shapes and types of the training state, without computing it."""
    begin = jax.vmap(_initialiser(algo), in_axes=(0, _seed_axis(demos)))
    return jax.eval_shape(lambda k, d: _untrained(begin(k, d), k), keys, demos)


def _initialiser(algo: Algorithm) -> Callable[[Key, Transition], Any]:
    """Of one seed."""
    return lambda key, demos: algo.init(ops.fold_in_name(key, "init"), demos)


def _untrained(state: Any, keys: Key) -> TrainState:
    return TrainState(state, jnp.int32(0), jnp.zeros(keys.shape[0], bool))


def _seed_axis(demos: Transition) -> int | None:
    return None if demos.weight.ndim == 1 else 0


def _compile(
    algo: Algorithm,
    demos: Transition,
    keys: Key,
    env: Env,
    chunk_updates: int,
    eval_episodes: int,
    seeds_by: SeedsBy,
) -> Program:
    """Lowers and compiles everything ahead, so that the time for it is known apart."""

    one_init = _initialiser(algo)

    def one_seed(
        key: Key, start: jax.Array, algo_state: Any, demos: Transition
    ) -> tuple[Any, Metrics, jax.Array]:
        """`chunk_updates` updates of one seed; the last output says whether it diverged."""
        key = ops.fold_in_name(key, "update")

        def step(carry: Any, i: jax.Array) -> tuple[Any, Metrics]:
            return algo.update(jax.random.fold_in(key, i), carry, demos)

        new, metrics = jax.lax.scan(step, algo_state, start + jnp.arange(chunk_updates))
        healthy = ops.all_finite(metrics) & ops.all_finite(new)
        return new, jax.tree.map(jnp.mean, metrics), ~healthy

    def evaluate(key: Key, state: TrainState) -> dict[str, jax.Array]:
        def one(algo_state: Any) -> dict[str, jax.Array]:
            steps = rollout.episodes(env, actor_of(algo, algo_state), key, eval_episodes)
            found = rollout.summarise(steps)
            if algo.value_estimator is not None:
                first = algo.value_estimator.value(
                    ops.fold_in_name(key, "judge"), algo_state, steps.obs[0]
                )
                real = rollout.discounted_return(steps.reward, algo.value_estimator.discount)
                found |= {"value": first, "discounted": real}
            return found

        return jax.vmap(one)(state.algo)

    like = abstract_state(algo, demos, keys)
    axis = _seed_axis(demos)
    spread = sharding.shard_seeds if seeds_by == "vmap" else sharding.single_device
    of_state = TrainState(0, None, 0)  # type: ignore[arg-type]
    if seeds_by == "vmap":
        fun = jax.vmap(one_seed, in_axes=(0, None, 0, axis))
        updates = spread(fun, (0, None, 0, axis), 0, keys.shape[0])
        updates = updates.lower(keys, like.updates, like.algo, demos)
        fun = jax.vmap(one_init, in_axes=(0, axis))
        begin = spread(fun, (0, axis), 0, keys.shape[0]).lower(keys, demos)
    else:
        seed_demos = demos if axis is None else _seed(demos, 0)
        seed_state = jax.eval_shape(lambda a: _seed(a, 0), like.algo)
        updates = jax.jit(one_seed).lower(keys[0], like.updates, seed_state, seed_demos)
        begin = jax.jit(one_init).lower(keys[0], seed_demos)
    evaluations = spread(evaluate, (None, of_state), 0, keys.shape[0])
    lowered = updates, begin, evaluations.lower(jax.random.key(0), like)
    with ThreadPoolExecutor() as pool:  # XLA compiles outside of Python's lock
        made = pool.map(lambda x: sharding.with_placement(x.compile()), lowered)
        all_seeds, init, evaluate_c = made
    if seeds_by == "threads":
        all_seeds = _in_threads(all_seeds, (0, None, 0, axis))
        init = _in_threads(init, (0, axis))

    def chunk(keys: Key, state: TrainState, demos: Transition) -> tuple[TrainState, Metrics]:
        new, metrics, broken = all_seeds(keys, state.updates, state.algo, demos)
        return TrainState(new, state.updates + chunk_updates, state.diverged | broken), metrics

    return Program(lambda k, d: _untrained(init(k, d), k), chunk, evaluate_c)


def _seed(tree: Any, s: int) -> Any:
    return jax.tree.map(lambda x: x[s], tree)


def _in_threads(one_seed: Callable[..., Any], axes: tuple[int | None, ...]) -> Callable[..., Any]:
    """One compiled program run for each seed, on a thread for each CPU; results get an S axis.

    Args:
        axes: for each argument 0 where it has an S axis, else None; the keys come first.
    """

    def run(keys: Key, *more: Any) -> Any:
        def one(s: int) -> Any:
            args = [
                x if a is None else _seed(x, s) for x, a in zip((keys, *more), axes, strict=True)
            ]
            return jax.block_until_ready(one_seed(*args))

        with ThreadPoolExecutor(available_cpus()) as pool:
            outs = list(pool.map(one, range(keys.shape[0])))
        return jax.tree.map(lambda *x: jnp.stack(x), *outs)

    return run


def _extend(
    ev: Eval | None,
    state: TrainState,
    metrics: Metrics,
    episodes: dict[str, jax.Array],
    seconds: dict[str, float],
) -> Eval:
    """The evaluations with one more column."""
    diverged = np.asarray(state.diverged)
    eps = {k: np.asarray(v) for k, v in episodes.items()}
    for k in ("success_any", "success_final"):
        eps[k] = eps[k] & ~diverged[:, None]

    def column(old: np.ndarray | None, new: np.ndarray) -> np.ndarray:
        new = np.asarray(new)[..., None]
        return new if old is None else np.concatenate([old, new], axis=-1)

    means = {k: v.astype(np.float64).mean(axis=1) for k, v in eps.items()}
    judged = {k: means[k] for k in ("value", "discounted") if k in means}
    return Eval(
        updates=column(ev and ev.updates, np.asarray(state.updates)),
        success_any=column(ev and ev.success_any, means["success_any"]),
        success_final=column(ev and ev.success_final, means["success_final"]),
        returns=column(ev and ev.returns, means["return"]),
        metrics={
            k: column(ev.metrics[k] if ev else None, np.asarray(v))
            for k, v in (metrics | judged).items()
        },
        episodes=eps,
        diverged=diverged,
        seconds=seconds,
    )
