"""Learning from fixed data: targets, losses and weights against hand-worked numbers."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.linear_networks import SPEC, dense, experience, q, targets

from imitbench.algos.cloning import bc
from imitbench.algos.offline import bcq, fixed_data, iql, marwil, offline_td3, td3_bc
from imitbench.core import buffer, distributions, nets, ops, policy_nets
from imitbench.core.types import Transition
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def rows(reward: Any = None, weight: Any = None, terminated: Any = None) -> Transition:
    """Two episodes of SPEC's five steps; the second one's last two steps are not real."""
    n = 10
    x = jnp.linspace(-1.0, 1.0, n)[:, None]
    no = jnp.zeros(n, bool)
    return Transition(
        obs=x,
        action=0.5 * x,
        intended_action=0.5 * x,
        reward=jnp.arange(n) * 1.0 if reward is None else jnp.asarray(reward),
        next_obs=x + 0.1,
        terminated=no.at[7].set(True) if terminated is None else jnp.asarray(terminated),
        truncated=no.at[4].set(True),
        success=no,
        weight=jnp.ones(n).at[8:].set(0.0) if weight is None else jnp.asarray(weight),
    )


# The frame


def test_minibatches_hold_real_rows_alone_all_of_them():
    seen: list[Any] = []
    config = fixed_data.Config(batch=500, steps=1, normalise_obs=True, reward_range=100.0)

    def learn(key, state, batch):
        seen.append(batch)
        return state, {"loss": jnp.float32(0)}

    learner = fixed_data.OffPolicyLearner(lambda key: 0, learn, lambda *a: a[2], lambda *a: a[2])
    algo = fixed_data.make(config, SPEC, learner)
    demos = rows().replace(reward=jnp.arange(10.0).at[8:].set(jnp.nan))
    state = algo.init(KEY, demos)
    with jax.disable_jit():
        algo.update(KEY, state, demos)
    # Returns are 0 + 1 + 2 + 3 + 4 = 10 and 5 + 6 + 7 = 18. Their range is less than their mean, so
    # rewards are multiplied by 100 / 14.
    reward = np.asarray(seen[0].reward) * 14 / 100
    assert set(np.unique(np.round(reward).astype(int))) == set(range(8))
    real = np.linspace(-1, 1, 10)[:8]
    np.testing.assert_allclose(state.norm.mean, real.mean(), rtol=1e-5)
    scaled = (real - real.mean()) / real.std()
    np.testing.assert_allclose(np.unique(np.round(seen[0].obs, 4)), np.round(scaled, 4), atol=2e-4)
    assert seen[0].terminated.sum() == (np.round(reward) == 7).sum() > 0
    np.testing.assert_allclose(
        algo.act(KEY, state, jnp.ones((2, 1))), (1 - real.mean()) / real.std()
    )


@pytest.mark.parametrize(("reward", "scale"), [(-1.0, 100.0 / 5), (0.0, 1.0)])
def test_the_range_of_equal_returns_is_their_size(reward, scale):
    config = fixed_data.Config(reward_range=100.0)
    algo = fixed_data.make(config, SPEC, offline_td3.td3.learner(offline_td3.Config(), SPEC))
    even = rows(reward=np.full(10, reward), weight=np.ones(10), terminated=np.arange(10) == 9)
    assert float(algo.init(KEY, even).reward_scale) == pytest.approx(scale)


def test_observations_are_standardised_unless_told_otherwise():
    algo = iql.make(iql.Config(hidden=(4,)), SPEC)
    data = rows()
    norm = algo.init(KEY, data).norm
    real = np.asarray(data.obs)[np.asarray(data.weight) > 0]
    np.testing.assert_allclose(norm(jnp.asarray(real), jnp.inf).std(0), 1.0, rtol=1e-4)


# TD3+BC


def test_td3_bc_weighs_value_against_distance(steps):
    config = td3_bc.Config(hidden=(), discount=0.5, delay=1, alpha=3.0)
    learner = td3_bc.td3.learner(
        config, SPEC, objective=partial(td3_bc.cloning_objective, config.alpha)
    )
    state = learner.init(KEY).replace(policy=dense([[0.0]], [np.arctanh(0.4)]))
    learner.learn(KEY, state, experience())
    loss, _, params, _, batch, _ = steps[1]
    value, _ = loss(params, batch, [q(0.0, -2.0, 0.0), q(0.0, 9.0, 0.0)])
    # Q = -0.8 everywhere: its mean over its mean size is -1, times alpha 3.
    distance = np.mean((0.4 - np.asarray(batch.action)) ** 2)
    assert float(value) == pytest.approx(3.0 + distance, rel=1e-5)
    # The scale counts as a number: the slope in the action is alpha / |Q| dQ/da + 2 (a - data).
    slope = jax.grad(lambda b: loss(dense([[0.0]], [b]), batch, [q(0.0, -2.0, 0.0)])[0])
    expected = 3.0 / 0.8 * 2.0 + 2 * np.mean(0.4 - np.asarray(batch.action))
    assert float(slope(np.arctanh(0.4))) == pytest.approx(expected * (1 - 0.4**2), rel=1e-4)


# BCQ


def bcq_state(**settings: Any):
    config = bcq.Config(hidden=(), vae_hidden=(), discount=0.5, tau=0.25, **settings)
    learner = bcq.learner(config, SPEC)
    state = learner.init(KEY)
    vae = {  # encodes to z = (x, a) with small spread; decodes to tanh(z_1 + z_2)
        "encoder": dense([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]], [0.0, 0.0, -3.0, -3.0]),
        "decoder": dense([[0.0], [1.0], [1.0]], [0.0]),
    }
    params = state.params | {"vae": vae, "perturb": dense([[0.0], [0.0]], [9.0])}
    target = {"critics": [q(2.0, 3.0, 1.0), q(-1.0, 1.0, 0.0)], "perturb": params["perturb"]}
    return learner, state.replace(params=params, target=target)


def test_bcq_target_is_the_best_of_the_proposals(steps, monkeypatch):
    """With an update of the VAE that changes nothing, the proposals can be drawn again by hand."""
    n = 7
    learner, state = bcq_state(proposals=n, soft_min=0.75, perturbation=0.1, lr=1e-12)
    batch = experience()
    key = jax.random.key(3)
    learner.learn(key, state, batch)
    z = jax.random.normal(jax.random.split(key, 3)[1], (4 * n, 2))
    action = np.tanh(np.clip(np.asarray(z), -0.5, 0.5).sum(axis=1))
    action = np.clip(action + 0.1 * np.tanh(9.0), -1, 1).reshape(4, n)
    x = np.asarray(batch.next_obs)
    first, second = 2 * x + 3 * action + 1, -x + action
    mixed = 0.75 * np.minimum(first, second) + 0.25 * np.maximum(first, second)
    after = np.where(batch.terminated, 0.0, mixed.max(axis=1))
    np.testing.assert_allclose(
        targets(steps)[0], np.asarray(batch.reward) + 0.5 * after, rtol=1e-4, atol=1e-5
    )


def test_bcq_vae_loss(steps):
    learner, state = bcq_state(kl=0.5)
    batch, key = experience(), jax.random.key(3)
    learner.learn(key, state, batch)
    loss, _, params, _, k_vae, _ = steps[0]
    value, metrics = loss(params, k_vae, batch)
    x, a = np.asarray(batch.obs), np.asarray(batch.action)
    mean = np.concatenate([x, a], axis=1)
    z = mean + np.exp(-3.0) * np.asarray(jax.random.normal(k_vae, mean.shape))
    error = np.mean((np.tanh(z.sum(axis=1)) - a[:, 0]) ** 2)
    # The divergence is averaged over latent components too, not summed.
    kl = np.mean(-0.5 * (1 - 6.0 - mean**2 - np.exp(-6.0)))
    assert float(metrics["kl"]) == pytest.approx(kl, rel=1e-5)
    assert float(value) == pytest.approx(error + 0.5 * kl, rel=1e-5)


def test_bcq_perturbation_climbs_the_first_critic_within_its_bound(steps):
    learner, state = bcq_state(perturbation=0.2)
    learner.learn(KEY, state, experience())
    loss, _, _, _, obs, proposed, _ = steps[2]
    critics = [q(0.0, 2.0, 0.0), q(0.0, -9.0, 0.0)]
    value, _ = loss(dense([[0.0], [0.0]], [np.arctanh(0.5)]), obs, proposed, critics)
    assert float(value) == pytest.approx(-2 * float(np.mean(proposed + 0.1)), rel=1e-5)
    assert np.abs(np.asarray(proposed)).max() <= np.tanh(1.0) + 0.01  # latents clipped to 0.5


def test_bcq_acts_by_the_first_critics_best_proposal():
    learner, state = bcq_state(act_proposals=200, perturbation=0.0)
    for sign in (1.0, -1.0):
        critics = [q(0.0, sign, 0.0), q(0.0, -5 * sign, 0.0)]
        chosen = state.replace(params=state.params | {"critics": critics})
        action = np.asarray(learner.act(KEY, chosen, jnp.zeros((6, 1))))
        assert action.shape == (6, 1)
        np.testing.assert_allclose(action, sign * np.tanh(1.0), atol=0.05)


# IQL


def test_iql_by_hand(steps):
    config = iql.Config(hidden=(), discount=0.5, expectile=0.8, temperature=2.0, max_weight=3.0)
    learner = iql.learner(config, SPEC)
    state = learner.init(KEY)
    params = state.params | {"value": dense([[1.0]], [0.5])}
    state = state.replace(params=params, target=[q(2.0, 3.0, 1.0), q(-1.0, 1.0, 0.0)])
    batch = experience()
    new, _ = learner.learn(KEY, state, batch)
    x, a = np.asarray(batch.obs)[:, 0], np.asarray(batch.action)[:, 0]
    lesser = np.minimum(2 * x + 3 * a + 1, -x + a)
    loss, _, value_params, _, *args = steps[0]
    np.testing.assert_allclose(args[1], lesser, rtol=1e-5)
    error = lesser - (x + 0.5)
    expected = np.mean(np.where(error > 0, 0.8, 0.2) * error**2)
    assert float(loss(value_params, *args)[0]) == pytest.approx(expected, rel=1e-5)
    # Policy: the advantage is over the value that has just been moved.
    loss, _, policy_params, _, _, advantage = steps[1]
    moved = nets.value(SPEC, ()).apply(new.params["value"], batch.obs)
    np.testing.assert_allclose(advantage, lesser - np.asarray(moved), rtol=1e-5)
    dist = policy_nets.policy(SPEC, (), "shared").apply(policy_params, batch.obs)
    assert isinstance(dist, distributions.Gaussian)
    weight = np.minimum(np.exp(2.0 * np.array([0.1, -0.3, 0.9, 0.5])), 3.0)
    value, metrics = loss(policy_params, batch, jnp.array([0.1, -0.3, 0.9, 0.5]))
    expected = -np.mean(weight * np.asarray(dist.log_prob(batch.action)))
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["weight"]) == pytest.approx(weight.mean(), rel=1e-5)
    after = np.asarray(nets.value(SPEC, ()).apply(new.params["value"], batch.next_obs))
    expected = np.asarray(batch.reward) + 0.5 * np.where(batch.terminated, 0.0, after)
    np.testing.assert_allclose(targets(steps)[-1], expected, rtol=1e-5)


# MARWIL


@pytest.mark.slow
def test_marwil_without_beta_is_bc():
    shape = {"hidden": (8,), "lr": 1e-2, "batch": 6, "steps": 5}
    clone = bc.make(bc.Config(loss="nll", validation=0.0, **shape), SPEC)
    same = marwil.make(marwil.Config(beta=0.0, **shape), SPEC)
    other = marwil.make(marwil.Config(beta=1.0, norm_start=1.0, **shape), SPEC)
    states = [algo.init(KEY, rows()) for algo in (clone, same, other)]
    for i in range(3):
        key = jax.random.key(i)
        states = [
            algo.update(key, s, rows())[0]
            for algo, s in zip((clone, same, other), states, strict=True)
        ]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7),
        states[0].params, states[1].params["policy"],
    )  # fmt: skip
    away = jax.tree.map(
        lambda a, b: float(np.abs(a - b).max()), states[0].params, states[2].params["policy"]
    )
    assert max(jax.tree.leaves(away)) > 1e-3


@pytest.mark.slow
def test_marwil_by_hand(steps):
    config = marwil.Config(
        hidden=(), beta=2.0, value=0.7, batch=4, steps=1, discount=0.5, norm_start=4.0,
        norm_rate=0.1, max_weight=5.0,
    )  # fmt: skip
    algo = marwil.make(config, SPEC)
    state = algo.init(KEY, rows())
    state = state.replace(params=state.params | {"value": dense([[0.0]], [3.0])})
    with jax.disable_jit():
        new, _ = algo.update(KEY, state, rows())
    loss, _, params, _, _, squared = steps[0]
    assert float(squared) == 4.0
    # Where the time limit cuts (row 4) the value 3 goes on; row 7 ends its episode.
    first = [4 + 0.5 * 3]
    for r in (3.0, 2.0, 1.0, 0.0):
        first.insert(0, r + 0.5 * first[0])
    second = [7.0]
    for r in (6.0, 5.0):
        second.insert(0, r + 0.5 * second[0])
    expected = np.array(first + second)
    batch = marwil.Rows(rows().obs[:8], rows().action[:8], jnp.asarray(expected), jnp.ones(8))
    value, _ = loss(params, batch, jnp.float32(4.0))
    advantage = expected - 3.0
    weight = np.minimum(np.exp(2.0 * advantage / 2.0), 5.0)
    dist = policy_nets.policy(SPEC, (), "gaussian").apply(params["policy"], batch.obs)
    assert isinstance(dist, distributions.Gaussian)
    nll = np.mean(-weight * np.asarray(dist.log_prob(batch.action)))
    total = nll + 0.7 * 0.5 * np.mean(advantage**2)
    assert float(value) == pytest.approx(total, rel=1e-5)
    drawn = steps[0][4]
    found = np.asarray(drawn.returns)[np.asarray(drawn.weight) > 0]
    assert all(np.isclose(expected, x).any() for x in found) and len(found)
    mean = float(loss(params, drawn, squared)[1]["squared"])
    assert float(new.squared) == pytest.approx(4.0 + 0.1 * (mean - 4.0), rel=1e-5)
    # No gradient reaches the value through the weights.
    free = dataclasses.replace(config, value=0.0)
    steps.clear()
    with jax.disable_jit():
        marwil.make(free, SPEC).update(KEY, state, rows())
    grads = jax.grad(lambda p: steps[0][0](p, batch, jnp.float32(4.0))[0])(params)
    assert not any(np.any(x) for x in jax.tree.leaves(grads["value"]))


def test_marwil_divides_by_the_first_minibatchs_advantages(steps):
    """On returns of any size the weights of the first minibatch have the same size, and a bound."""
    for size in (1e-3, 1e4):
        steps.clear()
        algo = marwil.make(marwil.Config(hidden=(), batch=64, steps=1), SPEC)
        big = rows().replace(reward=size * rows().reward)
        state = algo.init(KEY, big)
        state = state.replace(params=state.params | {"value": dense([[0.0]], [0.0])})
        with jax.disable_jit():
            new, metrics = algo.update(KEY, state, big)
        drawn = steps[0][4]
        real = np.asarray(drawn.weight) > 0
        returns = np.asarray(drawn.returns)[real]
        weight = np.minimum(np.exp(returns / np.sqrt(np.mean(returns**2))), 20.0)
        assert float(metrics["weight"]) == pytest.approx(weight.mean(), rel=1e-4)
        assert float(new.squared) == pytest.approx(np.mean(returns**2), rel=1e-4)


def test_bad_settings():
    cases: list[tuple[Any, str, float]] = [
        (fixed_data.Config, "batch", 0), (fixed_data.Config, "reward_range", -1),
        (bcq.Config, "proposals", 0), (bcq.Config, "soft_min", 1.5), (bcq.Config, "lr", 0),
        (iql.Config, "expectile", 1.0), (iql.Config, "max_weight", 0), (iql.Config, "tau", 0),
        (td3_bc.Config, "alpha", 0), (marwil.Config, "beta", -1), (marwil.Config, "discount", 2),
    ]  # fmt: skip
    for make, name, value in cases:
        with pytest.raises(UserError, match=f"^{name}={value}: expected [^\n]*$"):
            make(**{name: value})


def test_real_rows_are_drawn_evenly():
    weight = jnp.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    drawn = buffer.real_row_sampler({"i": jnp.arange(6)}, weight)(KEY, 3000)["i"]
    counts = np.bincount(np.asarray(drawn), minlength=6)
    assert (counts[[0, 2, 5]] == 0).all()
    np.testing.assert_allclose(counts[[1, 3, 4]], 1000, atol=120)
    assert ops.all_finite(drawn)


def test_bcq_and_iql_begin_with_the_weights_of_their_official_code():
    key = jax.random.key(0)
    uniform = bcq.Config(hidden=(32,), vae_hidden=(32,), initial_weights="uniform")
    params = bcq.learner(uniform, SPEC).init(key).params
    nets = [*params["vae"].values(), *params["critics"], params["perturb"]]
    for layer in (layer for net in nets for layer in net["params"].values()):
        bound = layer["kernel"].shape[0] ** -0.5
        assert np.abs(layer["kernel"]).max() <= bound and layer["bias"].any()
    orthogonal = iql.Config(hidden=(32,), initial_weights="orthogonal")
    params = iql.learner(orthogonal, SPEC).init(key).params
    for net in (params["policy"]["net"], params["value"], *params["critics"]):
        for layer in net["params"].values():
            kernel = np.asarray(layer["kernel"])
            few = kernel if kernel.shape[0] <= kernel.shape[1] else kernel.T
            np.testing.assert_allclose(few @ few.T, 2 * np.eye(len(few)), atol=1e-5)
            assert not layer["bias"].any()
