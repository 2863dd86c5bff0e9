"""Unrolling: environments that go on from call to call, for methods that learn online."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import buffer, ops
from imitbench.core.actor import as_actor
from imitbench.core.capabilities import Poses, SelectivePoses, SelectiveReset
from imitbench.core.rollout import select, split_decision
from imitbench.core.types import Actor, Env, EnvState, Key, Policy, Transition
from imitbench.utils.errors import UserError

RESETS_VERSION = 2  # 2: episodes that begin at demonstrated states begin before the goal


class RunningEpisodes(struct.PyTreeNode):
    """B environments in the middle of their episodes."""

    env: EnvState  # leaves [B, ...]
    t: jax.Array  # [B] int32: steps done in the current episode
    memory: Any = ()  # of the actor, leaves [B, ...]


class ResetStates(NamedTuple):
    """Further states in which episodes begin, beside the task's initial states."""

    reset_to: Callable[[jax.Array], EnvState]  # pose [P] -> state
    draw: Callable[[Key, int], jax.Array]  # (key, n) -> poses [n, P]
    share: float  # share of the episodes that begin there, in [0, 1]
    # (pose [P], needed [] bool) -> state, anything where it is not needed; None takes `reset_to`.
    reset_to_where: Callable[[jax.Array, jax.Array], EnvState] | None = None


def demo_resets(env: Env, demos: Transition, share: float) -> ResetStates | None:
    """Builds resets to demonstrated states, drawn uniformly over the steps before the goal.

    Steps of positive weight count that do not end at the goal: most of a successful demonstration
    stays there, and an episode that begins there has nothing to reach. Where all end at the goal,
    all count.

    Args:
        env: the environment.
        demos: the demonstrations, with leaves [N, ...] and poses [N, P].
        share: share of the episodes that begin in a demonstrated state, in [0, 1].

    Returns:
        The resets; None for a share of 0.

    Raises:
        UserError: the environment cannot begin in a given pose, there are no demonstrations, or
            their poses are missing or of another size.
    """
    if not share:
        return None
    if not isinstance(env, Poses):
        raise UserError(f"resets={share}: {env.name} cannot begin at a demonstrated state; set 0")
    if not demos.weight.shape[-1]:
        raise UserError(f"resets={share}: there are no demonstrations of {env.name}; set 0")
    if demos.pose is None:
        raise UserError(
            f"resets={share}: the demonstrations of {env.name} hold no poses; collect them with "
            "`imitbench demos`, or set 0"
        )
    size = jax.eval_shape(lambda: env.pose(env.reset(jax.random.key(0)))).shape[0]
    if demos.pose.shape[-1] != size:
        raise UserError(
            f"resets={share}: the demonstrations' poses have {demos.pose.shape[-1]} numbers, those "
            f"of {env.name} {size}; collect them again, or set 0"
        )
    selective = env.reset_to_where if isinstance(env, SelectivePoses) else None
    before = demos.weight * ~demos.success
    draw = buffer.real_row_sampler(demos.pose, jnp.where(jnp.any(before > 0), before, demos.weight))
    return ResetStates(env.reset_to, draw, share, selective)


def start_episodes(
    env: Env,
    key: Key,
    num: int,
    starts: ResetStates | None = None,
    actor: Actor | None = None,
    needed: jax.Array | None = None,
) -> RunningEpisodes:
    """Starts episodes in parallel environments.

    Args:
        env: one environment; this function vectorises it.
        key: random key.
        num: B, the number of environments.
        starts: further states in which episodes begin; by default only the task's own.
        actor: whose memory to start with; by default the memory is ().
        needed: [B] bool, which of the environments will be used; by default all.

    Returns:
        B environments at the start of an episode.
    """
    keys, t = jax.random.split(key, num), jnp.zeros(num, jnp.int32)
    if needed is not None and isinstance(env, SelectiveReset):
        state = jax.vmap(env.reset_where)(keys, needed)
    else:
        state = jax.vmap(env.reset)(keys)
    if starts:
        k_coin, k_pose = jax.random.split(jax.random.fold_in(key, num))
        coin = jax.random.bernoulli(k_coin, jnp.float32(starts.share), (num,))
        poses = starts.draw(k_pose, num)
        if starts.reset_to_where is not None and needed is not None:
            demonstrated = jax.vmap(starts.reset_to_where)(poses, coin & needed)
        else:
            demonstrated = jax.vmap(starts.reset_to)(poses)
        state = select(coin, demonstrated, state)
    memory = actor.start(ops.fold_in_name(key, "start"), state) if actor else ()
    return RunningEpisodes(state, t, memory)


def unroll(
    env: Env,
    actor: Actor | Policy,
    key: Key,
    running: RunningEpisodes,
    length: int,
    starts: ResetStates | None = None,
    *,
    end_at_success: bool = False,
) -> tuple[RunningEpisodes, Transition, jax.Array]:
    """Steps running environments; where an episode ends, the next one starts at once.

    Continuous actions are executed clipped to [-1, 1], and `intended_action` holds the actor's
    output before that. A non-finite action is executed as 0.

    Args:
        env: one environment; this function vectorises it.
        actor: acts in all environments at once. Its memory starts anew with each episode.
        key: random key, for the actor and for the starts of episodes.
        running: the environments [B] before.
        length: T, the number of steps.
        starts: further states in which episodes begin; by default only the task's own.
        end_at_success: terminate an episode at its first success, where the task does not.

    Returns:
        The environments [B] afterwards; Transition with leaves [T, B], all of weight 1, whose
        `next_obs` is the true successor, also where the episode ended; and the number of each step
        in its episode [T, B], from 0.
    """
    num, actor = running.t.shape[0], as_actor(actor)

    def step(
        before: RunningEpisodes, key: Key
    ) -> tuple[RunningEpisodes, tuple[Transition, jax.Array]]:
        k_act, k_reset = jax.random.split(key)
        decision, memory = actor.act(k_act, before.memory, before.env)
        action, intended = split_decision(decision)
        if jnp.issubdtype(action.dtype, jnp.floating):
            action = jnp.clip(action, -1.0, 1.0)
        new = jax.vmap(env.step)(before.env, action)
        success = new.metrics.get("success", jnp.zeros(num)) > 0
        terminated = (new.done > 0) | (success & end_at_success)
        truncated = ~terminated & (before.t + 1 >= env.spec.horizon)
        row = Transition(
            obs=before.env.obs,
            action=action,
            intended_action=intended,
            reward=new.reward,
            next_obs=new.obs,
            terminated=terminated,
            truncated=truncated,
            success=success,
            weight=jnp.ones(num),
        )
        ended = terminated | truncated
        fresh = start_episodes(env, k_reset, num, starts, actor, ended)
        after = select(ended, fresh, RunningEpisodes(new, before.t + 1, memory))
        return after, (row, before.t)

    running, (steps, t) = jax.lax.scan(step, running, jax.random.split(key, length))
    return running, steps, t
