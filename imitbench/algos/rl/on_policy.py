"""What the on-policy learners share: collecting, advantages, the outer loop.

Advantages from Schulman et al. 2016 (arXiv:1506.02438), equation 16. Settings as in
Stable-Baselines3 and its tuned baselines: normalised observations and rewards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import distributions, nets, ops, policy_nets, unrolling
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Params, Spec, Transition
from imitbench.utils.errors import UserError

CLIP = 10.0  # on both sides, of normalised observations and rewards


@dataclass(frozen=True)
class Config:
    """Settings of every on-policy learner."""

    envs: int = 8
    """Environments that run beside each other."""
    length: int = 256
    """Steps of each environment between two rounds of learning."""
    epochs: int = 10
    """Passes over the collected steps."""
    minibatches: int = 32
    """Parts of a pass; must divide envs * length."""
    lr: float = 3e-4
    """Adam's step size (epsilon 1e-5)."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden tanh layers of policy and value."""
    log_std: float = field(default=0.0, metadata=ADDED_LATER)
    """Logarithm of the policy's standard deviation at the start."""
    discount: float = 0.99
    """Discount factor."""
    gae: float = 0.95
    """Lambda of the generalised advantage estimate."""
    normalise_obs: bool = True
    """Standardise observations by running moments, clipped to [-10, 10]."""
    normalise_reward: bool = True
    """Divide rewards by the running standard deviation of the discounted return, clipped to
    [-10, 10]."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "epochs", "minibatches", "lr"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("discount", "gae"):
            require_share(self, name)
        total = self.envs * self.length
        if total % self.minibatches or total == self.minibatches:
            raise UserError(
                f"minibatches={self.minibatches}: must divide envs * length = {total} into parts "
                "of 2 or more"
            )


class Core(struct.PyTreeNode):
    """What is learned, without the environments that it learns in."""

    params: Params
    opt_state: Any
    obs_moments: ops.Moments
    return_moments: ops.Moments
    returns: jax.Array  # [B] running discounted return, for the scale of rewards


class State(struct.PyTreeNode):
    core: Core
    running: unrolling.RunningEpisodes


class OnPolicyLearner(NamedTuple):
    """A method apart from its environment, for methods that make the reward themselves.

    init(key) -> Core; explore(core) -> Policy; learn(key, core, steps [T, B]) -> (core, metrics);
    act as in `Algorithm`. `steps.intended_action` are the actions before they were clipped.
    """

    init: Callable[[Key], Core]
    explore: Callable[[Core], Callable[[Key, jax.Array], jax.Array]]
    learn: Callable[[Key, Core, Transition], tuple[Core, Metrics]]
    act: Callable[[Key, Core, jax.Array], jax.Array]
    grad_steps: int  # of one `learn`


def networks(config: Config, spec: Spec) -> tuple[policy_nets.PolicyNet, nets.ValueNet]:
    """Policy and value; their parameters are `Core.params["policy"]` and `["value"]`."""
    head = "categorical" if spec.discrete else "normal"
    policy = policy_nets.policy(
        spec, config.hidden, head, activation="tanh", out_gain=0.01, log_std=config.log_std
    )
    return policy, nets.value(spec, config.hidden, "tanh")


def standardise_obs(config: Config, core: Core, obs: jax.Array) -> jax.Array:
    """Observations as the networks get them."""
    return core.obs_moments.normaliser()(obs, CLIP) if config.normalise_obs else obs


def reward_scale(config: Config, core: Core) -> jax.Array:
    """[] what rewards are multiplied by."""
    if not config.normalise_reward:
        return jnp.float32(1.0)
    return 1.0 / jnp.sqrt(core.return_moments.var[0] + 1e-8)


class PolicyUpdate(NamedTuple):
    """How policy and value learn from collected steps.

    init(params) -> opt_state; step(key, params, opt_state, data) -> (params, opt_state, metrics)
    with data [N, ...]: obs (as the networks get them), action, log_prob, advantage, return.
    """

    init: Callable[[Params], Any]
    step: Callable[[Key, Params, Any, dict[str, jax.Array]], tuple[Params, Any, Metrics]]
    grad_steps: int  # of one `step`


def standardise(advantage: jax.Array) -> jax.Array:
    """With mean 0 and standard deviation 1."""
    return (advantage - jnp.mean(advantage)) / (jnp.std(advantage, ddof=1) + 1e-8)


def minibatches(config: Config, key: Key, size: int) -> jax.Array:
    """Indices [epochs * minibatches, size / minibatches] of `epochs` passes, each in a new
    order."""
    orders = jax.vmap(lambda k: jax.random.permutation(k, size))
    index = orders(jax.random.split(key, config.epochs))
    return index.reshape(config.epochs * config.minibatches, -1)


def learner(config: Config, spec: Spec, improve: PolicyUpdate) -> OnPolicyLearner:
    """A method that learns from advantages, by its way to improve."""
    policy, critic = networks(config, spec)

    def init(key: Key) -> Core:
        k_policy, k_value = jax.random.split(key)
        params = {"policy": policy.init(k_policy), "value": critic.init(k_value)}
        moments = ops.empty_moments(spec.obs_size), ops.empty_moments(1)
        return Core(params, improve.init(params), *moments, jnp.zeros(config.envs))

    def scaled(core: Core, steps: Transition) -> tuple[Core, jax.Array]:
        """Rewards [T, B] in units of the return's standard deviation."""
        if not config.normalise_reward:
            return core, steps.reward

        def add(ret: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            ret = config.discount * ret + x[0]
            return jnp.where(x[1], 0.0, ret), ret

        ended = steps.terminated | steps.truncated
        returns, seen = jax.lax.scan(add, core.returns, (steps.reward, ended))
        moments = core.return_moments.add(seen.reshape(-1, 1))
        core = core.replace(returns=returns, return_moments=moments)
        return core, jnp.clip(steps.reward * reward_scale(config, core), -CLIP, CLIP)

    def learn(key: Key, core: Core, steps: Transition) -> tuple[Core, Metrics]:
        core, reward = scaled(core, steps)
        obs, next_obs = (
            standardise_obs(config, core, steps.obs),
            standardise_obs(config, core, steps.next_obs),
        )
        value = critic.apply(core.params["value"], obs)
        next_value = critic.apply(core.params["value"], next_obs)
        ends = steps.terminated, steps.truncated
        adv = ops.advantages(reward, value, next_value, *ends, config.discount, config.gae)
        dist = policy.apply(core.params["policy"], obs)
        assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
        data = {
            "obs": obs,
            "action": steps.intended_action,
            "log_prob": dist.log_prob(steps.intended_action),
            "advantage": adv,
            "return": adv + value,
        }
        total = adv.size
        data = jax.tree.map(lambda x: x.reshape(total, *x.shape[2:]), data)

        params, opt_state, metrics = improve.step(key, core.params, core.opt_state, data)
        # Only now: what was collected is learned from as it was seen when it was collected.
        moments = core.obs_moments.add(steps.obs.reshape(total, -1))
        core = core.replace(params=params, opt_state=opt_state, obs_moments=moments)
        return core, metrics | {"reward": jnp.mean(steps.reward)}

    def explore(core: Core) -> Callable[[Key, jax.Array], jax.Array]:
        def sample(key: Key, obs: jax.Array) -> jax.Array:
            dist = policy.apply(core.params["policy"], standardise_obs(config, core, obs))
            assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
            return dist.sample(key)

        return sample

    def act(key: Key, core: Core, obs: jax.Array) -> jax.Array:
        mode = policy.apply(core.params["policy"], standardise_obs(config, core, obs)).mode
        return mode if spec.discrete else jnp.clip(mode, -1.0, 1.0)

    return OnPolicyLearner(init, explore, learn, act, improve.grad_steps)


def export(config: Config, spec: Spec, state: State) -> policy_nets.MLPPolicy:
    """The policy of one seed, for a file of its own; continuous actions only."""
    core = state.core
    moments = core.obs_moments if config.normalise_obs else ops.empty_moments(spec.obs_size)
    return policy_nets.export_mlp(
        core.params["policy"]["net"],
        moments.normaliser(),
        CLIP if config.normalise_obs else float("inf"),
        activation="tanh",
        head="clip",
    )


def make(config: Config, env: Env, rule: OnPolicyLearner) -> Algorithm:
    """The learner on the task's own reward; demonstrations are not looked at. One update collects
    `envs` * `length` steps and learns from them."""

    def init(key: Key, demos: Transition) -> State:
        k_core, k_env = jax.random.split(key)
        return State(rule.init(k_core), unrolling.start_episodes(env, k_env, config.envs))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_learn = jax.random.split(key)
        actor = rule.explore(state.core)
        running, steps, _ = unrolling.unroll(env, actor, k_env, state.running, config.length)
        core, metrics = rule.learn(k_learn, state.core, steps)
        return State(core, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return rule.act(key, state.core, obs)

    cost = Cost(env_steps=config.envs * config.length, grad_steps=rule.grad_steps)
    return Algorithm(init, update, act, cost)
