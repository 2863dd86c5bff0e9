"""Demonstrations whose goals are replaced by what the episode achieved later, for clones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp

from imitbench.algos.cloning.pairs import Pairs
from imitbench.algos.common import hindsight
from imitbench.core import buffer, ops
from imitbench.core.streamed import is_streamed
from imitbench.core.types import Key, Spec, Transition
from imitbench.utils.errors import UserError

Draw = Callable[[Key, int], Any]
"""(key, n) -> n pairs, or windows of them."""


@dataclass(frozen=True)
class Relabeller:
    """Takes goals of demonstrations from later states of the same episode."""

    spec: Spec
    """The task, with goals."""
    share: float
    """Share of the rows that get a new goal, in (0, 1]; the others keep theirs."""
    draws: Literal["rows", "pairs"] = "rows"
    """rows: all rows are drawn equally often, then one of their goals. pairs: all pairs of a row
    and a goal are equally likely, so that early rows are drawn more often."""
    steps_left: bool = False
    """Whether the number of steps to the goal is an input."""

    @property
    def seen_spec(self) -> Spec:
        """The sizes of what the policy sees."""
        extra = self.spec.horizon if self.steps_left else 0
        return replace(self.spec, obs_size=self.spec.obs_size + extra)

    def see(self, obs: jax.Array, steps: jax.Array) -> jax.Array:
        """What the policy sees of observations [..., O] with their goals `steps` [...] away."""
        if not self.steps_left:
            return obs
        return jnp.concatenate([obs, hindsight.steps_left_code(steps, self.spec.horizon)], axis=-1)

    def relabel(self, key: Key, demos: Transition, rest: jax.Array, index: jax.Array) -> Pairs:
        """Rows with new goals.

        Args:
            key: random key.
            demos: rows [N] of whole episodes.
            rest: [N] how many rows of the episode follow each.
            index: [M] the rows to return.

        Returns:
            Pairs [M]. A row with a new goal has the executed action, which led to it; a row that
            keeps its goal has the intended action, and the end of its episode counts as the time of
            its goal.
        """
        k_later, k_coin = jax.random.split(key)
        later = hindsight.later_rows(k_later, index, rest[index])
        goal = hindsight.achieved_goal(buffer.take(demos.next_obs, later), self.spec)
        new = jax.random.bernoulli(k_coin, self.share, index.shape)
        obs = demos.obs[index]
        relabelled = hindsight.with_goal(obs, goal, self.spec)
        obs = jnp.where(new[:, None], relabelled, obs)
        steps = jnp.where(new, later - index, rest[index]) + 1
        action, intended = demos.action[index], demos.intended_action[index]
        chosen = new.reshape(new.shape + (1,) * (action.ndim - 1))
        target = jnp.where(chosen, action, intended)
        return Pairs(self.see(obs, steps), target, demos.weight[index])

    def copy(self, demos: Transition) -> Transition:
        """The demonstrations [N], each row with one new goal (always the same), for normalisers
        and validation.

        Raises:
            UserError: the data stay in files.
        """
        if is_streamed(demos.obs):
            raise UserError(
                f"relabel={self.share:g}: goals of data that stay in files are not relabelled; "
                "leave stream out, or set relabel=0"
            )
        rest = buffer.find_episodes(demos).rest
        key = ops.fold_in_name(jax.random.key(0), "copy")
        pairs = self.relabel(key, demos, rest, jnp.arange(len(demos.weight)))
        return demos.replace(obs=pairs.obs, intended_action=pairs.target)

    def sampler(self, demos: Transition, weight: jax.Array) -> Draw:
        """Builds a function that draws rows of positive weight with new goals.

        Args:
            demos: rows [N] of whole episodes.
            weight: [N]; rows of weight 0 are not drawn, but goals may come from them.
        """
        rest = buffer.find_episodes(demos).rest
        real, count = buffer.real_rows(weight)
        edges = hindsight.row_edges(weight, rest)

        def draw(key: Key, batch: int) -> Pairs:
            k_row, k_goal = jax.random.split(key)
            if self.draws == "pairs":
                index = hindsight.draw_first_rows(k_row, edges, batch)
            else:
                index = real[jax.random.randint(k_row, (batch,), 0, count)]
            return self.relabel(k_goal, demos, rest, index)

        return draw
