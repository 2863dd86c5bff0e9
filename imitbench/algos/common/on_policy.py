"""Shared code of the on-policy learners: settings, advantages and what they learn from.

Sources: advantages from Schulman et al. 2016 (arXiv:1506.02438), equation 16; normalised
observations and rewards as in Stable-Baselines3 and its tuned baselines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common import image_policy
from imitbench.core import distributions, gae, nets, ops, policy_nets
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import ImageSpec, Key, Metrics, Params, Policy, Spec, Transition
from imitbench.utils.errors import UserError

CLIP = 10.0  # bound on the magnitude of normalised observations and rewards


@dataclass(frozen=True)
class Config:
    """Settings of every on-policy learner."""

    envs: int = 8
    """Number of environments that run in parallel."""
    length: int = 256
    """Steps of each environment between two rounds of learning."""
    epochs: int = 10
    """Passes over the collected steps."""
    minibatches: int = 32
    """Minibatches in a pass; must divide envs * length."""
    lr: float = 3e-4
    """Adam's learning rate, above 0 (its epsilon is 1e-5)."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden tanh layers of policy and value."""
    value_hidden: tuple[int, ...] = field(default=(), metadata=ADDED_LATER)
    """Widths of the value's hidden layers, where they differ from the policy's; () for `hidden`."""
    log_std: float = field(default=0.0, metadata=ADDED_LATER)
    """Logarithm of the policy's standard deviation at the start."""
    discount: float = 0.99
    """Discount factor, in [0, 1]."""
    gae: float = 0.95
    """Lambda of the generalised advantage estimate, in [0, 1]."""
    normalise_obs: bool = True
    """Standardise observations by running moments, and clip them to [-10, 10]."""
    normalise_reward: bool = True
    """Divide rewards by the running standard deviation of the discounted return, and clip them to
    [-10, 10]."""
    images: image_policy.Config = field(default=image_policy.Config(), metadata=ADDED_LATER)
    """What policy and value see on tasks with images, in PPO and GAIL."""

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
    """The learner's state, without the environments in which it collects."""

    params: Params  # "policy" and "value"
    opt_state: Any
    obs_moments: ops.Moments
    return_moments: ops.Moments
    returns: jax.Array  # [B] running discounted return, for the scale of rewards


class OnPolicyLearner(NamedTuple):
    """A method without its environment, for methods that make the reward themselves.

    init(key) -> Core. explore(core) -> Policy, by which steps are collected. learn(key, core, steps
    [T, B]) -> (core, metrics); `steps.intended_action` are the actions before they were clipped.
    act(key, core, obs [..., O]) -> action [..., A].
    """

    init: Callable[[Key], Core]
    explore: Callable[[Core], Policy]
    learn: Callable[[Key, Core, Transition], tuple[Core, Metrics]]
    act: Callable[[Key, Core, jax.Array], jax.Array]
    grad_steps: int  # in one call of `learn`


class PolicyUpdate(NamedTuple):
    """How policy and value learn from collected steps: the part in which methods differ.

    init(params) -> opt_state. step(key, params, opt_state, data) -> (params, opt_state, metrics)
    with `data` as in `training_data`.
    """

    init: Callable[[Params], Any]
    step: Callable[[Key, Params, Any, dict[str, jax.Array]], tuple[Params, Any, Metrics]]
    grad_steps: int  # in one call of `step`


class Networks(NamedTuple):
    """Policy and value; their parameters are `Core.params["policy"]` and `["value"]`."""

    policy: policy_nets.PolicyNet  # a Gaussian with a free log_std, or categorical
    value: nets.ValueNet
    image: ImageSpec | None = None  # of tasks with images
    with_auxiliary: image_policy.WithAuxiliary | None = None


def networks(config: Config, spec: Spec) -> Networks:
    """The networks of every on-policy learner."""
    head = "categorical" if spec.discrete else "normal"
    if spec.image is not None:
        found = image_policy.image_networks(
            config.images, spec, config.hidden, head, config.log_std
        )
        return Networks(found.policy, found.value, spec.image, found.with_auxiliary)
    policy = policy_nets.policy(
        spec, config.hidden, head, activation="tanh", out_gain=0.01, log_std=config.log_std
    )
    return Networks(policy, nets.value(spec, config.value_hidden or config.hidden, "tanh"))


def distribution(
    policy: policy_nets.PolicyNet, params: Params, obs: jax.Array
) -> distributions.Gaussian | distributions.Categorical:
    """The policy's distribution of actions for standardised observations [..., O]."""
    return with_free_std(policy.apply(params, obs))


def with_free_std(
    dist: distributions.Distribution,
) -> distributions.Gaussian | distributions.Categorical:
    """The same distribution, which is of one of the kinds that on-policy learners have."""
    assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
    return dist


def standardise_obs(
    config: Config, core: Core, obs: jax.Array, image: ImageSpec | None = None
) -> jax.Array:
    """Observations [..., O] as the networks get them; with an `image` the inputs [..., I]."""

    def standardise(x: jax.Array) -> jax.Array:
        return core.obs_moments.normaliser()(x, CLIP) if config.normalise_obs else x

    return standardise(obs) if image is None else image_policy.inputs(image, obs, standardise)


