"""SAC, TD3 and DDPG: targets and gradient steps against hand-worked numbers.

Networks without hidden layers are linear, so that their parameters can be chosen by hand.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from helpers.linear_networks import SPEC, dense, experience, q, targets

from imitbench.algos.rl import ddpg, ddpg_demos, sac, td3
from imitbench.core import distributions, ops, policy_nets
from imitbench.utils.errors import UserError

# SAC


def sac_state(log_std: float, **settings: Any):
    config = sac.Config(hidden=(), discount=0.5, temperature=0.1, tau=0.25, **settings)
    learner = sac.learner(config, SPEC)
    state = learner.init(jax.random.key(0))
    params = state.params | {
        "policy": dense([[0.5, 0.0]], [0.1, log_std]),
        "critics": [q(0.0, 0.0, 50.0), q(0.0, 0.0, 70.0)],
    }
    return learner, state.replace(params=params, target=[q(2.0, 3.0, 1.0), q(-1.0, 1.0, 0.0)])


@pytest.mark.parametrize("backup_entropy", [True, False])
def test_sac_target(steps, backup_entropy):
    learner, state = sac_state(-1.0, backup_entropy=backup_entropy)
    rows, key = experience(), jax.random.key(3)
    new, _ = learner.learn(key, state, rows)
    target = targets(steps)[0]
    dist = policy_nets.policy(SPEC, (), "squashed").apply(state.params["policy"], rows.next_obs)
    assert isinstance(dist, distributions.Squashed)
    a = np.asarray(dist.sample_and_log_prob(jax.random.split(key)[0])[0], np.float64)[:, 0]
    x = np.asarray(rows.next_obs)[:, 0]
    log_prob = scipy.stats.norm.logpdf(np.arctanh(a), 0.5 * x + 0.1, np.exp(-1)) - np.log(1 - a**2)
    after = np.minimum(2 * x + 3 * a + 1, -x + a) - 0.1 * log_prob * backup_entropy
    expected = np.asarray(rows.reward) + 0.5 * np.where(rows.terminated, 0.0, after)
    np.testing.assert_allclose(target, expected, rtol=1e-4)
    assert target[1] == rows.reward[1]
    # The targets follow the new critics by a quarter of the way.
    jax.tree.map(
        lambda t, old, c: np.testing.assert_allclose(t, old + 0.25 * (c - old), rtol=1e-5),
        new.target, state.target, new.params["critics"],
    )  # fmt: skip
    bounded, state = sac_state(-1.0, backup_entropy=backup_entropy, value_range=(0.25, 1.0))
    bounded.learn(key, state, rows)
    np.testing.assert_allclose(targets(steps)[1], np.clip(expected, 0.25, 1.0), rtol=1e-4)


def test_sac_policy_climbs_the_lesser_critic_and_the_entropy(steps):
    learner, state = sac_state(-1.0)
    key = jax.random.key(3)
    learner.learn(key, state, experience())
    loss, _, params, _, k_policy, obs, _, alpha = steps[1]
    assert float(alpha) == pytest.approx(0.1)
    dist = policy_nets.policy(SPEC, (), "squashed").apply(params, obs)
    assert isinstance(dist, distributions.Squashed)
    action, log_prob = dist.sample_and_log_prob(k_policy)
    value, metrics = loss(params, k_policy, obs, [q(0, 2, 0), q(0, -1, 0.1)], alpha)
    worse = np.minimum(2 * action[:, 0], 0.1 - action[:, 0])
    assert float(value) == pytest.approx(float(np.mean(0.1 * log_prob - worse)), rel=1e-4)
    assert float(metrics["entropy"]) == pytest.approx(-float(jnp.mean(log_prob)), rel=1e-5)


@pytest.mark.parametrize(("log_std", "sign"), [(-4.0, 1), (0.0, -1)])
def test_temperature_moves_towards_the_target_entropy(log_std, sign):
    """The target is -1; the entropy of log_std -4 is about -2.6, and of log_std 0 about 0.5."""
    learner, state = sac_state(log_std)
    new, metrics = jax.jit(learner.learn)(jax.random.key(0), state, experience(64))
    assert (float(metrics["entropy"]) < -1) == (sign > 0)
    assert sign * (new.params["log_alpha"] - state.params["log_alpha"]) > 0
    # In nats for each component of the action, of which there is one.
    learner, state = sac_state(log_std, target_entropy=-3.0)
    new, _ = jax.jit(learner.learn)(jax.random.key(0), state, experience(64))
    assert new.params["log_alpha"] < state.params["log_alpha"]
    learner, state = sac_state(log_std, tune=False)
    new, _ = jax.jit(learner.learn)(jax.random.key(0), state, experience(64))
    assert new.params["log_alpha"] == state.params["log_alpha"]


def test_orthogonal_kernels_have_orthogonal_columns():
    """jaxrl's start: gain sqrt(2) in the hidden layers and in the critics, 1 for the actions."""
    state = sac.learner(sac.Config(hidden=(8, 8), orthogonal=True), SPEC).init(jax.random.key(0))

    def singular(params: Any, layer: int) -> np.ndarray:
        kernel = np.asarray(params["params"][f"Dense_{layer}"]["kernel"])
        return np.linalg.svd(kernel, compute_uv=False)

    policy, critic = state.params["policy"], state.params["critics"][1]
    for params, gains in ((policy, (2**0.5, 2**0.5, 1.0)), (critic, (2**0.5,) * 3)):
        for layer, gain in enumerate(gains):
            np.testing.assert_allclose(singular(params, layer), gain, rtol=1e-4)


