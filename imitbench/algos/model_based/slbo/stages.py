"""A stage of SLBO: real steps, then rounds of model updates and of policy updates in the model."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.on_policy import Core, OnPolicyLearner
from imitbench.algos.model_based import dynamics
from imitbench.algos.model_based.slbo import config as slbo_config
from imitbench.algos.model_based.slbo import exploration, model, replay
from imitbench.algos.model_based.slbo.virtual_env import VirtualEnv
from imitbench.algos.rl import trpo
from imitbench.core import buffer, ops, unrolling
from imitbench.core.types import Actor, Env, Key, Metrics, Params, Policy, Spec, Transition

STARTS = 512  # real initial observations, drawn in each stage, in which virtual episodes begin


class State(struct.PyTreeNode):
    """Policy, value and model; the real steps and the environments that they come from."""

    core: Core  # of TRPO
    model: Params
    opt_state: Any  # of the model
    moments: model.Moments
    replay: buffer.Ring  # of `replay.Row`
    running: unrolling.RunningEpisodes


class Setup(NamedTuple):
    """The parts of the method that do not change while it runs."""

    config: slbo_config.Config
    spec: Spec
    learner: OnPolicyLearner  # TRPO, which sees observations standardised by the real steps
    model: dynamics.Model

    @property
    def env_steps(self) -> int:
        """Real steps of a stage."""
        return self.config.envs * self.config.length

    @property
    def grad_steps(self) -> int:
        """Gradient steps of a stage."""
        per_round = self.config.model_steps + self.policy_grad_steps
        return self.config.rounds * per_round

    @property
    def policy_grad_steps(self) -> int:
        """Gradient steps of policy and value in a round."""
        return self.config.policy_steps * self.learner.grad_steps


def make_setup(config: slbo_config.Config, spec: Spec) -> Setup:
    """Builds the parts from the settings."""
    network = model.make_model(spec.obs_size, spec.action_size, config.model_hidden)
    return Setup(config, spec, trpo.learner(config.trpo, spec), network)


def initial_state(setup: Setup, env: Env, key: Key) -> State:
    """An untrained policy and model, no steps, and environments at the start of an episode."""
    k_core, k_model, k_env = jax.random.split(key, 3)
    config, spec = setup.config, setup.spec
    core, params = setup.learner.init(k_core), setup.model.init(k_model)
    moments = model.empty_moments(spec.obs_size)
    running = start_episodes(setup, env, k_env, core, moments)
    store = replay.empty(spec, config.envs, config.capacity)
    return State(core, params, optimiser(setup).init(params), moments, store, running)


def optimiser(setup: Setup):
    """The model's optimiser."""
    c = setup.config
    return model.optimiser(c.model_lr, c.weight_decay, c.max_grad_norm)


def standardise(moments: model.Moments, obs: jax.Array) -> jax.Array:
    """Observations [..., O] as policy and value get them."""
    return moments.obs.normaliser()(obs, model.CLIP)


def sampler(setup: Setup, core: Core, moments: model.Moments) -> Policy:
    """The policy, which draws actions [B, A] for observations [B, O]."""
    sample = setup.learner.explore(core)
    return lambda key, obs: sample(key, standardise(moments, obs))


def explorer(setup: Setup, core: Core, moments: model.Moments) -> Actor:
    """The policy with the noise of real steps."""
    c = setup.config
    policy = sampler(setup, core, moments)
    return exploration.noisy(policy, setup.spec.action_size, c.noise, c.noise_decay)


def start_episodes(
    setup: Setup, env: Env, key: Key, core: Core, moments: model.Moments
) -> unrolling.RunningEpisodes:
    """Real environments at the start of an episode."""
    actor = explorer(setup, core, moments)
    return unrolling.start_episodes(env, key, setup.config.envs, actor=actor)


def collect(setup: Setup, env: Env, key: Key, state: State) -> tuple[State, jax.Array]:
    """Adds a stage's real steps, `envs` * `length`; their mean reward []."""
    actor = explorer(setup, state.core, state.moments)
    running, steps, _ = unrolling.unroll(env, actor, key, state.running, setup.config.length)
    flat = (x.reshape(-1, setup.spec.obs_size) for x in (steps.obs, steps.next_obs))
    store = buffer.append(state.replay, replay.rows(steps))
    state = state.replace(running=running, replay=store, moments=state.moments.add(*flat))
    return state, jnp.mean(steps.reward)


