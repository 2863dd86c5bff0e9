"""Windows of demonstrations: what a policy with a memory sees at a step, and what it predicts."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning.memory.config import Config
from imitbench.core import buffer, ops
from imitbench.core.types import Key, Spec, Transition


class Steps(struct.PyTreeNode):
    """What windows need of rows beside observations and targets."""

    action: jax.Array  # [N, A] as executed; a choice is an integer [N]
    past: jax.Array  # [N] int32: rows of the same episode before this one
    rest: jax.Array  # [N] int32: rows of the same episode after this one


class Pairs(struct.PyTreeNode):
    """Observations with the actions to learn; of demonstrations, or of DAgger's aggregate."""

    obs: jax.Array  # [N, O]
    target: jax.Array  # [N, A] the actions to learn
    weight: jax.Array  # [N] 0 for rows that are not trained on
    steps: Steps | None = None  # for policies with a memory


class Windows(struct.PyTreeNode):
    """The windows of N rows."""

    obs: jax.Array  # [N, H, O] the oldest first
    previous: jax.Array  # [N, H, A] the executed action before each observation, 0 before the first
    target: jax.Array  # [N, J * A] the actions to predict, the oldest first; choices: [N]
    weight: jax.Array  # [N] of the rows


def steps_of_episodes(demos: Transition) -> Steps:
    """The steps of demonstrations [N]."""
    rows = buffer.find_episodes(demos)
    return Steps(demos.action, rows.t, rows.rest)


def steps_of_rollout(steps: Transition) -> Steps:
    """The steps [B * T] of episodes [T, B] of a rollout, one episode after the other."""
    length = jnp.sum(steps.weight > 0, axis=0)
    t = jnp.arange(steps.weight.shape[0])
    past = jnp.broadcast_to(t, (length.size, t.size))
    rest = jnp.maximum(length[:, None] - 1 - t, 0)
    action = jnp.swapaxes(steps.action, 0, 1)
    action = action.reshape(-1, *action.shape[2:])
    return Steps(action, past.reshape(-1).astype(jnp.int32), rest.reshape(-1).astype(jnp.int32))


def kept_steps(store: buffer.Ring, steps: Steps) -> Steps:
    """The steps of a store, whose oldest episode may have lost its first rows."""
    index = jnp.arange(store.capacity)
    age = (index - (store.written - store.size)) % store.capacity
    return steps.replace(past=jnp.minimum(steps.past, age))


def as_numbers(action: jax.Array, spec: Spec) -> jax.Array:
    """Actions [..., A] as a network sees them; choices [...] as one of A."""
    return jax.nn.one_hot(action, spec.action_size) if spec.discrete else action


def gather(config: Config, spec: Spec, pairs: Pairs, index: jax.Array) -> Windows:
    """Builds windows.

    Args:
        config: the memory.
        spec: the task.
        pairs: all rows [M], with their steps. An episode that reaches the last row may go on in the
            first one, as in a store.
        index: [N] the rows to build windows of.
    """
    steps = pairs.steps
    assert steps is not None
    total = len(steps.past)
    past, rest = steps.past[index][:, None], steps.rest[index][:, None]
    back = jnp.arange(config.history - 1, -1, -1)  # steps back from the present
    frames = (index[:, None] - jnp.minimum(back, past)) % total
    before = (index[:, None] - jnp.minimum(back + 1, past)) % total
    previous = as_numbers(steps.action[before], spec)
    previous = jnp.where((back + 1 <= past)[..., None], previous, 0.0)
    ahead = jnp.arange(-config.past_targets, config.chunk)
    rows = (index[:, None] + jnp.clip(ahead, -past, rest)) % total
    wanted = pairs.target[rows]
    wanted = wanted[:, 0] if spec.discrete else wanted.reshape(len(index), -1)
    return Windows(pairs.obs[frames], previous, wanted, pairs.weight[index])


def hide_past(key: Key, share: float, windows: Windows) -> Windows:
    """Hides the past of a share of windows [N]: they look as if the episode began there."""
    hidden = jax.random.bernoulli(key, share, (len(windows.obs), 1, 1))
    obs = jnp.where(hidden, windows.obs[:, -1:], windows.obs)
    return windows.replace(obs=obs, previous=jnp.where(hidden, 0.0, windows.previous))


def sampler(config: Config, spec: Spec, pairs: Pairs) -> Callable[[Key, int], Windows]:
    """Builds a function (key, batch) -> windows of rows [batch] of positive weight, whose past is
    hidden as often as the memory says."""
    draw = buffer.real_row_sampler(jnp.arange(len(pairs.weight)), pairs.weight)

    def sample(key: Key, batch: int) -> Windows:
        windows = gather(config, spec, pairs, draw(key, batch))
        if not config.dropout:
            return windows
        return hide_past(ops.fold_in_name(key, "past"), config.dropout, windows)

    return sample