# TD3 and DDPG


@pytest.mark.parametrize(("initial_weights", "spread"), [("uniform", 1 / 3), ("normal", 1.0)])
def test_weights_begin_as_the_settings_say(initial_weights, spread):
    """PyTorch's: within 1 / sqrt(inputs), the biases too; a third of the variance of LeCun's."""
    config = td3.Config(hidden=(400, 300), initial_weights=initial_weights)
    state = td3.learner(config, SPEC).init(jax.random.key(0))
    for params in (state.policy, *state.critics):
        for name in ("Dense_0", "Dense_1", "Dense_2"):
            kernel, bias = (np.asarray(params["params"][name][k]) for k in ("kernel", "bias"))
            inputs = kernel.shape[0]
            assert inputs * np.var(kernel) == pytest.approx(spread, rel=0.3)
            if initial_weights == "uniform":
                assert max(np.abs(kernel).max(), np.abs(bias).max()) <= inputs**-0.5
                assert np.abs(kernel).max() > 0.7 * inputs**-0.5 and bias.any()
            else:
                assert not bias.any()
    with pytest.raises(
        UserError, match="initial_weights=lecun: expected one of normal, orthogonal"
    ):
        td3.Config(initial_weights="lecun")  # type: ignore[arg-type]


def td3_state(mean: float = 0.0, **settings: Any):
    config = td3.Config(hidden=(), discount=0.5, tau=0.25, **settings)
    learner = td3.learner(config, SPEC, noise=config.noise, uniform=config.uniform)
    state = learner.init(jax.random.key(0))
    critics = [q(2.0, 3.0, 1.0), q(-1.0, 1.0, 0.0)][: config.critics]
    bias = np.arctanh(mean) if mean < 1 else 20.0
    target = {"policy": dense([[0.0]], [bias]), "critics": critics}
    online = [q(0.0, 0.0, 50.0), q(0.0, 0.0, 70.0)][: config.critics]
    return learner, state.replace(policy=dense([[0.0]], [-9.0]), critics=online, target=target)


