"""A distribution of two points: generative heads reproduce it, and regression averages it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from imitbench.core import heads, ops

POINTS = jnp.array([[0.8, -0.8], [-0.8, 0.8]])
STEPS, BATCH = 1500, 128


def learn(kind: heads.Kind, **settings: Any) -> np.ndarray:
    """512 actions of a head that has learned from the two points."""
    head = heads.make(heads.Config(kind, **settings), (32, 32), 3, 2)
    fitted = head.fit(jax.random.key(0), POINTS, jnp.ones(2))
    opt = optax.adam(optax.cosine_decay_schedule(3e-3, STEPS))

    def loss(params: Any, key: Any, action: jax.Array) -> tuple[jax.Array, dict[str, Any]]:
        obs = jnp.ones((BATCH, 3))
        return jnp.mean(head.loss(key, params, fitted, obs, action)[0]), {}

    def step(carry: Any, key: Any) -> tuple[Any, None]:
        k_rows, k_loss = jax.random.split(key)
        action = POINTS[jax.random.randint(k_rows, (BATCH,), 0, 2)]
        return ops.gradient_step(loss, opt, *carry, k_loss, action)[:2], None

    @jax.jit
    def run(key: Any) -> jax.Array:
        k_init, k_steps, k_sample = jax.random.split(key, 3)
        params = head.init(k_init)
        carry = (params, opt.init(params))
        (params, _), _ = jax.lax.scan(step, carry, jax.random.split(k_steps, STEPS))
        return head.sample(k_sample, params, fitted, jnp.ones((512, 3)))

    return np.asarray(run(jax.random.key(1)))


def shares(actions: np.ndarray, tolerance: float = 0.2) -> np.ndarray:
    """The share of the actions near each point."""
    distance = np.abs(actions[:, None] - np.asarray(POINTS)).max(axis=-1)
    return (distance < tolerance).mean(axis=0)


@pytest.mark.parametrize(
    "kind",
    [
        "mixture", "ddpm",
        *(pytest.param(k, marks=pytest.mark.slow)
          for k in ("latent", "autoregressive", "kmeans", "ddim", "flow")),
    ],
)  # fmt: skip
def test_heads_that_learn_distributions_reproduce_both_points(kind):
    found = shares(learn(kind))
    # A small decoder of a continuous latent leads from one point to the other on a path between.
    assert found.sum() > (0.7 if kind == "latent" else 0.9), found
    assert found.min() > 0.25, found


def test_diffusion_by_the_noise_reproduces_both_points():
    found = shares(learn("ddpm", predicts="noise"))
    assert found.sum() > 0.9 and found.min() > 0.25, found


@pytest.mark.parametrize("kind", ["deterministic", "two-pass"])
def test_regression_averages(kind):
    actions = learn(kind)
    assert np.ptp(actions, axis=0).max() < 1e-5, "no randomness"
    if kind == "deterministic":
        np.testing.assert_allclose(actions[0], 0.0, atol=0.1)


def test_independent_bins_mix_the_components_of_both_points():
    """The control: a quarter of the actions at each of four corners."""
    actions = learn("bins")
    assert shares(actions).sum() == pytest.approx(0.5, abs=0.1)
    at_a_value = np.abs(np.abs(actions) - 0.8) < 0.1
    assert at_a_value.mean() > 0.98, "each component is at one of its values"


def test_a_gaussian_covers_both_points_with_its_width():
    actions = learn("gaussian")
    assert shares(actions).sum() < 0.3 and actions.std(axis=0).min() > 0.4
