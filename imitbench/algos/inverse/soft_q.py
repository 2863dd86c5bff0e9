"""Shared code of the methods that learn one soft Q function from demonstrations, and SAC's policy
from it.

Their objective is a function of the values in a minibatch, `SoftValues`. The policy follows the Q
function as in SAC (Haarnoja et al. 2018, arXiv:1812.05905, equation 7), with a fixed temperature.
The reward of a step is implicit: r(s, a) = Q(s, a) - discount V'(s'), where V' belongs to target
parameters and is 0 after the end of an episode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.rl import sac
from imitbench.core import nets, ops, policy_nets
from imitbench.core.config import ADDED_LATER, require, require_choice, require_rate, require_share
from imitbench.core.types import Key, Metrics, Params, Spec

LOG_STD_RANGE = (-5.0, 2.0)
TINY = 1e-8  # keeps the logarithm of a value of 0 finite


@dataclass(frozen=True)
class UpdateConfig:
    """Settings of the gradient steps."""

    critic_lr: float = 3e-4
    """Adam's learning rate for the Q function, above 0."""
    policy_lr: float = 3e-5
    """Adam's learning rate for the policy, above 0."""
    policy_start: int = 0
    """Gradient steps of the Q function before the policy's first one, 0 or more."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and Q function."""
    discount: float = 0.99
    """Discount factor, in [0, 1)."""
    tau: float = 0.005
    """Share of the way that the target parameters move towards the Q function's in each gradient
    step, above 0, up to 1."""
    temperature: float = 0.01
    """Weight of the entropy (alpha), in reward per nat, above 0; it stays as it is."""
    log_std: policy_nets.LogStdBound = field(default="clip", metadata=ADDED_LATER)
    """How the policy's log standard deviation stays in [-5, 2]. clip: it begins near 0. tanh: it
    begins in the middle, at -1.5, and moves more slowly per unit of the network's output near the
    bounds."""
    initial_weights: nets.Start = field(default="normal", metadata=ADDED_LATER)
    """How policy and Q function begin, see `imitbench.core.nets.Start`."""

    def __post_init__(self) -> None:
        for name in ("critic_lr", "policy_lr", "temperature"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require(self.policy_start >= 0, self, "policy_start", "0 or more")
        require_share(self, "discount")
        require(self.discount < 1, self, "discount", "a number below 1")
        require_rate(self, "tau")
        require_choice(self, "log_std", policy_nets.LogStdBound)
        require_choice(self, "initial_weights", nets.Start)


class SoftValues(NamedTuple):
    """The values of a minibatch [N], whose first `own` steps are the policy's and the others
    demonstrated ones."""

    q: jax.Array  # [N] Q(s, a) of the steps' actions
    value: jax.Array  # [N] V(s) = Q(s, a') - alpha log pi(a' | s) with a' of the policy
    next_value: jax.Array  # [N] V'(s') of the target parameters, a constant
    terminated: jax.Array  # [N] bool
    own: int

    def next_target(self, discount: float) -> jax.Array:
        """[N]: discount V'(s'), and 0 after the end of an episode."""
        return discount * jnp.where(self.terminated, 0.0, self.next_value)


Objective = Callable[[SoftValues], tuple[jax.Array, Metrics]]
"""values -> the loss [] of the Q function, and metrics."""


class State(struct.PyTreeNode):
    """`params` holds "policy" and "critic"; `opt_state` has Adam's state of each."""

    params: dict[str, Params]
    target: Params  # of the critic
    opt_state: dict[str, Any]
    steps: jax.Array  # [] int32: gradient steps of the critic


def critic_loss(
    critic: nets.CriticNet,
    objective: Objective,
    own: int,
    params: Params,
    rows: Experience,
    drawn: tuple[jax.Array, jax.Array],
    next_value: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """A method's objective, as a function of the Q function's parameters.

    Args:
        critic: one Q function.
        objective: of the method.
        own: how many of the first rows are the policy's own.
        params: of the Q function.
        rows: steps [N].
        drawn: the policy's actions [N, A] in the steps' states, and alpha times their log
            densities [N].
        next_value: V'(s') [N].

    Returns:
        The loss [] and metrics: those of the objective, "critic_loss", and "q_policy", the mean Q
        of the policy's actions.
    """
    q = critic.apply(params, rows.obs, rows.action)[0]
    q_policy = critic.apply(params, rows.obs, drawn[0])[0]
    values = SoftValues(q, q_policy - drawn[1], next_value, rows.terminated, own)
    loss, metrics = objective(values)
    return loss, {"critic_loss": loss} | metrics | {"q_policy": jnp.mean(q_policy)}


def describe(values: SoftValues, reward: jax.Array, largest: float) -> Metrics:
    """Metrics that all objectives share.

    Args:
        values: of the minibatch.
        reward: the implicit rewards [N].
        largest: the largest magnitude of Q that the optimum's rewards can sum up to.

    Returns:
        "q_demos" and "reward_demos", means over demonstrated steps; "reward_own", that of own
        steps, if there are any; "log_q", the natural logarithm of the mean magnitude of Q; and
        "beyond", the mean distance of that magnitude above `largest`, in units of it.
    """
    size = jnp.abs(values.q)
    own = {"reward_own": jnp.mean(reward[: values.own])} if values.own else {}
    return own | {
        "q_demos": jnp.mean(values.q[values.own :]),
        "reward_demos": jnp.mean(reward[values.own :]),
        "log_q": jnp.log(jnp.mean(size) + TINY),
        "beyond": jnp.mean(jnp.maximum(size - largest, 0.0)) / largest,
    }


def networks_of(config: UpdateConfig, spec: Spec) -> sac.Networks:
    """SAC's policy, and a single Q function."""
    policy = policy_nets.policy(
        spec, config.hidden, "squashed", log_std_range=LOG_STD_RANGE, bounded_by=config.log_std,
        start=config.initial_weights,
    )  # fmt: skip
    return sac.Networks(policy, nets.critics(spec, config.hidden, 1, config.initial_weights))


def learner(config: UpdateConfig, spec: Spec, objective: Objective, own: int) -> OffPolicyLearner:
    """Builds the learner of an objective.

    Args:
        config: of the gradient steps.
        spec: of the task.
        objective: of the Q function.
        own: how many of the first rows of a minibatch are the policy's own; the others are
            demonstrated. 0 for a method without steps of its own.
    """
    networks, alpha = networks_of(config, spec), jnp.float32(config.temperature)
    opts = {"critic": optax.adam(config.critic_lr), "policy": optax.adam(config.policy_lr)}
    descend_critic = partial(critic_loss, networks.critics, objective, own)
    descend_policy = partial(sac.policy_loss, networks)

    def init(key: Key) -> State:
        k_policy, k_critic = jax.random.split(key)
        critic = networks.critics.init(k_critic)
        params = {"policy": networks.policy.init(k_policy), "critic": critic}
        opt_state = {k: opts[k].init(v) for k, v in params.items()}
        return State(params, critic, opt_state, jnp.int32(0))

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        k_here, k_next, k_policy = jax.random.split(key, 3)
        policy = state.params["policy"]
        action, log_prob = sac.sample_action(networks, k_here, policy, rows.obs)
        next_action, next_log_prob = sac.sample_action(networks, k_next, policy, rows.next_obs)
        next_q = networks.critics.apply(state.target, rows.next_obs, next_action)[0]
        next_value = next_q - alpha * next_log_prob
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        optimiser.step("critic", descend_critic, rows, (action, alpha * log_prob), next_value)
        critic = optimiser.params["critic"]
        optimiser.step("policy", descend_policy, k_policy, rows.obs, critic, alpha)
        params, opt_state = optimiser.params, optimiser.opt_state
        if config.policy_start:
            started = state.steps >= config.policy_start
            for new, old in ((params, state.params), (opt_state, state.opt_state)):
                new["policy"] = jax.tree.map(
                    partial(jnp.where, started), new["policy"], old["policy"]
                )
        target = ops.polyak(state.target, critic, config.tau)
        return State(params, target, opt_state, state.steps + 1), optimiser.metrics

    def explore(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return sac.sample_action(networks, key, state.params["policy"], obs)[0]

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.params["policy"], obs).mode

    return OffPolicyLearner(init, learn, explore, act)