def test_td3_target(steps):
    learner, state = td3_state(0.5, target_noise=0.0)
    rows = experience()
    learner.learn(jax.random.key(0), state, rows)
    x = np.asarray(rows.next_obs)[:, 0]
    after = np.minimum(2 * x + 3 * 0.5 + 1, -x + 0.5)
    expected = np.asarray(rows.reward) + 0.5 * np.where(rows.terminated, 0.0, after)
    np.testing.assert_allclose(targets(steps)[0], expected, rtol=1e-5)
    learner, state = td3_state(0.5, target_noise=0.0, value_range=(0.25, 1.0))
    learner.learn(jax.random.key(0), state, rows)
    np.testing.assert_allclose(targets(steps)[1], np.clip(expected, 0.25, 1.0), rtol=1e-5)


def test_td3_noise_on_the_target_action_is_clipped_twice(steps):
    rows = experience(2000)
    for mean, low, high in ((0.0, -0.3, 0.3), (1.0, 0.7, 1.0)):
        learner, state = td3_state(mean, target_noise=0.5, target_noise_clip=0.3, delay=99)
        both = [q(0.0, 1.0, 0.0)] * 2
        state = state.replace(target=state.target | {"critics": both})
        learner.learn(jax.random.key(0), state, rows)
        live = ~np.asarray(rows.terminated)
        action = 2 * (targets(steps)[-1] - np.asarray(rows.reward))[live]
        assert low - 1e-5 <= action.min() and action.max() <= high + 1e-5
        assert (action.min() < low + 1e-5) and (action.max() > high - 1e-5)
        inside = (action > -0.299) & (action < 0.299) if mean == 0 else action < 0.999
        # Within 0.3 of 0 at a deviation of 0.5 lies 0.451 of a normal; below 0, one half.
        assert inside.mean() == pytest.approx(0.451 if mean == 0 else 0.5, abs=0.04)


def test_td3_policy_and_targets_wait_for_the_delay():
    learner, state = td3_state(0.5, delay=3)
    learn = jax.jit(learner.learn)
    same = lambda a, b: all(  # noqa: E731
        jax.tree.leaves(jax.tree.map(lambda x, y: bool((x == y).all()), a, b))
    )
    state = state.replace(policy=dense([[0.1]], [0.0]))
    for i in range(1, 7):
        new, _ = learn(jax.random.key(i), state, experience())
        assert not same(new.critics, state.critics)
        assert same(new.policy, state.policy) == (i % 3 != 0)
        assert same(new.policy_opt, state.policy_opt) == (i % 3 != 0)
        assert same(new.target, state.target) == (i % 3 != 0)
        if i % 3 == 0:
            goal = {"policy": new.policy, "critics": new.critics}
            follow = ops.polyak(state.target, goal, 0.25)
            jax.tree.map(
                lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), new.target, follow
            )
        state = new


def test_the_policy_starts_late_and_the_targets_do_not():
    learner, state = td3_state(0.5, delay=2, policy_start=4)
    state = state.replace(policy=dense([[0.1]], [0.0]))
    moved = []
    for i in range(1, 7):
        new, _ = jax.jit(learner.learn)(jax.random.key(i), state, experience())
        old, now = (np.asarray(jax.tree.leaves(s.policy)[0]) for s in (state, new))
        old_target, target = (
            np.asarray(jax.tree.leaves(s.target["critics"])[0]) for s in (state, new)
        )
        assert bool((old_target != target).any()) == (i % 2 == 0)
        moved.append(bool((old != now).any()))
        state = new
    assert moved == [False] * 5 + [True]


def test_the_policys_steps_are_halved_and_its_gradient_is_bounded():
    opt = td3.policy_optimiser(td3.Config(lr=0.1, lr_halving_steps=2))
    state = opt.init(jnp.zeros(1))
    sizes = []
    for _ in range(5):
        update, state = opt.update(jnp.ones(1), state)
        sizes += [-float(x) for x in jax.tree.leaves(update)[0]]
    np.testing.assert_allclose(sizes, [0.1, 0.1, 0.05, 0.05, 0.025], rtol=1e-4)
    opt = td3.policy_optimiser(td3.Config(max_grad_norm=2.0))
    _, state = opt.update(jnp.array([30.0, 40.0]), opt.init(jnp.zeros(2)))
    first_moment = next(x for x in jax.tree.leaves(state) if x.shape == (2,))
    np.testing.assert_allclose(first_moment, [0.1 * 1.2, 0.1 * 1.6], rtol=1e-5)


