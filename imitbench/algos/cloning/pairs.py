"""Demonstrations as pairs to train on and pairs that are held out."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.algos.cloning import held_out
from imitbench.algos.cloning.bc_config import Config
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.algos.cloning.memory.windows import Pairs, steps_of_episodes
from imitbench.core import buffer
from imitbench.core.types import Spec, Transition

__all__ = ["Pairs", "best_weight", "split"]


def best_weight(share: float, demos: Transition) -> jax.Array:
    """The weights [N] of demonstrations [N], 0 in all but the episodes with the highest returns.

    Args:
        share: of the episodes, whatever their lengths, above 0 and rounded up; episodes with equal
            returns count in the order of the data.
        demos: rows [N] of whole episodes.
    """
    episode = buffer.find_episodes(demos)
    used = jnp.arange(len(demos.weight)) < episode.used
    number = jnp.where(used, episode.episode, len(demos.weight))  # out of range, so not summed
    rewards = jnp.where(used, demos.reward, 0.0)
    returns = jax.ops.segment_sum(rewards, number, len(demos.weight))
    exists = jnp.arange(len(returns)) < episode.count
    order = jnp.argsort(-jnp.where(exists, returns, -jnp.inf), stable=True)
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(len(order)))
    kept = jnp.ceil(share * episode.count - 1e-4)  # 0.1 * 30 is more than 3 in floating point
    return jnp.where(used & (rank[episode.episode] < kept), demos.weight, 0.0)


def split(config: Config, spec: Spec, demos: Transition) -> tuple[Pairs, Pairs | None]:
    """Splits demonstrations [N] into the pairs to train on and those of the held-out last episodes.

    Where the held-out episodes may have different numbers of rows, both have as many rows as they
    may need, some of weight 0. The latter are None where no episode is held out.

    Raises:
        UserError: the policy's memory is longer than any episode.
    """
    longest = demos.sizes.longest if demos.sizes else None
    memory_config.check(config.memory, spec, longest)
    if config.best_share < 1:
        demos = demos.replace(weight=best_weight(config.best_share, demos))
    steps = steps_of_episodes(demos) if config.memory.used else None
    pairs = Pairs(demos.obs, demos.intended_action, demos.weight, steps)
    held = held_out.find(config.validation, spec, demos)
    if held is None:
        return pairs, None
    train = pairs.replace(weight=jnp.where(held.mask, 0.0, demos.weight))
    if held.exact:
        train = buffer.select(train, jnp.arange(len(demos.weight) - held.size))
    rest = pairs.replace(weight=jnp.where(held.mask, demos.weight, 0.0))
    return train, buffer.select(rest, held.begin + jnp.arange(held.size))
