"""The discriminator: losses and rewards by hand, its optimum, and what it looks at."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.adversarial import discriminator, discriminator_losses, f_divergence
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.adversarial.discriminator_input import (
    Pairs,
    action_input,
    pair_input,
)
from imitbench.core import buffer, nets
from imitbench.core.config import config_dict
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def discriminator_of(config: DiscriminatorConfig, spec: Any) -> Discriminator:
    """A discriminator of observations and actions."""
    net, encode, *_ = pair_input(config, spec)
    return Discriminator(config, net, encode)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_rewards_and_their_signs():
    """D is the probability that a step is the expert's: all rewards grow with it."""
    logit = jnp.array([-3.0, 0.0, 2.0])
    d = sigmoid(np.asarray(logit, np.float64))
    rewards = {
        kind: discriminator.rewards(DiscriminatorConfig(reward=kind), logit)
        for kind in ("positive", "negative", "logit")
    }
    np.testing.assert_allclose(rewards["positive"], -np.log(1 - d), rtol=1e-5)
    np.testing.assert_allclose(rewards["negative"], np.log(d), rtol=1e-5)
    np.testing.assert_allclose(rewards["logit"], np.log(d) - np.log(1 - d), rtol=1e-5, atol=1e-7)
    assert (rewards["positive"] > 0).all() and (rewards["negative"] < 0).all()


def test_cross_entropy_and_entropy_by_hand():
    """Odds of 3 to 1 for the expert's step, of 1 to 1 for the policy's."""
    expert, policy = jnp.log(jnp.array([3.0])), jnp.zeros(1)
    loss = discriminator_losses.cross_entropy(expert, policy)
    assert float(loss) == pytest.approx(-np.log(0.75) - np.log(0.5), rel=1e-5)
    assert float(discriminator_losses.entropy(policy)) == pytest.approx(np.log(2), rel=1e-5)
    entropy = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    assert float(discriminator_losses.entropy(expert)) == pytest.approx(entropy, rel=1e-5)


def test_the_loss_by_hand():
    """f = 2 x + 3 a - 1: the gradient's norm is the root of 13 everywhere."""
    w = jnp.array([2.0, 3.0])
    inputs = jnp.array([[[1.0, 0.5], [0.0, 0.0]], [[-1.0, 0.2], [0.5, -0.5]]])
    f = np.array([[2.5, -1.0], [-2.4, -1.5]])
    config = DiscriminatorConfig(penalty=10.0, entropy=0.5)
    mixing = jnp.array([[0.3], [0.9]])
    total, metrics = discriminator.loss(config, lambda x: x @ w - 1.0, mixing, inputs)
    d = sigmoid(f)
    fit = -np.mean(np.log(d[0])) - np.mean(np.log(1 - d[1]))
    entropy = -np.mean(d * np.log(d) + (1 - d) * np.log(1 - d))
    penalty = (13**0.5 - 1) ** 2
    assert float(metrics["discriminator_loss"]) == pytest.approx(fit, rel=1e-5)
    assert float(metrics["penalty"]) == pytest.approx(penalty, rel=1e-5)
    assert float(total) == pytest.approx(fit - 0.5 * entropy + 10 * penalty, rel=1e-5)
    assert (float(metrics["expert_told"]), float(metrics["policy_told"])) == (0.5, 1.0)


def test_the_penalty_is_on_points_between_the_two():
    """f = x^2 has the slope 2 x: a quarter of the way from 0 to 4 it is 2, and the penalty 1."""
    inputs, mixing = jnp.array([[[4.0]], [[0.0]]]), jnp.array([[0.25]])
    config = DiscriminatorConfig(penalty=1.0, entropy=0.0)
    _, metrics = discriminator.loss(config, lambda x: x[:, 0] ** 2, mixing, inputs)
    assert float(metrics["penalty"]) == pytest.approx(1.0)
    flat = discriminator.loss(config, lambda x: 0.0 * x[:, 0], mixing, inputs)
    slope = jax.grad(lambda c: discriminator.loss(config, lambda x: c * x[:, 0], mixing, inputs)[0])
    assert float(flat[1]["penalty"]) == pytest.approx(1.0, abs=1e-5) and np.isfinite(slope(0.0))


