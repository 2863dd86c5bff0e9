"""IQ-Learn and LS-IQ: objectives by hand, optima in closed form, and the learner's minibatches."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.algos.common import replay_buffer
from imitbench.algos.inverse import iq_learn, iq_objective, ls_iq, offline_iq, soft_q
from imitbench.algos.inverse.soft_q import SoftValues
from imitbench.core import distributions, policy_nets
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec([("state", 3)], 2, 10)
# Two own steps, of which the second terminates, then two demonstrated ones.
VALUES = SoftValues(
    q=jnp.array([1.0, 2.0, 3.0, 5.0]),
    value=jnp.array([0.5, 1.5, 2.5, 4.0]),
    next_value=jnp.array([2.0, 7.0, 4.0, 6.0]),
    terminated=jnp.array([False, True, False, False]),
    own=2,
)
REWARD = np.array([1 - 0.9 * 2, 2 - 0, 3 - 0.9 * 4, 5 - 0.9 * 6])  # -0.8, 2, -0.6, -0.4


def iq_config(**settings: Any) -> iq_objective.UpdateConfig:
    return iq_objective.UpdateConfig(discount=0.9, **settings)


def ls_config(**settings: Any) -> ls_iq.Config:
    return ls_iq.Config(discount=0.9, **settings)


def test_the_objective_of_iq_learn_by_hand():
    loss, metrics = iq_objective.objective(iq_config(chi2_alpha=0.25), VALUES)
    value_less_target = [0.5 - 1.8, 1.5 - 0, 2.5 - 3.6, 4 - 5.4]
    expected = 0.5 + np.mean(value_less_target) + np.mean(REWARD**2) / (4 * 0.25)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["reward_demos"]) == pytest.approx(-0.5, rel=1e-5)
    assert float(metrics["reward_own"]) == pytest.approx(0.6, rel=1e-5)
    assert float(metrics["q_demos"]) == 4
    assert float(metrics["log_q"]) == pytest.approx(np.log(2.75), rel=1e-5)
    assert float(metrics["beyond"]) == 0  # Q is at most 5, the largest value 4 * 0.25 / 0.1


def test_values_beyond_what_rewards_can_sum_up_to():
    """The largest value is 4 * 0.05 / (1 - 0.9) = 2; Q is 1, 2, 3 and 5."""
    _, metrics = iq_objective.objective(iq_config(chi2_alpha=0.05), VALUES)
    assert float(metrics["beyond"]) == pytest.approx((1 + 3) / 4 / 2, rel=1e-5)
    _, metrics = ls_iq.objective(ls_config(c=5.0), VALUES)  # 1 / (5 * 0.1)
    assert float(metrics["beyond"]) == pytest.approx((1 + 3) / 4 / 2, rel=1e-5)


def test_v0_counts_demonstrated_states_and_the_penalty_may_leave_own_steps_out():
    config = iq_config(second_term="v0", penalised="demos")
    loss, metrics = iq_objective.objective(config, VALUES)
    assert float(metrics["policys_part"]) == pytest.approx(0.1 * (2.5 + 4) / 2, rel=1e-5)
    assert float(metrics["chi2"]) == pytest.approx((0.6**2 + 0.4**2) / 2 / 2, rel=1e-5)
    assert float(loss) == pytest.approx(0.5 + 0.325 + 0.13, rel=1e-5)


@pytest.mark.parametrize("absorbing", [True, False])
def test_the_objective_of_ls_iq_by_hand(absorbing):
    """c = 2.5: values are bounded by 1 / (2.5 * 0.1) = 4, so that V' = 6 counts as 4."""
    loss, metrics = ls_iq.objective(ls_config(c=2.5, form="value", absorbing=absorbing), VALUES)
    fit = ((3 - 4) ** 2 + (5 - 4) ** 2) / 2
    value_less_target = [0.5 - 1.8, 1.5 - 0, 2.5 - 3.6, 4 - 0.9 * 4]
    squares = [0.8**2, (0.1 if absorbing else 1.0) * 2**2]  # of own steps alone
    expected = fit + np.mean(value_less_target) + 2.5 * np.mean(squares)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["fit_demos"]) == fit
    assert float(metrics["reward_demos"]) == pytest.approx((3 - 3.6 + 5 - 3.6) / 2, rel=1e-5)


