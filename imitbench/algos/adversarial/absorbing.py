"""Absorbing states: what follows the end of an episode, so that its reward can be learned, too.

Source: Kostrikov et al. 2019 (arXiv:1809.02925), section 4. A terminated step leads to the
absorbing state, which leads to itself. Observations get one more component, which is 1 there and 0
elsewhere; the other components are 0 there, and the only action is 0.

Different from the source: the paper stores absorbing steps in the replay; here sampled steps are
turned into absorbing ones as often as if they were stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.bellman import IsAbsorbing
from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core.types import Key, Spec

BuildLearner = Callable[[Spec, IsAbsorbing | None], OffPolicyLearner]
"""(the task as the learner gets it, which observations are absorbing) -> the learner."""


class FlaggedSteps(struct.PyTreeNode):
    """Steps, some of which are absorbing ones.

    A terminated step leads to the absorbing state, and an absorbing step from there to itself.
    """

    obs: jax.Array  # [..., O] without the flag; not to be used where `absorbing`
    action: jax.Array | None  # [..., A], 0 in absorbing steps; None where it is not known
    absorbing: jax.Array  # [...] bool: whether the step begins in the absorbing state
    next_obs: jax.Array  # [..., O] without the flag; not to be used where `next_absorbing`
    next_absorbing: jax.Array  # [...] bool: whether the step ends there


def absorbing_share(terminated: jax.Array, real: jax.Array) -> jax.Array:
    """Share of absorbing steps, where each terminated step is followed by one.

    Args:
        terminated: [...] bool.
        real: [...] bool: which steps count.

    Returns:
        A scalar in [0, 1/2]: ends / (steps + ends).
    """
    ends = jnp.sum(terminated & real)
    return ends / jnp.maximum(jnp.sum(real) + ends, 1)


def make_absorbing(key: Key, rows: Experience, share: jax.Array) -> FlaggedSteps:
    """Turns a random `share` [] of the steps [N] into absorbing ones."""
    absorbing = jax.random.bernoulli(key, share, rows.reward.shape)
    return flag_steps(rows, absorbing)


def flag_steps(rows: Experience, absorbing: jax.Array) -> FlaggedSteps:
    """Turns the steps [N] that `absorbing` [N] bool marks into absorbing ones."""
    action = rows.action
    if action is not None:
        action = jnp.where(absorbing[..., None], 0.0, action)
    return FlaggedSteps(rows.obs, action, absorbing, rows.next_obs, rows.terminated | absorbing)


def with_flag(obs: jax.Array, absorbing: jax.Array) -> jax.Array:
    """Observations [..., O] with the flag [...] as one more component; the others are 0 where it is
    set."""
    flag = absorbing[..., None]
    return jnp.concatenate([jnp.where(flag, 0.0, obs), flag.astype(obs.dtype)], axis=-1)


def flagged_learner(spec: Spec, build_learner: BuildLearner) -> OffPolicyLearner:
    """Builds a learner on flagged observations, which acts on observations without the flag.

    Args:
        spec: the task.
        build_learner: makes the learner.

    Returns:
        A learner whose `learn` gets flagged observations [N, O + 1], and whose `explore` and `act`
        get those of the task [..., O].
    """
    flagged_spec = replace(spec, obs_size=spec.obs_size + 1)
    learner = build_learner(flagged_spec, lambda obs: obs[:, -1] > 0)

    def unset(obs: jax.Array) -> jax.Array:
        return with_flag(obs, jnp.zeros(obs.shape[:-1], bool))

    return OffPolicyLearner(
        learner.init,
        learner.learn,
        lambda key, state, obs: learner.explore(key, state, unset(obs)),
        lambda key, state, obs: learner.act(key, state, unset(obs)),
    )