P, Q = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])


def fitted(expert: np.ndarray, policy: np.ndarray, **settings: Any) -> tuple[np.ndarray, float]:
    """Trains on three states, which the two visit with these shares.

    Returns:
        The rewards of the states, and the last loss.
    """
    spec = make_spec([("state", 3)], 1, 5)
    config = DiscriminatorConfig(
        hidden=(), lr=0.02, batch=500, steps=1500, state_only=True, penalty=0.0, entropy=0.0,
        **settings,
    )  # fmt: skip
    classifier = discriminator_of(config, spec)

    def rows(share: np.ndarray) -> jax.Array:
        return jnp.asarray(np.repeat(np.eye(3), np.round(1000 * share).astype(int), axis=0), float)

    def draw(share: np.ndarray) -> discriminator.Draw:
        pairs = Pairs(rows(share), jnp.zeros((1000, 1)))
        return lambda key, n: buffer.sample(key, pairs, n)

    fit = jax.jit(lambda key, state: classifier.fit(key, state, draw(expert), draw(policy)))
    state, _ = fit(KEY, classifier.init(KEY, rows(expert), jnp.ones(1000)))
    state, metrics = fit(jax.random.key(1), state)
    rewards = classifier.reward(state, Pairs(jnp.eye(3), jnp.zeros((3, 1))))
    return np.asarray(rewards), float(metrics["discriminator_loss"])


@pytest.mark.slow
def test_the_best_discriminator_is_p_over_p_plus_q():
    """Three states, which the expert visits with p and the policy with q. The loss is at its
    optimum log 4 minus twice the Jensen-Shannon divergence; log 4 where p = q."""
    logit, loss = fitted(P, Q, reward="logit")
    np.testing.assert_allclose(sigmoid(logit), P / (P + Q), atol=0.03)
    mixed = (P + Q) / 2
    divergence = 0.5 * np.sum(P * np.log(P / mixed)) + 0.5 * np.sum(Q * np.log(Q / mixed))
    assert loss == pytest.approx(np.log(4) - 2 * divergence, abs=0.03)
    assert fitted(P, P)[1] == pytest.approx(np.log(4), abs=0.01)


# For each divergence its definition, and the reward of the best estimate as a function of p / q.
DIVERGENCES = {
    "kl": (lambda p, q: np.sum(p * np.log(p / q)), lambda u: u),
    "reverse-kl": (lambda p, q: np.sum(q * np.log(q / p)), lambda u: np.log(u) - 1),
    "js": (
        lambda p, q: np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))),
        lambda u: np.log((1 + u) / 2),
    ),
    "tv": (lambda p, q: 0.5 * np.sum(np.abs(p - q)), None),
}


@pytest.mark.parametrize(
    "name", [n if n == "js" else pytest.param(n, marks=pytest.mark.slow) for n in DIVERGENCES]
)
def test_divergences_are_estimated(name):
    """The highest bound is the divergence itself, and the reward there is f*(f'(p / q)): for kl the
    ratio itself, and so on; total variation has a corner at 1 and only its ends are known."""
    by_definition, best = DIVERGENCES[name]
    rewards, loss = fitted(P, Q, divergence=name)
    assert -loss == pytest.approx(by_definition(P, Q), abs=0.05)
    if best is None:
        np.testing.assert_allclose(rewards[[0, 2]], [0.5, -0.5], atol=0.05)
    else:
        np.testing.assert_allclose(rewards, best(P / Q), rtol=0.1, atol=0.1)
    assert rewards[0] > rewards[1] > rewards[2]  # what the expert does more often is rewarded more