@pytest.mark.parametrize("absorbing", [True, False])
def test_the_least_squares_form_of_ls_iq_by_hand(absorbing):
    """Own and demonstrated states regress to the reward -1/c = -0.4; an end to its endless sum."""
    config = ls_config(c=2.5, form="least-squares", absorbing=absorbing)
    loss, _ = ls_iq.objective(config, VALUES)
    targets = [-0.4 + 1.8, -4.0 if absorbing else -0.4, -0.4 + 3.6, -0.4 + 3.6]
    expected = 1.0 + np.mean((np.array([0.5, 1.5, 2.5, 4.0]) - targets) ** 2)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    # A demonstrated end has no value after it, and the reward of a single step.
    ends = VALUES._replace(terminated=jnp.array([False, True, True, False]))
    loss, _ = ls_iq.objective(config, ends)
    targets[2] = -0.4
    expected = 1.0 + np.mean((np.array([0.5, 1.5, 2.5, 4.0]) - targets) ** 2)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_the_squares_of_an_absorbing_state_sum_up():
    """A reward R for ever, whose discounted sum is 3."""
    config, total = ls_config(), 3.0
    per_step = total * (1 - 0.9)
    expected = sum(0.9**t * per_step**2 for t in range(400))
    flag = jnp.array([True])
    assert float(ls_iq.squared_reward(config, jnp.array([total]), flag)[0]) == pytest.approx(
        expected, rel=1e-4
    )


def minimise(loss: Any, size: int) -> jax.Array:
    """The minimum of a quadratic function of a table [size]: one step of Newton."""
    zero = jnp.zeros(size)
    return -jnp.linalg.solve(jax.hessian(loss)(zero), jax.grad(loss)(zero))


def test_the_optimum_of_iq_learn_on_a_bandit_is_known():
    """One step, two actions, expert [3/4, 1/4] and policy [1/2, 1/2]: the reward of the mixture's
    chi-squared divergence is 4 alpha (expert - policy) / (expert + policy)."""
    action = np.array([0, 0, 1, 1, 0, 0, 0, 1])  # own ones, then demonstrated ones
    config = iq_config(chi2_alpha=0.5)

    def loss(table: jax.Array) -> jax.Array:
        value = jnp.full(8, 0.5 * (table[0] + table[1]))
        values = SoftValues(table[action], value, jnp.zeros(8), jnp.ones(8, bool), 4)
        return iq_objective.objective(config, values)[0]

    np.testing.assert_allclose(minimise(loss, 2), [2 * 0.25 / 1.25, -2 * 0.25 / 0.75], rtol=1e-4)


# A chain: action 0 leads from state 0 to 1 and from 1 to 0, action 1 stays. (state, action, next).
CHAIN = np.array([
    (0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1),  # own
    (0, 0, 1), (0, 0, 1), (1, 0, 0), (1, 1, 1),  # demonstrated
])  # fmt: skip
POLICY = np.array([[0.5, 0.5], [0.25, 0.75]])


