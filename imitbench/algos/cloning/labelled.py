"""BC on demonstrations and on labels that a method makes of them before it learns."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning import bc
from imitbench.core import buffer
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Transition


class State(struct.PyTreeNode):
    """What is learned, and what from."""

    clone: bc.State
    labels: bc.Pairs  # [M] of weight 0 where a label was not kept
    report: Metrics  # about the labels; scalars


MakeLabels = Callable[[Key, Transition], tuple[bc.Pairs, Metrics]]
"""(key, demonstrated steps [N]) -> labels [M], of weight 0 where they are not kept; metrics."""


def training_steps(config: bc.Config, spec: Spec, demos: Transition) -> Transition:
    """The demonstrated steps that BC trains on, of weight 0 in episodes that it leaves out.

    Args:
        config: settings of BC, which say what is held out and left out.
        spec: the task.
        demos: rows [N] of whole episodes.

    Returns:
        Rows [<= N]: the demonstrations without held-out last rows, with BC's weights.
    """
    pairs, _ = bc.split(config, spec, demos)
    steps = buffer.select(demos, jnp.arange(pairs.weight.shape[0]))
    return steps.replace(weight=pairs.weight)


def kept_share(kept: jax.Array, exists: jax.Array) -> jax.Array:
    """The share [] of the labels that exist [M] which are kept [M]; 0 where none exists."""
    return jnp.sum(kept * exists) / jnp.maximum(jnp.sum(exists), 1)


def make(
    config: bc.Config, spec: Spec, make_labels: MakeLabels, cost: Cost, *, repeats: int
) -> Algorithm:
    """Builds a method that makes labels once, in its `init`, and then is BC on more rows.

    Observations are normalised as in BC, by the demonstrations alone.

    Args:
        config: settings of BC.
        spec: the task.
        make_labels: makes the labels of the steps that BC trains on.
        cost: of an update, and of what `init` does.
        repeats: how often each demonstrated step is among the rows, in which each label is once.

    Returns:
        The method. State: `State`.
    """
    learner = bc.supervised_learner(config, spec, full_range=True)

    def init(key: Key, demos: Transition) -> State:
        k_labels, k_clone = jax.random.split(key)
        labels, report = make_labels(k_labels, training_steps(config, spec, demos))
        clone = learner.init(k_clone, bc.split(config, spec, demos)[0])
        return State(clone, labels, report)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        pairs, rest = bc.split(config, spec, demos)
        rows = [pairs] * repeats + [state.labels]
        rows = jax.tree.map(lambda *x: jnp.concatenate(x), *rows)
        clone, metrics = learner.fit(key, state.clone, rows)
        clone, validation_metrics = learner.validate(clone, rest)
        return state.replace(clone=clone), metrics | state.report | validation_metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.clone, obs)

    return Algorithm(init, update, act, cost, network_calls=learner.network_calls)
