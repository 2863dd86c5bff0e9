"""What the adversarial methods share: the loop around an on-policy learner and a discriminator, and
what their rewards give away.

Source: Ho and Ermon 2016 (arXiv:1606.03476), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.adversarial import discriminator
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig, Pairs
from imitbench.algos.rl import on_policy
from imitbench.algos.rl.on_policy import Core
from imitbench.core import buffer, distributions, nets, ops, unrolling
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Params, Spec, Transition

CLONE_BATCH, CLONE_LR = 128, 3e-4  # of openai/baselines


@dataclass(frozen=True)
class Config:
    """Settings of every adversarial method."""

    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    """Settings of the discriminator and of the reward that it makes."""
    imitation: float = 1.0
    """Share of that reward (lambda); the task's own has the rest."""
    constant: bool = False
    """Pay 1 for every step, whatever the discriminator says: a control that shows what the lengths
    of episodes alone teach."""
    clone_steps: int = field(default=0, metadata=ADDED_LATER)
    """Gradient steps of cloning before the first update."""
    resets: float = field(default=0.0, metadata=ADDED_LATER)
    """Share of episodes that begin at a demonstrated state, with its goal."""

    def __post_init__(self) -> None:
        require_share(self, "imitation")
        require_share(self, "resets")
        require(self.clone_steps >= 0, self, "clone_steps", "0 or more")


class State(struct.PyTreeNode):
    core: Core
    discriminator: discriminator.State
    running: unrolling.RunningEpisodes


class DiscriminatorInput(NamedTuple):
    """What a discriminator looks at: a network, what it gets of a row, and rows(core, steps
    [..., ...]) -> rows [..., ...]."""

    net: nets.Function
    encode: discriminator.Encode
    rows: Callable[[Core, Transition], Any]


def obs_action_input(rule: DiscriminatorConfig, spec: Spec) -> DiscriminatorInput:
    """Observations and executed actions."""
    size, encode = discriminator.pairs(rule, spec)
    net = discriminator.network(rule, size)
    return DiscriminatorInput(net, encode, lambda core, steps: Pairs(steps.obs, steps.action))


def reward_sign(config: Config) -> str:
    """Of the rewards that the discriminator makes: positive, negative or either."""
    rule = config.discriminator
    if rule.divergence:
        return "positive" if rule.divergence == "kl" else "either"
    return rule.reward if rule.reward in ("positive", "negative") else "either"


def warnings(config: Config, spec: Spec) -> list[str]:
    """Rewards whose sign alone teaches the wrong thing on this task: one line each."""
    if config.constant or config.imitation == 0:
        return []
    form = "divergence=kl" if config.discriminator.divergence else "reward=positive"
    cure = (
        "take the task's form that does not end early (-fh), where it has one, or "
        f"discriminator.{form}"
    )
    found = {
        ("negative", "failure"): f"a policy gains by failing early; {cure}",
        ("either", "failure"): "a policy gains by failing early once the discriminator knows its "
        f"steps; {cure}",
        ("positive", "success"): "a policy gains by putting success off; take "
        "discriminator.reward=negative",
    }.get((reward_sign(config), spec.ends))
    which = (
        "rewards of either sign"
        if reward_sign(config) == "either"
        else f"{reward_sign(config)} rewards"
    )
    return [f"{which} where episodes end with {spec.ends}: {found}"] if found else []


def cloner(config: on_policy.Config, spec: Spec, steps: int):
    """(key, core, demos) -> core after `steps` gradient steps of cloning the demonstrated actions:
    by the squared error of the mean action, or the cross-entropy of discrete ones."""
    policy, _ = on_policy.networks(config, spec)
    opt = optax.adam(CLONE_LR)

    def loss(params: Params, obs: jax.Array, target: jax.Array) -> tuple[jax.Array, Metrics]:
        dist = policy.apply(params, obs)
        if isinstance(dist, distributions.Categorical):
            return -jnp.mean(dist.log_prob(target)), {}
        return jnp.mean(jnp.sum((dist.mode - target) ** 2, axis=-1)), {}

    def clone(key: Key, core: Core, demos: Transition) -> Core:
        core = core.replace(obs_moments=ops.weighted_moments(demos.obs, demos.weight))
        draw = buffer.real_row_sampler(demos, demos.weight)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], None]:
            rows = draw(key, CLONE_BATCH)
            obs = on_policy.standardise_obs(config, core, rows.obs)
            return ops.gradient_step(loss, opt, *carry, obs, rows.intended_action)[:2], None

        start = core.params["policy"], opt.init(core.params["policy"])
        (params, _), _ = jax.lax.scan(step, start, jax.random.split(key, steps))
        return core.replace(params=core.params | {"policy": params})

    return clone


def make(
    config: Config,
    own: on_policy.Config,
    spec: Spec,
    env: Env,
    learner: on_policy.OnPolicyLearner,
    sight: DiscriminatorInput,
) -> Algorithm:
    """One update collects `own.envs` * `own.length` steps, takes the discriminator's gradient
    steps, then the learner's. State: `State`."""
    classifier = discriminator.discriminator(config.discriminator, sight.net, sight.encode)

    def init(key: Key, demos: Transition) -> State:
        k_core, k_classifier, k_env = jax.random.split(key, 3)
        starts = unrolling.demo_resets(env, demos, config.resets)
        running = unrolling.start_episodes(env, k_env, own.envs, starts)
        core = learner.init(k_core)
        if config.clone_steps:
            clone = cloner(own, spec, config.clone_steps)
            core = clone(ops.fold_in_name(k_core, "clone"), core, demos)
        return State(core, classifier.init(k_classifier, demos.obs, demos.weight), running)

    def paid(core: Core, seen: discriminator.State, steps: Transition) -> jax.Array:
        """Rewards [T, B]."""
        if config.constant:
            return jnp.ones_like(steps.reward)
        made = classifier.reward(seen, sight.rows(core, steps))
        return config.imitation * made + (1.0 - config.imitation) * steps.reward

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_classifier, k_learn = jax.random.split(key, 3)
        core = state.core
        actor = learner.explore(core)
        starts = unrolling.demo_resets(env, demos, config.resets)
        running, steps, _ = unrolling.unroll(env, actor, k_env, state.running, own.length, starts)
        flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), steps)
        expert, policy = (
            buffer.real_row_sampler(sight.rows(core, x), x.weight) for x in (demos, flat)
        )
        seen = classifier.see(state.discriminator, flat.obs)
        seen, told = classifier.fit(k_classifier, seen, expert, policy)
        rewarded = steps.replace(reward=paid(core, seen, steps))
        core, metrics = learner.learn(k_learn, core, rewarded)
        metrics |= told | {"task_reward": jnp.mean(steps.reward)}
        return State(core, seen, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, obs)

    cost = Cost(
        env_steps=own.envs * own.length,
        grad_steps=learner.grad_steps + config.discriminator.steps,
        grad_step_offset=-config.clone_steps,  # done before the first update
    )
    return Algorithm(init, update, act, cost)
