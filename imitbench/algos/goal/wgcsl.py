"""WGCSL: cloning of fixed data with relabelled goals, where good steps and near goals weigh more.

Source: Yang et al. 2022 (arXiv:2202.04478), equation 3 and algorithm 1, with the settings of the
official code for FetchReach. A row's weight is the product of three factors: discount^k for a goal
k steps after the next state, exp(A) for the step's advantage, bounded, and 1 or a small number by
whether A is above a percentile of late advantages, which rises during training. Each factor can be
left out.

Different from the source: observations are normalised by the moments of the data, with the critic's
share of relabelled goals (`critic_relabel`), and not by running moments. Where a task
terminates, values do not bootstrap.

With `relabel=0`, `critic_relabel=0`, `discount_weight=False` and `best_advantage=False` it is
goal-conditioned MARWIL without relabelling.

Use it when data hold whole episodes, reach many goals, and go to them by detours or at random.

Sensitive to: `discount_weight` (the authors leave it out on random data of hard tasks),
`percentile_step` (0.15 on easy tasks, 0.01 on hard ones), `batch` (512 on those), and the critic
(`tau`, `target_period`: 5 on FetchReach, 20 on tasks with an object).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common import bellman, hindsight, replay_buffer
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.goal import wgcsl_losses as losses
from imitbench.algos.goal.wgcsl_config import Config
from imitbench.core import buffer, nets, ops, policy_nets, quantiles
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Traits, Transition

__all__ = ["TRAITS", "Config", "State", "make"]

TRAITS = Traits(version=2)  # 2: the normaliser sees the critic's share of relabelled goals


class State(struct.PyTreeNode):
    """What is learned: the dicts have the keys "policy" and "critics"."""

    params: dict[str, Params]
    target: dict[str, Params]
    opt_state: dict[str, Any]
    norm: ops.Normaliser
    queue: buffer.Ring  # of advantages []
    steps: jax.Array  # [] int32: gradient steps so far


class Minibatch(NamedTuple):
    """The rows [N] of a gradient step, with normalised observations and rewards of 0 or 1."""

    policy: Experience
    critic: Experience
    offset: jax.Array  # [N] int32: steps from the policy's next state to its goal


class Learner(NamedTuple):
    """The parts of WGCSL that do not change while it runs."""

    config: Config
    spec: Spec
    networks: losses.Networks
    opt: optax.GradientTransformation

    @property
    def weights(self) -> losses.Weights:
        """The factors of the weights."""
        c = self.config
        return losses.Weights(
            c.discount if c.discount_weight else None,
            c.max_weight if c.advantage_weight else None,
            c.low_weight if c.best_advantage else None,
        )

    @property
    def uses_critic(self) -> bool:
        """Whether the weights depend on the critic; otherwise there is none to train."""
        return self.config.advantage_weight or self.config.best_advantage

    def prepare(self, norm: ops.Normaliser, rows: Experience) -> Experience:
        """Rows [N] with normalised observations, and rewards of 0 or 1 for their goals."""
        return rows.replace(
            obs=norm(rows.obs, self.config.clip),
            next_obs=norm(rows.next_obs, self.config.clip),
            reward=losses.goal_reward(rows, self.spec),
        )

    def draw(
        self, key: Key, norm: ops.Normaliser, data: Experience, rest: jax.Array, index: jax.Array
    ) -> Minibatch:
        """A minibatch of the rows `index` [N] of the data; `rest` is as in
        `hindsight.later_rows`."""
        k_later, k_policy, k_critic = jax.random.split(key, 3)
        rows = buffer.take(data, index)
        later = hindsight.later_rows(k_later, index, rest[index])
        reached = hindsight.achieved_goal(data.next_obs[later], self.spec)
        new = jax.random.bernoulli(k_policy, self.config.relabel, index.shape)
        new_critic = jax.random.bernoulli(k_critic, self.config.critic_relabel, index.shape)
        policy = replay_buffer.relabel_where(new, rows, reached, self.spec)
        critic = replay_buffer.relabel_where(new_critic, rows, reached, self.spec)
        offset = jnp.where(new, later - index, 0)
        return Minibatch(self.prepare(norm, policy), self.prepare(norm, critic), offset)

    def threshold(self, steps: jax.Array, queue: buffer.Ring) -> jax.Array:
        """The percentile [] of the queue's advantages in gradient step 1, 2, ..."""
        c = self.config
        share = jnp.minimum(c.percentile_step * steps, c.max_percentile)
        return quantiles.percentile(queue.rows, queue.size, share)

    def step(self, state: State, batch: Minibatch) -> tuple[State, Metrics]:
        """One gradient step of the policy, by the critic so far; then one of the critic."""
        c, params = self.config, state.params
        steps, queue, metrics = state.steps + 1, state.queue, {}
        advantage, threshold = jnp.zeros(c.batch), jnp.float32(-jnp.inf)
        if self.uses_critic:
            advantage = losses.advantages(
                self.networks, params["policy"], params["critics"], batch.policy, c.discount
            )
            metrics["advantage"] = jnp.mean(advantage)
        if c.best_advantage:
            queue = buffer.append(queue, advantage)
            threshold = metrics["threshold"] = self.threshold(steps, queue)
        weight = losses.row_weights(self.weights, advantage, batch.offset, threshold)
        opts = {"policy": self.opt, "critics": self.opt}
        optimiser = ops.Optimiser(opts, params, state.opt_state)
        optimiser.step("policy", partial(losses.policy_loss, self.networks), batch.policy, weight)
        target = state.target
        if self.uses_critic:
            y = losses.td_target(
                self.networks, target["policy"], target["critics"], batch.critic, c.discount
            )
            fit = partial(bellman.critic_loss, self.networks.critics, 1.0)
            optimiser.step("critics", fit, batch.critic, y)
            rate = jnp.where(steps % c.target_period == 0, c.tau, 0.0)
            target = ops.polyak(target, optimiser.params, rate)
        state = state.replace(
            params=optimiser.params, target=target, opt_state=optimiser.opt_state, queue=queue,
            steps=steps,
        )  # fmt: skip
        return state, metrics | optimiser.metrics

    def fit_normaliser(self, demos: Transition) -> ops.Normaliser:
        """The moments of the data [N] with the critic's share of relabelled goals."""
        rows, rest = replay_buffer.demo_experience(demos), buffer.find_episodes(demos).rest
        k_later, k_coin = jax.random.split(ops.fold_in_name(jax.random.key(0), "copy"))
        index = jnp.arange(len(demos.weight))
        later = hindsight.later_rows(k_later, index, rest)
        reached = hindsight.achieved_goal(demos.next_obs[later], self.spec)
        rows = replay_buffer.relabel(k_coin, rows, reached, self.spec, self.config.critic_relabel)
        return ops.fit_normaliser(rows.obs, demos.weight)