def fit_model(setup: Setup, key: Key, state: State) -> tuple[State, jax.Array]:
    """`model_steps` gradient steps of the model on segments of real steps; the mean loss []."""
    config, opt, norms = setup.config, optimiser(setup), state.moments.norms()

    def loss(params: Params, segments: model.Segments) -> tuple[jax.Array, Metrics]:
        def predict(obs: jax.Array, action: jax.Array) -> jax.Array:
            return model.advance(setup.model, norms, params, obs, action)

        value = model.multi_step_loss(predict, norms.change.std, config.loss, segments)
        return value, {"model_loss": value}

    def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], jax.Array]:
        segments = replay.draw(key, state.replay, config.model_batch, config.model_horizon)
        params, opt_state, metrics = ops.gradient_step(loss, opt, *carry, segments)
        return (params, opt_state), metrics["model_loss"]

    keys = jax.random.split(key, config.model_steps)
    (params, opt_state), losses = jax.lax.scan(step, (state.model, state.opt_state), keys)
    return state.replace(model=params, opt_state=opt_state), jnp.mean(losses)


def virtual_steps(setup: Setup, env: Env, key: Key, state: State, starts: jax.Array) -> Transition:
    """Steps [T, B] of the policy in the model, from the start of episodes on."""
    config, norms = setup.config.trpo, state.moments.norms()

    def predict(obs: jax.Array, action: jax.Array) -> jax.Array:
        return model.advance(setup.model, norms, state.model, obs, action)

    virtual = VirtualEnv(env, predict, starts)
    k_start, k_steps = jax.random.split(key)
    running = unrolling.start_episodes(virtual, k_start, config.envs)
    policy = sampler(setup, state.core, state.moments)
    return unrolling.unroll(virtual, policy, k_steps, running, config.length)[1]


def improve_policy(
    setup: Setup, env: Env, key: Key, state: State, starts: jax.Array
) -> tuple[State, Metrics]:
    """`policy_steps` iterations of TRPO on virtual steps; the metrics of the last one."""

    def step(core: Core, key: Key) -> tuple[Core, Metrics]:
        k_steps, k_learn = jax.random.split(key)
        steps = virtual_steps(setup, env, k_steps, state.replace(core=core), starts)
        seen = steps.replace(
            obs=standardise(state.moments, steps.obs),
            next_obs=standardise(state.moments, steps.next_obs),
        )
        return setup.learner.learn(k_learn, core, seen)

    keys = jax.random.split(key, setup.config.policy_steps)
    core, metrics = jax.lax.scan(step, state.core, keys)
    return state.replace(core=core), jax.tree.map(lambda x: x[-1], metrics)


def initial_observations(env: Env, key: Key) -> jax.Array:
    """[STARTS, O] observations of real initial states."""
    return jax.vmap(env.reset)(jax.random.split(key, STARTS)).obs


def run(setup: Setup, env: Env, key: Key, state: State) -> tuple[State, Metrics]:
    """A stage in the real environment `env`.

    Returns:
        The state after it; metrics, of which `reward` is the mean real reward of a step,
        `virtual_reward` that of the last virtual steps, `model_loss` the mean over the stage, and
        the others are those of the last iteration of TRPO.
    """
    k_collect, k_starts, k_rounds = jax.random.split(key, 3)
    state, reward = collect(setup, env, k_collect, state)
    starts = initial_observations(env, k_starts)

    def run_round(state: State, key: Key) -> tuple[State, tuple[jax.Array, Metrics]]:
        k_model, k_policy = jax.random.split(key)
        state, loss = fit_model(setup, k_model, state)
        state, metrics = improve_policy(setup, env, k_policy, state, starts)
        return state, (loss, metrics)

    keys = jax.random.split(k_rounds, setup.config.rounds)
    state, (losses, metrics) = jax.lax.scan(run_round, state, keys)
    last = jax.tree.map(lambda x: x[-1], metrics)
    log_std = state.core.params["policy"]["log_std"]
    return state, last | {
        "virtual_reward": last["reward"],
        "reward": reward,
        "model_loss": jnp.mean(losses),
        "std": jnp.mean(jnp.exp(log_std)),
    }
