"""Tasks that come one after the other: one model for all, a new policy for each.

Source: Landolfi, Thomas and Ma 2019 (arXiv:1907.04964): a policy for a new task is warmed up in the
model of the earlier tasks, without real steps; then the model adapts to the steps of that policy.
"""

from __future__ import annotations

from typing import cast

import jax
import jax.numpy as jnp

from imitbench.algos.model_based.slbo import replay, stages
from imitbench.algos.model_based.slbo.stages import Setup, State
from imitbench.core.capabilities import Targets
from imitbench.core.types import Env, Key
from imitbench.utils.errors import UserError


def require_targets(env: Env) -> Targets:
    """Returns the environment, if it is one of a family with targets.

    Raises:
        UserError: it is not.
    """
    if not isinstance(env, Targets):
        raise UserError(
            f"{env.name} is no task of a family with targets, so that there are no earlier tasks: "
            "set sequence.tasks=0, or take such a task, such as HalfCheetah-speed-1"
        )
    return cast(Targets, env)


def start_task(setup: Setup, env: Env, key: Key, state: State) -> State:
    """Begins a task: a new policy and value, warmed up in the model, and real environments at the
    start of an episode. The model and the real steps of earlier tasks stay."""
    k_core, k_starts, k_warm, k_env = jax.random.split(key, 4)
    state = state.replace(core=setup.learner.init(k_core), replay=replay.cut(state.replay))
    starts = stages.initial_observations(env, k_starts)

    def warm_up(state: State, key: Key) -> tuple[State, None]:
        return stages.improve_policy(setup, env, key, state, starts)[0], None

    keys = jax.random.split(k_warm, setup.config.sequence.warm_up)
    state, _ = jax.lax.scan(warm_up, state, keys)
    running = stages.start_episodes(setup, env, k_env, state.core, state.moments)
    return state.replace(running=running)


def earlier_targets(family: Targets, key: Key, tasks: int) -> jax.Array:
    """Draws the targets [tasks] of the earlier tasks, uniformly from the family's range."""
    low, high = family.target_range
    return jax.random.uniform(key, (tasks,), minval=low, maxval=high)


def learn_earlier_tasks(setup: Setup, env: Env, key: Key, state: State) -> State:
    """Learns the earlier tasks, and begins the task of `env`.

    Args:
        setup: of the method.
        env: the last task.
        key: of the earlier targets, and of all else.
        state: an untrained one.

    Returns:
        The state whose policy has been warmed up for the task of `env`.
    """
    config, family = setup.config.sequence, require_targets(env)
    k_targets, k_first, k_tasks = jax.random.split(key, 3)
    targets = earlier_targets(family, k_targets, config.tasks)
    following = jnp.append(targets[1:], family.target)
    first = family.with_target(targets[0])
    running = stages.start_episodes(setup, first, k_first, state.core, state.moments)

    def learn_task(state: State, task: tuple[Key, jax.Array, jax.Array]) -> tuple[State, None]:
        key, target, next_target = task
        k_stages, k_next = jax.random.split(key)
        here, after = family.with_target(target), family.with_target(next_target)

        def run_stage(state: State, key: Key) -> tuple[State, None]:
            return stages.run(setup, here, key, state)[0], None

        state, _ = jax.lax.scan(run_stage, state, jax.random.split(k_stages, config.stages))
        return start_task(setup, after, k_next, state), None

    keys = jax.random.split(k_tasks, config.tasks)
    state = state.replace(running=running)
    return jax.lax.scan(learn_task, state, (keys, targets, following))[0]