def make(config: Config, spec: Spec) -> Algorithm:
    """WGCSL on the demonstrations' executed actions and what they reached. State: `State`.

    Raises:
        UserError: the task has no goals, episodes of one step, or discrete actions.
    """
    reject_discrete(spec)
    hindsight.require_goals(spec, "wgcsl")
    networks = losses.Networks(
        policy_nets.policy(spec, config.hidden, "deterministic"),
        nets.critics(spec, config.hidden, 1),
    )
    learner = Learner(config, spec, networks, optax.adam(config.lr))

    def init(key: Key, demos: Transition) -> State:
        k_policy, k_critic = jax.random.split(key)
        params = {
            "policy": networks.policy.init(k_policy),
            "critics": networks.critics.init(k_critic),
        }
        opt_state = {name: learner.opt.init(p) for name, p in params.items()}
        queue = buffer.ring(jnp.zeros(1), config.queue)
        norm = learner.fit_normaliser(demos)
        return State(params, params, opt_state, norm, queue, jnp.int32(0))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        data, rest = replay_buffer.demo_experience(demos), buffer.find_episodes(demos).rest
        real, count = buffer.real_rows(demos.weight)

        def step(state: State, key: Key) -> tuple[State, Metrics]:
            k_row, k_goal = jax.random.split(key)
            index = real[jax.random.randint(k_row, (config.batch,), 0, count)]
            return learner.step(state, learner.draw(k_goal, state.norm, data, rest, index))

        state, metrics = jax.lax.scan(step, state, jax.random.split(key, config.steps))
        return state, jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.params["policy"], state.norm(obs, config.clip)).mode

    return Algorithm(init, update, act, Cost(grad_steps=config.steps))
