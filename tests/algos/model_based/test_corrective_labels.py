"""Corrective labels by hand: the model's loss, the labels, and the bound of their errors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.linear_networks import dense

from imitbench.algos.model_based import corrective_labels as labels
from imitbench.core import nets

NET = nets.function(2, (), 1)  # of one state and one action


def test_excess_by_hand():
    """Slopes 5 / 2 and 1 / 2 against L = 2."""
    output = jnp.array([[0.0, 0.0], [1.0, 1.0]])
    displaced = jnp.array([[[3.0, 4.0], [1.0, 2.0]]])
    displacement = jnp.array([[[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    excess = labels.lipschitz_excess(output, displaced, displacement, 2.0)
    np.testing.assert_allclose(excess, [[0.5, 0.0]], atol=1e-6)


def test_excess_has_a_finite_gradient_where_nothing_changes():
    ones = jnp.ones((1, 1, 1))

    def total(x: jax.Array) -> jax.Array:
        return jnp.sum(labels.lipschitz_excess(x[0], x, ones, 0.5))

    assert np.isfinite(jax.grad(total)(ones)).all()


@pytest.mark.parametrize("size", [3e-4, 0.1])
def test_loss_by_hand(size):
    """The network 3 z0 + 4 z1 has slope 5 along (3, 4), so that L = 2 leaves 3; the change is 1
    more than predicted at one row and 3 more at the other."""
    params = dense([[3.0], [4.0]], [0.0])
    inputs = jnp.array([[0.5, 0.0], [0.0, 1.0]])
    change = jnp.array([[2.5], [7.0]])
    along = size * jnp.broadcast_to(jnp.array([0.6, 0.8]), (4, 2, 2))
    loss, metrics = labels.model_loss(params, NET.apply, inputs, change, along, 2.0, 0.1)
    assert float(metrics["model_loss"]) == pytest.approx(5.0, rel=1e-5)
    assert float(metrics["excess"]) == pytest.approx(3.0, rel=5e-3)
    assert float(loss) == pytest.approx(5.3, rel=1e-3)
    plain, _ = labels.model_loss(params, NET.apply, inputs, change, along, 2.0, 0.0)
    assert float(plain) == pytest.approx(5.0, rel=1e-5)
    flat, _ = labels.model_loss(params, NET.apply, inputs, change, along, 6.0, 0.1)
    assert float(flat) == pytest.approx(5.0, rel=1e-5)


def f(state: jax.Array, action: jax.Array) -> jax.Array:
    """x' = x + 0.1 x + 0.2 a."""
    return 0.1 * state + 0.2 * action


def test_backtrack_by_hand():
    x = labels.backtrack(f, jnp.array([[2.0]]), jnp.array([[0.5]]))
    np.testing.assert_allclose(x, [[2.0 - 0.3]], rtol=1e-6)


def test_disturbed_action_by_hand_and_at_its_root():
    next_state, action = jnp.array([[2.0]]), jnp.array([[-0.5]])
    x, change = labels.disturbed_action(f, next_state, action, 1)
    np.testing.assert_allclose([x[0, 0], change[0, 0]], [1.9, 0.1], rtol=1e-6)
    x, change = labels.disturbed_action(f, next_state, action, 2)
    np.testing.assert_allclose([x[0, 0], change[0, 0]], [1.91, 0.09], rtol=1e-5)
    x, change = labels.disturbed_action(f, next_state, action, 12)
    np.testing.assert_allclose(x, (2.0 + 0.1) / 1.1, rtol=1e-6)  # 1.1 x - 0.1 = 2
    np.testing.assert_allclose(x + f(x, action), next_state, rtol=1e-6)


def test_bound_by_hand():
    """2 sqrt((9 + 16 + 144) / 2) + sqrt((1 + 49) / 2) + sqrt((0 + 2) / 2)."""
    bound = labels.error_bound(
        2.0, jnp.array([[3.0, 4.0, 12.0]]), jnp.array([[1.0, 7.0]]), jnp.array([[0.0, 2.0**0.5]])
    )
    np.testing.assert_allclose(bound, [2 * 13 / 2**0.5 + 5 + 1], rtol=1e-6)


@pytest.mark.parametrize("kind", ["backtrack", "disturbed_action"])
def test_the_bound_holds_for_any_model_of_lipschitz_dynamics(kind):
    """True changes have slopes up to 1.5 in each component; the model is another function."""
    k = jax.random.split(jax.random.key(3), 4)
    state, action = jax.random.normal(k[0], (500, 2)), jax.random.normal(k[1], (500, 2))

    def true(s: jax.Array, a: jax.Array) -> jax.Array:
        return jnp.sin(s) + 0.5 * jnp.abs(a)  # ||DF|| <= sqrt(1 + 0.25)

    def model(s: jax.Array, a: jax.Array) -> jax.Array:
        return 0.8 * jnp.tanh(s) + 0.4 * jnp.abs(a) + 0.1

    next_state, predicted = state + true(state, action), model(state, action)
    if kind == "backtrack":
        x, label, target, drift = labels.backtrack(model, state, action), action, state, 0 * state
    else:
        label = action + 0.3 * jax.random.normal(k[2], action.shape)
        x, change = labels.disturbed_action(model, next_state, label, 1)
        target, drift = next_state, change - predicted
    moved = jnp.concatenate([x - state, label - action], axis=-1)
    error = labels.mean_length(x + true(x, label) - target)
    bound = labels.error_bound(1.25**0.5, moved, predicted - true(state, action), drift)
    assert (error <= bound + 1e-5).all()
    assert float(jnp.max(error / bound)) > 0.5  # the bound says something