def reward_scale(config: Config, core: Core) -> jax.Array:
    """The factor [] on rewards: 1 over the standard deviation of the discounted return."""
    if not config.normalise_reward:
        return jnp.float32(1.0)
    return 1.0 / jnp.sqrt(core.return_moments.var[0] + 1e-8)


def scale_rewards(config: Config, core: Core, steps: Transition) -> tuple[Core, jax.Array]:
    """Scales the rewards of steps [T, B], after adding them to the running returns.

    Returns:
        The core with the returns and their moments after these steps; rewards [T, B].
    """
    if not config.normalise_reward:
        return core, steps.reward

    def add(ret: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        reward, ended = step
        ret = config.discount * ret + reward
        return jnp.where(ended, 0.0, ret), ret

    ended = steps.terminated | steps.truncated
    last, returns = jax.lax.scan(add, core.returns, (steps.reward, ended))
    moments = core.return_moments.add(returns.reshape(-1, 1))
    core = core.replace(returns=last, return_moments=moments)
    return core, jnp.clip(steps.reward * reward_scale(config, core), -CLIP, CLIP)


def training_data(
    networks: Networks, config: Config, core: Core, steps: Transition, reward: jax.Array
) -> dict[str, jax.Array]:
    """Advantages and returns of steps [T, B] with scaled rewards [T, B], by the present networks.

    Returns:
        Rows [T * B, ...]: obs (standardised), action (before it was clipped), log_prob of the
        action in nats, advantage, return (TD(lambda)).
    """
    obs = standardise_obs(config, core, steps.obs, networks.image)
    next_obs = standardise_obs(config, core, steps.next_obs, networks.image)
    value = networks.value.apply(core.params["value"], obs)
    next_value = networks.value.apply(core.params["value"], next_obs)
    ends = steps.terminated, steps.truncated
    advantage = gae.advantages(reward, value, next_value, *ends, config.discount, config.gae)
    dist = distribution(networks.policy, core.params["policy"], obs)
    data = {
        "obs": obs,
        "action": steps.intended_action,
        "log_prob": dist.log_prob(steps.intended_action),
        "advantage": advantage,
        "return": advantage + value,
    }
    return jax.tree.map(lambda x: x.reshape(advantage.size, *x.shape[2:]), data)


def learner(
    config: Config, spec: Spec, policy_update: PolicyUpdate, passes: int = 1
) -> OnPolicyLearner:
    """The learner that improves its policy by `policy_update`.

    Args:
        config: of collecting, and of advantages.
        spec: of the task.
        policy_update: how policy and value learn.
        passes: how often they do so from the same steps, each time with advantages and returns by
            the value of that moment; `log_prob` stays that of the policy that collected.
    """
    net = networks(config, spec)

    def fit(key: Key, core: Core, steps: Transition, reward: jax.Array) -> tuple[Core, Metrics]:
        data = training_data(net, config, core, steps, reward)

        def run_pass(core: Core, key: Key, data: dict[str, jax.Array]) -> tuple[Core, Metrics]:
            params, opt_state, metrics = policy_update.step(key, core.params, core.opt_state, data)
            return core.replace(params=params, opt_state=opt_state), metrics

        def run_fresh_pass(core: Core, key: Key) -> tuple[Core, Metrics]:
            fresh = training_data(net, config, core, steps, reward)
            return run_pass(core, key, fresh | {"log_prob": data["log_prob"]})

        if passes == 1:
            return run_pass(core, key, data)
        core, metrics = jax.lax.scan(run_fresh_pass, core, jax.random.split(key, passes))
        return core, jax.tree.map(jnp.mean, metrics)

    def init(key: Key) -> Core:
        k_policy, k_value = jax.random.split(key)
        params = {"policy": net.policy.init(k_policy), "value": net.value.init(k_value)}
        moments = ops.empty_moments(image_policy.moments_size(spec)), ops.empty_moments(1)
        return Core(params, policy_update.init(params), *moments, jnp.zeros(config.envs))

    def learn(key: Key, core: Core, steps: Transition) -> tuple[Core, Metrics]:
        core, reward = scale_rewards(config, core, steps)
        core, metrics = fit(key, core, steps, reward)
        # Last, because the steps were collected, and are learned from, with the moments before.
        flat = steps.obs.reshape(-1, steps.obs.shape[-1])
        moments = core.obs_moments.add(image_policy.numbers(spec, flat))
        core = core.replace(obs_moments=moments)
        return core, metrics | {"reward": jnp.mean(steps.reward)}

    def explore(core: Core) -> Policy:
        def sample(key: Key, obs: jax.Array) -> jax.Array:
            obs = standardise_obs(config, core, obs, net.image)
            return distribution(net.policy, core.params["policy"], obs).sample(key)

        return sample

    def act(key: Key, core: Core, obs: jax.Array) -> jax.Array:
        obs = standardise_obs(config, core, obs, net.image)
        mode = net.policy.apply(core.params["policy"], obs).mode
        return mode if spec.discrete else jnp.clip(mode, -1.0, 1.0)

    return OnPolicyLearner(init, explore, learn, act, passes * policy_update.grad_steps)
