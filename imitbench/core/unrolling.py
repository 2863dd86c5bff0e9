"""Unrolling: environments that go on from call to call, as training collects its experience."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import buffer, ops
from imitbench.core.actor import as_actor
from imitbench.core.rollout import select, split_decision
from imitbench.core.types import Actor, Env, EnvState, Key, Policy, Poses, Transition
from imitbench.utils.errors import UserError


class RunningEpisodes(struct.PyTreeNode):
    """B environments in the middle of their episodes."""

    env: EnvState  # leaves [B, ...]
    t: jax.Array  # [B] int32: steps done in the current episode
    memory: Any = ()  # of the actor, leaves [B, ...]


class ResetStates(NamedTuple):
    """Where episodes begin beside the task's own initial states."""

    reset_to: Callable[[jax.Array], EnvState]  # of a pose
    draw: Callable[[Key, int], jax.Array]  # (key, n) -> poses [n, P]
    share: float  # of the episodes


def demo_resets(env: Env, demos: Transition, share: float) -> ResetStates | None:
    """Starts at demonstrated steps [N], drawn uniformly; None for a share of 0.

    Raises:
        UserError: the environment cannot begin there, or no pose has been recorded.
    """
    if not share:
        return None
    if not isinstance(env, Poses):
        raise UserError(f"resets={share}: {env.name} cannot begin at a demonstrated state; set 0")
    if not demos.weight.shape[-1]:
        raise UserError(f"resets={share}: there are no demonstrations of {env.name}; set 0")
    if demos.pose is None:
        raise UserError(
            f"resets={share}: the demonstrations of {env.name} say nothing of the physics; collect "
            "them with `imitbench demos`, or set 0"
        )
    size = jax.eval_shape(lambda: env.pose(env.reset(jax.random.key(0)))).shape[0]
    if demos.pose.shape[-1] != size:
        raise UserError(
            f"resets={share}: the demonstrations' poses have {demos.pose.shape[-1]} numbers, those "
            f"of {env.name} {size}; collect them again, or set 0"
        )
    return ResetStates(env.reset_to, buffer.real_row_sampler(demos.pose, demos.weight), share)


def start_episodes(
    env: Env,
    key: Key,
    num: int,
    starts: ResetStates | None = None,
    actor: Actor | None = None,
) -> RunningEpisodes:
    """`num` environments at the start of an episode, with the memory of the actor, if one is
    given, at its start."""
    state, t = jax.vmap(env.reset)(jax.random.split(key, num)), jnp.zeros(num, jnp.int32)
    if starts:
        k_coin, k_pose = jax.random.split(jax.random.fold_in(key, num))
        there = jax.random.bernoulli(k_coin, jnp.float32(starts.share), (num,))
        state = select(there, jax.vmap(starts.reset_to)(starts.draw(k_pose, num)), state)
    memory = actor.start(ops.fold_in_name(key, "start"), state) if actor else ()
    return RunningEpisodes(state, t, memory)


def unroll(
    env: Env,
    actor: Actor | Policy,
    key: Key,
    running: RunningEpisodes,
    length: int,
    starts: ResetStates | None = None,
) -> tuple[RunningEpisodes, Transition, jax.Array]:
    """Goes on for `length` steps; an episode that ends is followed by one from a fresh start, or
    from one of `starts`, where the actor's memory starts anew.

    Continuous actions are executed clipped to [-1, 1]; `intended_action` holds them as the actor
    gave them. A non-finite action is executed as 0.

    Returns:
        The environments afterwards; Transition with leaves [T, B], all of weight 1, whose
        `next_obs` is the true successor, also where the episode ended; and the step's number in its
        episode [T, B] (0 is the first).
    """
    num, actor = running.t.shape[0], as_actor(actor)

    def step(
        now: RunningEpisodes, key: Key
    ) -> tuple[RunningEpisodes, tuple[Transition, jax.Array]]:
        k_act, k_reset = jax.random.split(key)
        action, memory = actor.act(k_act, now.memory, now.env)
        action, intended = split_decision(action)
        if jnp.issubdtype(action.dtype, jnp.floating):
            action = jnp.clip(action, -1.0, 1.0)
        new = jax.vmap(env.step)(now.env, action)
        terminated = new.done > 0
        truncated = ~terminated & (now.t + 1 >= env.spec.horizon)
        row = Transition(
            obs=now.env.obs,
            action=action,
            intended_action=intended,
            reward=new.reward,
            next_obs=new.obs,
            terminated=terminated,
            truncated=truncated,
            success=new.metrics.get("success", jnp.zeros(num)) > 0,
            weight=jnp.ones(num),
        )
        ended = terminated | truncated
        fresh = start_episodes(env, k_reset, num, starts, actor)
        return select(ended, fresh, RunningEpisodes(new, now.t + 1, memory)), (row, now.t)

    running, (steps, t) = jax.lax.scan(step, running, jax.random.split(key, length))
    return running, steps, t
