"""The dynamics model: its loss by hand, and what VINS fits it to."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.line_task import AT, one_gradient_step
from helpers.linear_networks import dense

from imitbench.algos.model_based import dynamics

KEY = jax.random.key(0)


def test_prediction_loss_by_hand():
    """Equation (5): errors of length 5 and 0, not squared, with a finite gradient at 0."""
    predicted, change = jnp.array([[3.0, 4.0], [1.0, 1.0]]), jnp.array([[0.0, 0.0], [1.0, 1.0]])
    assert float(dynamics.prediction_loss(predicted, change)) == pytest.approx(2.5, rel=1e-5)
    assert np.isfinite(jax.grad(dynamics.prediction_loss)(change, change)).all()


@pytest.mark.slow
def test_model_is_fitted_by_length_not_by_its_square(steps):
    one_gradient_step(steps)
    (call,) = [c for c in steps if len(c) == 6 and getattr(c[4], "shape", ()) == (400, 2)]
    loss, inputs, change = call[0], call[4], call[5]
    assert inputs.shape == (400, 2) and change.shape == (400, 1)
    real = (AT[:, 1:] - AT[:, :-1]).ravel()
    scaled = (real - real.mean()) / real.std()
    changes = np.unique(np.round(np.asarray(change, np.float64), 3))
    np.testing.assert_allclose(changes, np.unique(np.round(scaled, 3)), atol=2e-3)
    value, _ = loss(dense([[0.0], [0.0]], [0.0]), inputs[:3], jnp.array([[3.0], [-4.0], [0.0]]))
    assert float(value) == pytest.approx(7 / 3, rel=1e-5)
    slope = jax.grad(lambda b: loss(dense([[0.0], [0.0]], b), inputs[:1], jnp.zeros((1, 1)))[0])
    assert np.isfinite(slope(jnp.zeros(1))).all()
