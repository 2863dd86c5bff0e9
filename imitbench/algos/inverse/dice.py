"""Shared code of DemoDICE and SMODICE: demonstrations and extra data, and no environment.

The data are rows of demonstrations and of extra data (`Transition.extra`); all data are both. A
discriminator learns the reward, a value function the dual of the problem in `dice_losses`, and the
policy clones all data with the weights that follow.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.adversarial import discriminator
from imitbench.algos.adversarial.absorbing import absorbing_share, make_absorbing, with_flag
from imitbench.algos.adversarial.dac_loop import pair_discriminator
from imitbench.algos.adversarial.discriminator import Discriminator
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.inverse import dice_losses
from imitbench.algos.inverse.dice_config import Config
from imitbench.algos.inverse.dice_data import Samplers, demo_mask, samplers
from imitbench.algos.inverse.dice_networks import (
    Networks,
    networks_of,
    policy_loss,
    value_loss,
)
from imitbench.algos.rl import sac
from imitbench.core import buffer, ops
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Transition

NEVER = -1e9  # the advantage of a step that is not cloned
FLOOR = 1e-3  # the least standard deviation by which observations are divided


class State(struct.PyTreeNode):
    """`params` holds "value", "policy" and "log_bonus"; `opt_state` has Adam's state of each."""

    params: dict[str, Params]
    opt_state: dict[str, Any]
    classifier: discriminator.State
    norm: ops.Normaliser  # of all data
    demo_share: jax.Array  # [] share of absorbing steps among the demonstrations
    share: jax.Array  # [] the same of all data