def test_the_reward_that_iq_learn_recovers_on_a_chain():
    """Targets move slowly, so where they stand still each step's reward is 2 alpha (rho_E(s, a) -
    rho(s) pi(a | s)) / rho(s, a), with rho_E of demonstrated steps and rho of all."""
    state, action, after = CHAIN.T
    config = iq_config(chi2_alpha=0.5)

    def loss(table: jax.Array, target: jax.Array) -> jax.Array:
        table, target = table.reshape(2, 2), target.reshape(2, 2)
        value, next_value = (POLICY * table).sum(1)[state], (POLICY * target).sum(1)[after]
        values = SoftValues(table[state, action], value, next_value, jnp.zeros(8, bool), 4)
        return iq_objective.objective(config, values)[0]

    newton = jax.jit(lambda target: minimise(lambda table: loss(table, target), 4))
    q = jnp.zeros(4)
    for _ in range(150):  # 0.9^150 = 1e-7 of the start is left
        q = newton(q)
    q = np.asarray(q)
    # The states after (0, 0), (0, 1), (1, 0) and (1, 1).
    reward = q - 0.9 * (POLICY * q.reshape(2, 2)).sum(1)[[1, 0, 0, 1]]
    counts = np.zeros((2, 2, 2))
    for i, (s, a, _) in enumerate(CHAIN):
        counts[int(i >= 4), s, a] += 1
    expert, both = counts[1] / 4, counts.sum(0) / 8
    expected = (expert - both.sum(1, keepdims=True) * POLICY) / both
    np.testing.assert_allclose(reward[[0, 1]], expected[0], atol=1e-4)
    np.testing.assert_allclose(reward[[2, 3]], expected[1], atol=1e-4)


def test_offline_iq_learn_without_the_penalty_is_the_likelihood_of_a_softmax_policy():
    """E[V - Q] = E[-log softmax(Q)], for V the soft maximum and temperature 1."""
    table = jnp.array([[0.3, -1.0, 2.0], [0.0, 0.5, 0.1]])
    state, action = np.array([0, 0, 1, 1, 1]), np.array([2, 0, 1, 1, 2])
    value = jax.nn.logsumexp(table, axis=1)[state]
    next_value = jnp.array([1.0, 2.0, -3.0, 0.5, 4.0])
    values = SoftValues(table[state, action], value, next_value, jnp.zeros(5, bool), 0)
    loss, metrics = iq_objective.objective(iq_config(penalised="demos", chi2_alpha=1e9), values)
    likelihood = jax.nn.log_softmax(table)[state, action]
    assert float(loss) == pytest.approx(-float(likelihood.mean()), rel=1e-5)
    assert "reward_own" not in metrics


@pytest.mark.parametrize("absorbing", [True, False])
def test_ls_iq_values_an_end_as_it_values_its_own_steps_for_ever(absorbing):
    """Own steps that live, own steps that end, a demonstrated one. With absorbing states an end is
    worth as much as own steps for ever; without, it is worth a single one, and so it is sought."""
    config = ls_config(c=0.5, form="value", absorbing=absorbing)
    terminated = jnp.array([False, True, False])

    def loss(table: jax.Array) -> jax.Array:
        values = SoftValues(table, table, jnp.zeros(3), terminated, 2)
        return ls_iq.objective(config, values)[0]

    lives, ends, _ = minimise(loss, 3).tolist()
    assert lives == pytest.approx(-1 / (3 * 0.5), rel=1e-4)
    assert ends == pytest.approx(lives * (10 if absorbing else 1), rel=1e-4)


def steps(n: int) -> replay_buffer.Experience:
    obs, action, next_obs = (
        jax.random.uniform(jax.random.fold_in(KEY, i), (n, size), minval=-1.0)
        for i, size in enumerate((3, 2, 3))
    )
    ended = jnp.arange(n) % 3 == 0
    return replay_buffer.Experience(obs, action, jnp.ones(n), next_obs, ended, jnp.arange(n))


