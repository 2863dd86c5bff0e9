"""BCO: cloning without demonstrated actions, which a model of the own steps guesses.

A model a = M(s, s') learns from own steps which action leads from one observation to the next. It
labels the demonstrated steps, and BC learns from the labels. An update is a round of this: more own
steps, the model, the labels, BC. The metric `label_error` compares the labels with the executed
actions, where the demonstrations have these; the method itself does not use them.

Source: Torabi, Warnell and Stone 2018 (arXiv:1805.01954), Algorithm 1: BCO(alpha). The steps of
`random_rounds` are those before the demonstrations, |I_pre|, and each later round has a share
alpha = 1 / `random_rounds` of them. `rounds` equal to `random_rounds` is BCO(0).

Different from the source: the policy is BC's, deterministic by default, and explores with `noise`;
the model sees s' - s in place of s', from which s' follows; both networks have ReLU layers on
normalised inputs and continue from round to round; the own steps of a round are of fixed number.

Use it when demonstrations lack actions, and random steps, or those of an imperfect policy, visit
what the demonstrator does.

Sensitive to: whether own steps cover the demonstrated transitions (`random_rounds`, `noise`), the
model's `inverse.fields` (parts that no action moves, such as goals, are better left out), and all
that `bc` is sensitive to.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning import bc, inverse_dynamics
from imitbench.algos.cloning.bco_config import Config
from imitbench.algos.cloning.inverse_dynamics import InverseModel
from imitbench.algos.common.successors import known_successors
from imitbench.core import buffer, ops, unrolling
from imitbench.core.types import (
    Algorithm,
    Cost,
    Env,
    Key,
    Metrics,
    Policy,
    Spec,
    Traits,
    Transition,
)

__all__ = ["Config", "State", "make"]
TRAITS = Traits(needs_actions=False)


class State(struct.PyTreeNode):
    """What is learned, and the own steps."""

    clone: bc.State
    inverse: bc.State
    data: buffer.Ring  # of `bc.Pairs`: the model's inputs with the executed actions
    running: unrolling.RunningEpisodes
    updates: jax.Array  # [] their number so far


def random_action(key: Key, spec: Spec, lead: tuple[int, ...]) -> jax.Array:
    """Uniformly random actions [*lead, A] in [-1, 1], or choices [*lead]."""
    if spec.discrete:
        return jax.random.randint(key, lead, 0, spec.action_size)
    return jax.random.uniform(key, (*lead, spec.action_size), minval=-1.0, maxval=1.0)


def exploring_policy(config: Config, spec: Spec, policy: Policy, random: jax.Array) -> Policy:
    """The policy that collects.

    Args:
        config: settings.
        spec: the task.
        policy: the clone.
        random: [] bool; all actions are random.

    Returns:
        The clone with noise, or random actions.
    """

    def act(key: Key, obs: jax.Array) -> jax.Array:
        k_policy, k_random, k_noise = jax.random.split(key, 3)
        action = policy(k_policy, obs)
        other = random_action(k_random, spec, obs.shape[:-1])
        if spec.discrete:
            coin = jax.random.bernoulli(k_noise, config.noise, action.shape)
            return jnp.where(random | coin, other, action)
        action = action + config.noise * jax.random.normal(k_noise, action.shape)
        return jnp.where(random, other, action)

    return act


def labelled(model: InverseModel, key: Key, state: bc.State, demos: Transition) -> Transition:
    """Demonstrations [N] with the model's actions in place of the demonstrator's."""
    labels = model.label(key, state, demos)
    return demos.replace(action=labels, intended_action=labels)


class Setup(NamedTuple):
    """The parts of the method."""

    config: Config
    spec: Spec
    env: Env
    learner: bc.SupervisedLearner
    model: InverseModel


def initial_state(setup: Setup, key: Key, demos: Transition) -> State:
    """The untrained state; of the demonstrations [N] the observations count alone."""
    config, spec = setup.config, setup.spec
    k_clone, k_inverse, k_env = jax.random.split(key, 3)
    no_action = jnp.zeros_like(random_action(key, spec, demos.weight.shape))
    blank = demos.replace(action=no_action, intended_action=no_action)
    rows = setup.model.rows(blank)
    return State(
        clone=setup.learner.init(k_clone, bc.split(config.clone, spec, blank)[0]),
        inverse=setup.model.init(k_inverse, rows),
        data=buffer.ring(rows, config.capacity),
        running=unrolling.start_episodes(setup.env, k_env, config.envs),
        updates=jnp.int32(0),
    )


def collect(setup: Setup, key: Key, state: State) -> tuple[unrolling.RunningEpisodes, buffer.Ring]:
    """Adds a round's steps, `envs` * `length`, to the own ones."""
    config = setup.config

    def policy(key: Key, obs: jax.Array) -> jax.Array:
        return setup.learner.act(key, state.clone, obs)

    explore = exploring_policy(config, setup.spec, policy, state.updates < config.random_rounds)
    running, steps, _ = unrolling.unroll(setup.env, explore, key, state.running, config.length)
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), steps)
    return running, buffer.append(state.data, setup.model.rows(flat))


def fit_clone(
    setup: Setup, key: Key, clone: bc.State, demos: Transition
) -> tuple[bc.State, Metrics]:
    """`fits` updates of BC on labelled demonstrations [N]."""
    pairs, rest = bc.split(setup.config.clone, setup.spec, demos)

    def fit(clone: bc.State, key: Key) -> tuple[bc.State, Metrics]:
        return setup.learner.fit(key, clone, pairs)

    clone, metrics = jax.lax.scan(fit, clone, jax.random.split(key, setup.config.fits))
    clone, validation_metrics = setup.learner.validate(clone, rest)
    return clone, jax.tree.map(jnp.mean, metrics) | validation_metrics


def update(setup: Setup, key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
    """One round: own steps, the model, the labels, BC."""
    k_collect, k_inverse, k_clone = jax.random.split(key, 3)
    rounds, kept = setup.config.rounds, (state.running, state.data)
    if rounds:
        running, data = jax.lax.cond(
            state.updates < rounds, partial(collect, setup), lambda *_: kept, k_collect, state
        )
    else:
        running, data = collect(setup, k_collect, state)
    demos = known_successors(demos)
    inverse, inverse_metrics = setup.model.fit(k_inverse, state.inverse, data.rows)
    guess = labelled(setup.model, ops.fold_in_name(k_inverse, "label"), inverse, demos)
    clone, metrics = fit_clone(setup, k_clone, state.clone, guess)
    metrics |= inverse_metrics | {"rows": data.size.astype(jnp.float32)}
    if demos.action is not None:
        metrics["label_error"] = inverse_dynamics.label_error(
            setup.spec, guess.action, demos.action, demos.weight
        )
    return State(clone, inverse, data, running, state.updates + 1), metrics


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """BCO on the observations of the demonstrations; one update is one round. State: `State`."""
    learner = bc.supervised_learner(config.clone, spec, full_range=True)
    setup = Setup(config, spec, env, learner, inverse_dynamics.inverse_model(config.inverse, spec))

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.clone, obs)

    cost = Cost(
        env_steps=config.envs * config.length,
        grad_steps=config.inverse.steps + config.fits * config.clone.steps,
        collecting_updates=config.rounds or None,
    )
    calls = learner.network_calls
    return Algorithm(
        partial(initial_state, setup), partial(update, setup), act, cost, network_calls=calls
    )