class Learner(NamedTuple):
    """The gradient steps; all methods are pure functions."""

    config: Config
    spec: Spec
    networks: Networks
    classifier: Discriminator

    @property
    def opts(self) -> dict[str, optax.GradientTransformation]:
        """The optimisers by the names of the parameters."""
        c = self.config
        value = optax.chain(optax.add_decayed_weights(c.value_l2), optax.adam(c.value_lr))
        return {
            "value": value,
            "policy": optax.adam(c.policy_lr),
            "log_bonus": optax.adam(c.policy_lr),
        }

    def init(self, key: Key, demos: Transition) -> State:
        """The state before the first update; the discriminator is pretrained."""
        k_value, k_policy, k_classifier, k_pretrain = jax.random.split(key, 4)
        params = {
            "value": self.networks.value.init(k_value),
            "policy": self.networks.policy.init(k_policy),
            "log_bonus": jnp.float32(0.0),
        }
        places, mask = buffer.find_episodes(demos), demo_mask(demos)
        recorded = jnp.arange(mask.size) < places.used
        is_demo = recorded if demos.extra is None else recorded & ~demos.extra
        # Ends of episodes count as before the data were thinned.
        shares = [self.share(demos.terminated, x) for x in (is_demo, recorded)]
        classified = self.classifier.init(k_classifier, demos.obs, demos.weight)
        state = State(
            params,
            {k: self.opts[k].init(v) for k, v in params.items()},
            classified,
            ops.fit_normaliser(demos.obs, demos.weight, FLOOR),
            *shares,
        )
        if not self.config.pretrain:
            return state
        return self.train_classifier(k_pretrain, state, samplers(demos), self.config.pretrain)[0]

    def share(self, terminated: jax.Array, real: jax.Array) -> jax.Array:
        """`absorbing_share`; 0 without absorbing states."""
        return absorbing_share(terminated, real) if self.config.absorbing else jnp.float32(0.0)

    def train_classifier(
        self, key: Key, state: State, draw: Samplers, steps: int
    ) -> tuple[State, Metrics]:
        """Gradient steps of the discriminator: demonstrations against all data."""

        def demonstrated(key: Key, n: int) -> Any:
            k_rows, k_absorbing = jax.random.split(key)
            return make_absorbing(k_absorbing, draw.demos(k_rows, n), state.demo_share)

        def any_step(key: Key, n: int) -> Any:
            k_rows, k_absorbing = jax.random.split(key)
            return make_absorbing(k_absorbing, draw.all_data(k_rows, n).steps, state.share)

        config = replace(self.classifier.config, steps=steps)
        fit = replace(self.classifier, config=config).fit
        classified, metrics = fit(key, state.classifier, demonstrated, any_step)
        return state.replace(classifier=classified), metrics

    def network_obs(self, obs: jax.Array, absorbing: jax.Array) -> jax.Array:
        """Normalised observations as the value gets them: with the flag, if there are absorbing
        states."""
        return with_flag(obs, absorbing) if self.config.absorbing else obs

    def prepare(self, key: Key, state: State, steps: Experience) -> tuple[Experience, jax.Array]:
        """Steps of all data with the discriminator's rewards, as the value gets them, and which of
        them are absorbing [N]."""
        flagged = make_absorbing(key, steps, state.share)
        reward = self.classifier.reward(state.classifier, flagged)
        if self.config.reward_bounds:
            reward = jnp.clip(reward, *self.config.reward_bounds)
        ended = steps.terminated | flagged.absorbing
        steps = steps.replace(
            obs=self.network_obs(state.norm(steps.obs, jnp.inf), flagged.absorbing),
            next_obs=self.network_obs(state.norm(steps.next_obs, jnp.inf), ended),
            reward=reward,
            terminated=steps.terminated & (not self.config.absorbing),
        )
        return steps, flagged.absorbing

    def step(self, draw: Samplers, state: State, key: Key) -> tuple[State, Metrics]:
        """One gradient step of everything that learns."""
        k_classifier, k_rows, k_initial, k_absorbing = jax.random.split(key, 4)
        config, metrics = self.config, {}
        if config.learns_along:
            state, metrics = self.train_classifier(
                k_classifier, state, draw, config.discriminator.steps
            )
        rows = draw.all_data(k_rows, config.batch)
        steps, absorbing = self.prepare(k_absorbing, state, rows.steps)
        initial = state.norm(draw.initial(k_initial, config.batch), jnp.inf)
        initial = self.network_obs(initial, jnp.zeros(config.batch, bool))
        optimiser = ops.Optimiser(self.opts, state.params, state.opt_state)
        value = partial(self.networks.value.apply, state.params["value"])
        advantage = dice_losses.advantages(
            steps.reward, value(steps.obs), value(steps.next_obs), steps.terminated, config.discount
        )
        # No action is to be learned in the absorbing state, and the others share all weight.
        living = jnp.where(absorbing, NEVER, advantage)
        weight = dice_losses.weights(config.divergence, config.alpha, living)
        weight = jnp.where(absorbing, 0.0, weight)
        bonus = jnp.exp(state.params["log_bonus"]) if config.entropy else jnp.float32(0.0)
        obs = state.norm(rows.steps.obs, jnp.inf)
        optimiser.step("value", partial(value_loss, self.networks, config), steps, initial)
        optimiser.step(
            "policy", partial(policy_loss, self.networks), obs, rows.steps.action, weight, bonus
        )
        if config.entropy:
            target = config.target_entropy * self.spec.action_size
            descend = partial(sac.temperature_loss, target)
            optimiser.step("log_bonus", descend, optimiser.metrics["entropy"])
        state = state.replace(params=optimiser.params, opt_state=optimiser.opt_state)
        counted = [x & ~absorbing for x in (rows.is_demo, ~rows.is_demo)]
        return state, metrics | optimiser.metrics | describe(steps.reward, weight, *counted)


def describe(
    reward: jax.Array, weight: jax.Array, is_demo: jax.Array, is_extra: jax.Array
) -> Metrics:
    """Mean rewards and weights [N] of demonstrated steps and of the others; 0 for none."""
    masks = {"demos": is_demo.astype(jnp.float32), "extra": is_extra.astype(jnp.float32)}
    rewards = {f"reward_{k}": ops.weighted_mean(reward, m) for k, m in masks.items()}
    return rewards | {f"weight_{k}": ops.weighted_mean(weight, m) for k, m in masks.items()}


def make(config: Config, spec: Spec) -> Algorithm:
    """Builds the method.

    Args:
        config: settings.
        spec: of the task.

    Returns:
        The method. State: `State`.

    Raises:
        UserError: the task's actions are discrete.
    """
    reject_discrete(spec)
    networks = networks_of(config, spec)
    classifier = pair_discriminator(config.discriminator, spec, config.absorbing)
    learner = Learner(config, spec, networks, classifier)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        keys = jax.random.split(key, config.steps)
        state, metrics = jax.lax.scan(partial(learner.step, samplers(demos)), state, keys)
        return state, jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.params["policy"], state.norm(obs, jnp.inf)).mode

    per_step = 1 + config.learns_along * config.discriminator.steps
    cost = Cost(grad_steps=config.steps * per_step, grad_step_offset=-config.pretrain)
    return Algorithm(learner.init, update, act, cost)