def test_the_learner_descends_its_objective_in_the_values_of_its_networks():
    """The value of a state is that of the drawn action, plus its entropy; that of the next one has
    the target parameters."""
    config = soft_q.UpdateConfig(hidden=(8,), temperature=0.5, discount=0.9)
    networks, rows = soft_q.networks_of(config, SPEC), steps(6)
    critic = networks.critics.init(KEY)
    seen: list[SoftValues] = []

    def objective(values: SoftValues) -> tuple[jax.Array, dict[str, jax.Array]]:
        seen.append(values)
        return jnp.mean(values.q), {}

    drawn = jnp.full((6, 2), 0.3), jnp.full(6, -2.0)
    _, metrics = soft_q.critic_loss(
        networks.critics, objective, 2, critic, rows, drawn, jnp.arange(6.0)
    )
    (values,) = seen
    q = networks.critics.apply(critic, rows.obs, rows.action)[0]
    of_policy = networks.critics.apply(critic, rows.obs, drawn[0])[0]
    np.testing.assert_allclose(values.q, q)
    np.testing.assert_allclose(values.value, of_policy + 2.0, rtol=1e-6)
    np.testing.assert_array_equal(values.next_value, np.arange(6))
    np.testing.assert_array_equal(values.terminated, rows.terminated)
    assert float(metrics["q_policy"]) == pytest.approx(float(of_policy.mean()), rel=1e-5)
    target = np.asarray(values.next_target(0.9))
    np.testing.assert_allclose(target, [0, 0.9, 1.8, 0, 3.6, 4.5], rtol=1e-6)


def test_the_policy_waits_and_the_target_follows():
    config = soft_q.UpdateConfig(hidden=(8,), policy_start=2, tau=0.25, policy_lr=1e-2)
    learner = soft_q.learner(config, SPEC, partial(iq_objective.objective, iq_config()), 3)
    start = state = learner.init(KEY)
    learn = jax.jit(learner.learn)
    rows = steps(6)
    for i in range(3):
        before, (state, _) = state, learn(jax.random.fold_in(KEY, i), state, rows)
        moved = jax.tree.map(
            lambda a, b: bool((a != b).any()), state.params["policy"], start.params["policy"]
        )
        assert any(jax.tree.leaves(moved)) == (i == 2)
        expected = jax.tree.map(
            lambda t, p: 0.75 * t + 0.25 * p, before.target, state.params["critic"]
        )
        jax.tree.map(
            partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), state.target, expected
        )
    assert int(state.steps) == 3


@pytest.mark.slow
@pytest.mark.parametrize("method", [iq_learn, ls_iq])
def test_half_of_a_minibatch_is_demonstrated(method, monkeypatch):
    """Demonstrated steps come last; they have observations beyond those of the environment."""
    env = envs.make("ProbeWalk")
    demos = data.flatten(data.collect(env, experts.load("ProbeWalk"), 4, only_success=False))
    demos = demos.replace(obs=demos.obs + 50.0)
    seen: list[Any] = []

    def spy(config, spec, objective, own, real=soft_q.learner):
        learner = real(config, spec, objective, own)

        def learn(key, state, rows):
            jax.debug.callback(lambda obs: seen.append((own, np.asarray(obs))), rows.obs)
            return learner.learn(key, state, rows)

        return learner._replace(learn=learn)

    monkeypatch.setattr(soft_q, "learner", spy)
    algo = algos.build(method.__name__.split(".")[-1], shrink(method.Config()), env.spec, env, None)
    state, metrics, update = algo.init(KEY, demos), {}, jax.jit(algo.update)
    for i in range(3):
        state, metrics = update(jax.random.fold_in(KEY, i), state, demos)
    jax.effects_barrier()
    assert seen and all(own == 16 for own, _ in seen)
    for _, obs in seen:
        assert obs.shape == (32, 2)
        assert (obs[:16] < 10).all() and (obs[16:] > 40).all()
    shared = {"q_demos", "q_policy", "log_q", "beyond", "reward_demos", "reward_own", "critic_loss"}
    assert shared <= set(metrics)


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (iq_learn.Config, {"chi2_alpha": 0.0}, "chi2_alpha=0.0: expected a positive number"),
        (iq_learn.Config, {"discount": 1.0}, "discount=1.0: expected a number below 1"),
        (iq_learn.Config, {"second_term": "v1"}, "second_term=v1: expected one of value, v0"),
        (iq_learn.Config, {"penalised": "none"}, "penalised=none: expected one of all, demos"),
        (iq_learn.Config, {"temperature": 0.0}, "temperature=0.0: expected a positive number"),
        (offline_iq.Config, {"policy_start": -1}, "policy_start=-1: expected 0 or more"),
        (ls_iq.Config, {"c": 0.0}, "c=0.0: expected a positive number"),
        (ls_iq.Config, {"form": "iq"}, "form=iq: expected one of least-squares, value"),
    ],
)
def test_bad_settings_are_refused(config, settings, message):
    with pytest.raises(UserError, match=message):
        config(**settings)


