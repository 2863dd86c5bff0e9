"""SLBO's model: loss over unrolled steps, segments of real steps, and its optimiser, by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.algos.model_based.slbo import model, replay
from imitbench.algos.model_based.slbo.model import Segments
from imitbench.core import buffer
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec

KEY = jax.random.key(0)


def doubled(obs: jax.Array, action: jax.Array) -> jax.Array:
    """A model whose changes are obs + action."""
    return 2.0 * obs + action


# Two segments of two steps, O = 2; the second one's episode ends after its first step.
SEGMENTS = Segments(
    obs=jnp.array([[[1.0, 0.0], [0.5, 0.5]], [[2.0, 1.0], [3.0, 3.0]]]),
    action=jnp.array([[[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]]),
    next_obs=jnp.array([[[2.0, 1.5], [1.0, 1.0]], [[4.0, 3.0], [7.0, 6.0]]]),
    goes_on=jnp.array([[True, False], [True, True]]),
)
SCALE = jnp.array([1.0, 2.0])
# Errors of changes, predicted minus true, of (step, segment):
#   (0, 0): predicted (2, 1), change (1, 1), true (1, 1.5): (0, -0.5)
#   (0, 1): predicted (2, 2), change (1.5, 1.5), true (0.5, 0.5): (1, 1)
#   (1, 0): from (2, 1): predicted (5, 2), change (3, 1), true (2, 2): (1, -1)
#   (1, 1): from the true (3, 3): predicted (6, 6), change (3, 3), true (4, 3): (-1, 0)
SCALED = np.array([[0.0, -0.25], [1.0, 0.5], [1.0, -0.5], [-1.0, 0.0]])


def test_loss_over_two_steps_by_hand():
    squares = (SCALED**2).mean(axis=1)
    norm = model.multi_step_loss(doubled, SCALE, "norm", SEGMENTS)
    assert float(norm) == pytest.approx(np.sqrt(squares).mean(), rel=1e-5)
    squared = model.multi_step_loss(doubled, SCALE, "squared", SEGMENTS)
    assert float(squared) == pytest.approx(squares.mean(), rel=1e-6)
    first = jax.tree.map(lambda x: x[:1], SEGMENTS)
    one = model.multi_step_loss(doubled, SCALE, "norm", first)
    assert float(one) == pytest.approx(np.sqrt(squares[:2]).mean(), rel=1e-5)


def test_an_ended_episode_passes_nothing_on():
    """Where the mask is turned, the second step begins at the prediction instead."""
    on = SEGMENTS.replace(goes_on=jnp.array([[True, True], [True, True]]))
    # (1, 1) from the predicted (2, 2): predicted (4, 4), change (2, 2), true (4, 3): (-2, -1)
    scaled = SCALED.copy()
    scaled[3] = [-2.0, -0.5]
    found = model.multi_step_loss(doubled, SCALE, "squared", on)
    assert float(found) == pytest.approx((scaled**2).mean(), rel=1e-6)


def test_gradients_flow_through_the_first_prediction():
    """One number: predicted = (1 + w) obs. The changes are w o and w (1 + w) o."""
    o, first, second, w = 2.0, 1.0, 3.0, 0.25
    rows: Any = [jnp.array([[[o]], [[9.0]]]), jnp.zeros((2, 1, 1))]
    rows.append(rows[0] + jnp.array([[[first]], [[second]]]))
    segments = Segments(*rows, goes_on=jnp.ones((2, 1), bool))

    def loss(w: jax.Array) -> jax.Array:
        advance = lambda obs, action: (1.0 + w) * obs  # noqa: E731
        return model.multi_step_loss(advance, jnp.ones(1), "squared", segments)

    errors = w * o - first, w * (1 + w) * o - second
    expected = errors[0] * o + errors[1] * (1 + 2 * w) * o  # halves of sums of squares
    assert float(jax.grad(loss)(jnp.float32(w))) == pytest.approx(expected, rel=1e-5)


def test_gradients_are_finite_where_the_error_is_0():
    exact = SEGMENTS.replace(next_obs=doubled(SEGMENTS.obs, SEGMENTS.action))

    def loss(w: jax.Array) -> jax.Array:
        return model.multi_step_loss(lambda o, a: doubled(o, a) + w, SCALE, "norm", exact)

    assert np.isfinite(jax.grad(loss)(jnp.float32(0.0)))


def test_the_first_model_predicts_no_change_and_predictions_are_bounded():
    network = model.make_model(3, 2, (16,))
    params = network.init(KEY)
    norms = model.empty_moments(3).norms()
    obs = jax.random.normal(KEY, (5, 3))
    found = model.advance(network, norms, params, obs, jnp.ones((5, 2)))
    np.testing.assert_allclose(found, obs, atol=1e-3)
    # The mean change is 30 and observations vary by 0.1 around 1: predictions stay within 1 + 10.
    rows = jnp.array([[0.9] * 3, [1.1] * 3])
    moments = model.empty_moments(3).add(rows, rows + 30.0)
    found = model.advance(network, moments.norms(), params, rows, jnp.zeros((2, 2)))
    np.testing.assert_allclose(found, 11.0, atol=0.01)


def test_actions_are_clipped_before_they_are_predicted_from():
    network = model.make_model(2, 1, (8,))
    params = jax.tree.map(lambda x: x + 0.1, network.init(KEY))
    norms = model.empty_moments(2).norms()
    far, bound = (
        model.advance(network, norms, params, jnp.ones((1, 2)), jnp.full((1, 1), a))
        for a in (5.0, 1.0)
    )
    np.testing.assert_array_equal(far, bound)


def test_moments_are_those_of_all_steps():
    rng = np.random.default_rng(0)
    obs, next_obs = (rng.normal(2.0, 3.0, (40, 2)).astype(np.float32) for _ in range(2))
    moments = model.empty_moments(2)
    for part in (slice(0, 10), slice(10, 40)):
        moments = moments.add(jnp.asarray(obs[part]), jnp.asarray(next_obs[part]))
    norms = moments.norms()
    np.testing.assert_allclose(norms.state.mean, obs.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(norms.change.std, (next_obs - obs).std(axis=0), rtol=1e-4)


def test_the_optimiser_by_hand():
    """Decay, then the bound on the norm, then Adam."""
    decay, bound, lr = 0.1, 2.0, 0.01
    opt = model.optimiser(lr, decay, bound)
    params = jnp.array([1.0, -2.0])
    state, m, v = opt.init(params), np.zeros(2), np.zeros(2)
    for t, gradient in enumerate(([3.0, 4.0], [0.3, -0.4]), start=1):
        updates, state = opt.update(jnp.array(gradient), state, params)
        g = np.array(gradient) + decay * np.asarray(params)
        g = g * min(1.0, bound / np.linalg.norm(g))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = -lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(np.asarray(updates), step, rtol=1e-4)
        params = params + jnp.asarray(step, jnp.float32)


def collected(t: range, ended: tuple[int, ...] = ()) -> Transition:
    """Steps [T, 1] whose observation is their number."""
    obs = jnp.arange(t.start, t.stop, dtype=jnp.float32)[:, None, None]
    ends = jnp.array([[i in ended] for i in t])
    no, number = jnp.zeros_like(ends), jnp.zeros(ends.shape)
    return Transition(obs, obs, obs, number, obs + 1, no, ends, no, number)


SPEC = make_spec([("number", 1)], 1, 5)


def test_segments_are_steps_of_one_episode():
    """A store of 4 rows after 6: it holds 2, 3, 4, 5, and an episode ended at 3."""
    store = replay.empty(SPEC, 1, 4)
    for part in (range(0, 3), range(3, 6)):
        store = buffer.append(store, replay.rows(collected(part, ended=(3,))))
    drawn = replay.draw(KEY, store, 300, 2)
    assert drawn.obs.shape == (2, 300, 1) and drawn.goes_on.shape == (2, 300)
    first, second = np.asarray(drawn.obs[:, :, 0])
    follows = np.where(first == 5, 2, first + 1)  # the oldest row comes after the newest
    np.testing.assert_array_equal(second, follows)
    np.testing.assert_array_equal(drawn.next_obs[0, :, 0], first + 1)
    np.testing.assert_array_equal(drawn.goes_on[0], ~np.isin(first, (3, 5)))
    values, counts = np.unique(first, return_counts=True)
    assert values.tolist() == [2, 3, 4, 5]
    assert counts.min() > 50  # of 75 expected; the standard deviation is 7.5


def test_rows_that_were_never_written_are_not_drawn():
    store = buffer.append(replay.empty(SPEC, 1, 50), replay.rows(collected(range(7, 10))))
    assert set(np.asarray(replay.draw(KEY, store, 200, 3).obs).ravel()) == {7, 8, 9}


def test_the_newest_step_can_be_made_the_last_of_its_episode():
    store = replay.empty(SPEC, 1, 10)
    store = replay.cut(buffer.append(store, replay.rows(collected(range(0, 3)))))
    store = buffer.append(store, replay.rows(collected(range(3, 6))))
    assert store.rows.ended[:6, 0].tolist() == [False, False, True, False, False, False]