def test_bounds_by_hand():
    """kl: g(v) = v, f*(v) = exp(v - 1), whose exponent is cut off."""
    kl = f_divergence.DIVERGENCES["kl"]
    bound = f_divergence.bound(kl, jnp.array([2.0, 4.0]), jnp.array([1.0, 1.0]))
    assert float(bound) == pytest.approx(3.0 - 1.0)
    assert float(kl.policy(jnp.array(100.0))) == pytest.approx(np.exp(10.0), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "logits", "expected"),
    [
        ("reverse-kl", [0.0, 0.7, -2.0], [0.0, 0.7, -2.0]),  # v - 1, less -1
        ("kl", [1.0, 1.0 + np.log(3.0), 1.0 - np.log(2.0)], [0.0, 2.0, -0.5]),  # p / q, less 1
        ("js", [0.0, np.log(3.0)], [0.0, np.log(2.0)]),  # log((1 + p / q) / 2)
        ("tv", [0.0, 30.0], [0.0, 0.5]),
    ],
)
def test_a_centred_reward_is_0_where_both_densities_are_equal(name, logits, expected):
    """The first logit of each is the best one there, f'(1) under g; the loss stays as it is."""
    plain = DiscriminatorConfig(divergence=name, penalty=0.0)
    centred = DiscriminatorConfig(divergence=name, penalty=0.0, centred=True)
    rewards = discriminator.rewards(centred, jnp.array(logits))
    np.testing.assert_allclose(rewards, expected, rtol=1e-5, atol=1e-6)
    offset = {"reverse-kl": -1.0, "kl": 1.0}.get(name, 0.0)
    before = discriminator.rewards(plain, jnp.array(logits))
    np.testing.assert_allclose(before - rewards, offset, rtol=1e-5, atol=1e-6)
    inputs, mixing = jnp.array([[[0.3], [-1.0]], [[0.8], [0.2]]]), jnp.zeros((2, 1))
    losses = [
        float(discriminator.loss(c, lambda x: x[:, 0], mixing, inputs)[0]) for c in (plain, centred)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("reward", ["positive", "negative", "logit"])
def test_rewards_of_a_classifier_are_not_centred(reward):
    with pytest.raises(UserError, match="centred=True: expected false without a divergence"):
        DiscriminatorConfig(reward=reward, centred=True)


def test_an_identity_names_centred_only_where_it_is_set():
    plain = config_dict(DiscriminatorConfig(divergence="reverse-kl"))
    assert "centred" not in plain
    centred = config_dict(DiscriminatorConfig(divergence="reverse-kl", centred=True))
    assert centred == plain | {"centred": True}


def test_actions_are_inputs_unless_only_states_are(demos):
    spec = envs.make("PointMass").spec
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x[0]), demos.steps)
    for state_only, same in ((False, False), (True, True)):
        config = DiscriminatorConfig(hidden=(8,), state_only=state_only)
        classifier = discriminator_of(config, spec)
        state = classifier.init(KEY, rows.obs, rows.weight)
        rewards = [
            classifier.reward(state, Pairs(rows.obs, a)) for a in (rows.action, -rows.action)
        ]
        assert np.allclose(rewards[0], rewards[1]) == same


def test_discrete_actions_are_one_hot_encoded():
    spec = envs.make("ProbePolicy").spec
    np.testing.assert_array_equal(action_input(spec, jnp.array([1, 0])), [[0, 1], [1, 0]])


def test_the_spectral_norm_is_the_largest_singular_value():
    net = nets.function(7, (32, 16), 1)
    params: Any = net.init(KEY)
    for kernel in jax.tree.leaves(nets.spectral_norm(params)):
        if kernel.ndim == 2:
            assert np.linalg.norm(kernel, 2) == pytest.approx(1.0, abs=0.05)
    normalised = nets.function(7, (32, 16), 1, spectral=True)
    x = jax.random.normal(KEY, (2, 7))
    scaled = jax.tree.map(lambda w: 100.0 * w if w.ndim == 2 else w, params)
    np.testing.assert_allclose(
        normalised.apply(params, x), normalised.apply(scaled, x), rtol=1e-3, atol=1e-5
    )
    assert not np.allclose(net.apply(params, x), net.apply(scaled, x))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"reward": "odd"}, "reward=odd: expected one of positive, negative, logit"),
        ({"penalty": -1}, "penalty=-1: expected 0 or more"),
        ({"steps": 0}, "steps=0: expected 1 or more"),
        ({"divergence": "odd"}, "divergence=odd: expected nothing or one of kl, rev"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(UserError, match=words):
        DiscriminatorConfig(**settings)