def test_td3_policy_climbs_the_first_critic(steps):
    learner, state = td3_state(action_l2=0.5, delay=1)
    state = state.replace(policy=dense([[0.0]], [np.arctanh(0.4)]))
    learner.learn(jax.random.key(0), state, experience())
    loss, _, params, _, obs, _ = steps[1]
    value, _ = loss(params, obs, [q(0.0, 2.0, 0.0), q(0.0, -9.0, 0.0)])
    assert float(value) == pytest.approx(-2 * 0.4 + 0.5 * 0.4**2, rel=1e-5)


def test_td3_explores_with_bounded_noise():
    learner, state = td3_state(noise=0.2)
    state = state.replace(policy=dense([[0.0]], [np.arctanh(0.3)]))
    obs = jnp.zeros((4000, 1))
    action = np.asarray(learner.explore(jax.random.key(0), state, obs))
    assert action.mean() == pytest.approx(0.3, abs=0.02) and action.std() == pytest.approx(0.2, 0.1)
    np.testing.assert_allclose(learner.act(jax.random.key(0), state, obs), 0.3, rtol=1e-5)
    learner, _ = td3_state(noise=0.0, uniform=0.4)
    action = np.asarray(learner.explore(jax.random.key(0), state, obs))
    assert np.isclose(action, 0.3).mean() == pytest.approx(0.6, abs=0.03)
    assert np.abs(action).max() > 0.95


def test_ddpg_is_td3_without_its_three_changes(steps):
    config = ddpg.Config(hidden=(), discount=0.5)
    assert (config.critics, config.delay, config.target_noise) == (1, 1, 0.0)
    _, state = td3_state(0.5, critics=1, delay=1, target_noise=0.0)
    rows = experience()
    new, _ = ddpg.learner(config, SPEC).learn(jax.random.key(0), state, rows)
    x = np.asarray(rows.next_obs)[:, 0]
    after = 2 * x + 3 * 0.5 + 1
    expected = np.asarray(rows.reward) + 0.5 * np.where(rows.terminated, 0.0, after)
    np.testing.assert_allclose(targets(steps)[0], expected, rtol=1e-5)
    assert len(steps) == 2 and int(new.steps) == 1


# DDPG with demonstrations


@pytest.mark.parametrize("q_filter", [True, False])
def test_demonstrations_draw_the_policy_where_the_critic_prefers_them(steps, q_filter):
    config = ddpg_demos.Config(hidden=(), clone=10.0, demo_batch=3, q_filter=q_filter)
    learner = td3.learner(config, SPEC, objective=partial(ddpg_demos.cloning_objective, config))
    state = learner.init(jax.random.key(0)).replace(policy=dense([[0.0]], [np.arctanh(0.1)]))
    rows = experience(5)
    learner.learn(jax.random.key(0), state, rows)
    loss, _, params, _, batch, _ = steps[1]
    value, _ = loss(params, batch, [q(0.0, 2.0, 0.0)])
    # The last three demonstrated 0, 0.25 and 0.5; the policy does 0.1, and more is better.
    distance = (0.1 - np.array([0.0, 0.25, 0.5])) ** 2
    cloned = distance[1:].sum() / 3 if q_filter else distance.mean()
    assert float(value) == pytest.approx(10 * cloned - 2 * 0.1, rel=1e-5)


@pytest.mark.parametrize("module", [sac, td3])
def test_settings_can_be_traced(module):
    names = ["lr", "discount", "tau"] + ["temperature"] * (module is sac)

    def init(values):
        config = module.Config(hidden=(), **dict(zip(names, values, strict=True)))
        return module.learner(config, SPEC).init(jax.random.key(0))

    jax.eval_shape(init, [0.5] * len(names))