def test_discrete_actions_are_refused():
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="discrete actions"):
        iq_learn.make(iq_learn.Config(), env.spec, env)
    with pytest.raises(UserError, match="discrete actions"):
        ls_iq.make(ls_iq.Config(), env.spec, env)
    with pytest.raises(UserError, match="discrete actions"):
        offline_iq.make(offline_iq.Config(), env.spec)


def test_the_defaults_are_those_of_the_official_code():
    iq, ls = iq_learn.Config(), ls_iq.Config()
    assert (iq.critic_lr, iq.policy_lr, iq.temperature, iq.tau) == (3e-4, 3e-5, 1e-2, 0.005)
    assert (iq.chi2_alpha, iq.replay.warmup, iq.replay.batch) == (0.5, 1280, 256)
    assert (ls.c, ls.temperature, ls.replay.warmup, ls.policy_start) == (0.5, 1e-3, 10_000, 5_000)
    assert ls.max_value == pytest.approx(200)
    assert dataclasses.replace(ls, c=10.0).max_value == pytest.approx(10)
    assert (iq.log_std, offline_iq.Config().log_std, ls.log_std) == ("tanh", "tanh", "clip")


def log_std_of(policy: policy_nets.PolicyNet, params: Any) -> jax.Array:
    dist = policy.apply(params, jnp.ones((1, 3)))
    assert isinstance(dist, distributions.Squashed)
    return dist.normal.log_std


@pytest.mark.parametrize(("bound", "start"), [("tanh", -1.5), ("clip", 0.0)])
def test_the_policys_deviation_begins_in_the_middle_of_its_range_or_at_one(bound, start):
    networks = soft_q.networks_of(iq_config(log_std=bound), SPEC)
    params = jax.tree.map(jnp.zeros_like, networks.policy.init(KEY))
    np.testing.assert_allclose(log_std_of(networks.policy, params), start, atol=1e-6)
    biased = jax.tree.map(lambda x: jnp.full_like(x, 100.0), params)  # far beyond the range
    np.testing.assert_allclose(log_std_of(networks.policy, biased), 2.0, atol=1e-6)


def test_between_its_bounds_the_tanh_of_the_deviation_is_that_of_the_official_code():
    net = policy_nets.policy(SPEC, (), "squashed", log_std_range=(-5, 2), bounded_by="tanh")
    params = jax.tree.map(jnp.zeros_like, net.init(KEY))
    dense = params["params"]["Dense_0"] | {"bias": jnp.array([0.0, 0.0, 0.5, -1.0])}
    expected = [-5 + 3.5 * (np.tanh(x) + 1) for x in (0.5, -1.0)]
    found = log_std_of(net, {"params": {"Dense_0": dense}})
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_iq_learns_kernels_begin_as_those_of_the_official_code():
    iq, ls = iq_learn.Config(hidden=(16, 16)), ls_iq.Config(hidden=(16, 16))
    assert (iq.initial_weights, ls.initial_weights) == (
        "orthonormal",
        "normal",
    )
    networks = soft_q.networks_of(iq, SPEC)
    layers = [networks.policy.init(KEY)["params"], networks.critics.init(KEY)[0]["params"]]
    for layer in (layer for net in layers for layer in net.values()):
        kernel = np.asarray(layer["kernel"])
        few = kernel if kernel.shape[0] <= kernel.shape[1] else kernel.T
        np.testing.assert_allclose(few @ few.T, np.eye(len(few)), atol=1e-5)
        assert not np.any(layer["bias"])
    with pytest.raises(UserError, match="initial_weights=zero: expected one of normal, orthogonal"):
        iq_learn.Config(initial_weights="zero")  # type: ignore[arg-type]
