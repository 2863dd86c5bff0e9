"""The training loop of all methods: compiled chunks of updates, with an evaluation after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import jax
import numpy as np

from imitbench.core import ops
from imitbench.core.checks import as_keys, check_shapes
from imitbench.core.types import Algorithm, Env, Key, Metrics, Spec, Transition
from imitbench.training.evaluation import Eval, append_evaluation, observation_noise
from imitbench.training.parts import part_count
from imitbench.training.program import SeedsBy, TrainState, abstract_state, compile_program
from imitbench.utils.errors import UserError
from imitbench.utils.runtime import check_arithmetic

__all__ = ["Eval", "SeedsBy", "TrainState", "abstract_state", "train"]


def train(
    algo: Algorithm,
    demos: Transition,
    keys: Key | Sequence[int],
    *,
    env: Env,
    num_updates: int,
    num_evals: int,
    eval_episodes: int,
    eval_keys: Key | None = None,
    obs_noise: float = 0.0,
    evaluate_first: bool = False,
    seeds_by: SeedsBy = "auto",
    resume: tuple[TrainState, Eval] | None = None,
    on_eval: Callable[[TrainState, Eval], None] | None = None,
    on_compiled: Callable[[], None] | None = None,
    on_part: Callable[[float], None] | None = None,
) -> tuple[TrainState, Eval]:
    """Trains one method on all seeds, and evaluates it at equal distances.

    Args:
        algo: the method.
        demos: leaves [N, ...], shared by the seeds, or [S, N, ...], one set for each seed.
        keys: [S], one for each seed, or S whole numbers; all randomness of a seed is derived from
            its key.
        env: where the policies are evaluated. The method itself uses what its `make` got.
        num_updates: outer iterations, a multiple of `num_evals`.
        num_evals: evaluations; the last one is after the last update.
        eval_episodes: episodes of each seed in an evaluation.
        eval_keys: [S], they decide the initial states of each seed, which are the same in all
            evaluations. Give each seed its own, and all methods the same: then seeds are
            independent replicates, and methods can be compared seed by seed. By default made from
            `keys`.
        obs_noise: Gaussian noise on what the policies see in evaluations, in standard deviations of
            the demonstrated observations; training does not see it.
        evaluate_first: also evaluate before the first update.
        seeds_by: `vmap` trains all seeds in one program; `threads` runs one program, compiled once,
            for each seed on as many threads as there are CPUs. `auto` chooses `threads` on a CPU,
            where it is faster (small products gain little from a second core), else `vmap`.
        resume: the last arguments of `on_eval`; training continues from there.
        on_eval: called after each evaluation with the state and all evaluations so far.
        on_compiled: called once, when the programs are compiled and training begins.
        on_part: called between evaluations with the share of the updates until the next one that
            has been done since the last call; on several threads at once.

    Returns:
        The final state and all evaluations.

    Raises:
        UserError: a setting of JAX is on that changes numbers, `num_updates` is not a positive
            multiple of `num_evals`, the keys are not one a seed, or an array of the demonstrations
            is missing, has another shape or type, or holds a non-finite number; `obs_noise` without
            demonstrations.
    """
    check_arithmetic()
    keys = as_keys(keys)
    _check(demos, env.spec, keys.shape[0], num_updates, num_evals)
    by = seeds_by
    if by == "auto":
        by = "threads" if jax.default_backend() == "cpu" else "vmap"
    if eval_keys is None:
        eval_keys = jax.vmap(lambda key: ops.fold_in_name(key, "evaluate"))(keys)
    started = time.perf_counter()
    length = num_updates // num_evals
    parts = part_count(algo.cost * length, length)
    noise = observation_noise(demos, obs_noise, keys.shape[0])
    program = compile_program(
        algo, demos, keys, env, length, eval_episodes, by, parts, obs_noise=noise
    )
    seconds = {"compile": time.perf_counter() - started, "train": 0.0, "evaluate": 0.0}
    if on_compiled is not None:
        on_compiled()
    if resume is None:
        started = time.perf_counter()  # some methods begin with gradient steps
        state, evals = jax.block_until_ready(program.init(keys, demos)), None
        seconds["train"] += time.perf_counter() - started
    else:
        state, evals = resume
        seconds = {k: v + evals.seconds.get(k, 0.0) for k, v in seconds.items()}

    def evaluate(state: TrainState, metrics: Metrics | None = None) -> Eval:
        started = time.perf_counter()
        episodes = jax.block_until_ready(program.evaluate(eval_keys, state))
        seconds["evaluate"] += time.perf_counter() - started
        with_it = append_evaluation(
            evals, state.updates, state.diverged, episodes, dict(seconds), metrics
        )
        if on_eval is not None:
            on_eval(state, with_it)
        return with_it

    if evaluate_first and evals is None:
        evals = evaluate(state)
    while int(state.updates) < num_updates:
        started = time.perf_counter()
        state, metrics = jax.block_until_ready(program.chunk(keys, state, demos, on_part))
        seconds["train"] += time.perf_counter() - started
        evals = evaluate(state, metrics)
    assert evals is not None
    return state, evals


def _check(demos: Transition, spec: Spec, seeds: int, num_updates: int, num_evals: int) -> None:
    if num_evals < 1 or num_updates < num_evals or num_updates % num_evals:
        raise UserError(
            f"num_updates={num_updates} must be a positive multiple of num_evals={num_evals}"
        )
    axes: dict[str, int | None] = {"rows": None}
    if np.ndim(demos.weight) == 2:
        axes = {"seeds": seeds, **axes}
    check_shapes(demos, spec, axes, "demonstrations")
    if not bool(ops.all_finite((demos.obs, demos.intended_action, demos.pose))):
        raise UserError(
            "the demonstrations hold a non-finite observation, intended action or pose: remove it"
        )
