"""The value function of VINS: what it is trained on, its targets and its loss, by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.line_task import AT, GOAL, HORIZON, LINE, REACHED, demos, one_gradient_step
from helpers.linear_networks import dense

from imitbench.algos.common import goal_features
from imitbench.algos.model_based import vins, vins_value

KEY = jax.random.key(0)


def target_value(state: vins.State, at: Any, goal: Any) -> np.ndarray:
    norm = state.norm
    x = (np.stack([goal - at, at], axis=-1) - np.asarray(norm.mean)) / np.asarray(norm.std)
    return 2 * x[..., 0] - 3 * x[..., 1] - 20


def td_targets(state: vins.State, discount: float = 1.0) -> np.ndarray:
    """[2, T + 1] of every demonstrated state; the last one's is its own target value."""
    next_value = np.where(REACHED, 0.0, target_value(state, AT, GOAL))
    return np.concatenate(
        [np.where(REACHED[:, :-1], 0.0, discount * next_value[:, 1:] - 1.0), next_value[:, -1:]], 1
    )


def index(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Episode and step of positions."""
    which = np.abs(at[:, None] - AT.ravel()).argmin(axis=1)
    return which // (HORIZON + 1), which % (HORIZON + 1)


def test_td_targets_by_hand():
    """Equation (1): one step less than the next state; 0 where the state is at the goal."""
    reward = jnp.array([-1.0, -1.0, 0.0])
    terminal = jnp.array([False, False, True])
    target = vins_value.td_target(reward, terminal, jnp.array([-4.0, 0.0, -7.0]), 0.5)
    np.testing.assert_array_equal(target, [-3.0, -1.0, 0.0])


def test_value_loss_by_hand():
    """Equation (4): errors 1 and 3 on the data, 2 on the negative sample."""
    value, target = jnp.array([-1.0, -2.0, -3.0]), jnp.array([-2.0, -5.0, -5.0])
    loss, metrics = vins_value.value_loss(value, target, 2, 0.25)
    assert float(loss) == (1 + 9) / 2 + 0.25 * 4
    assert {k: float(v) for k, v in metrics.items()} == {"td_loss": 5.0, "ns_loss": 4.0}
    loss, metrics = vins_value.value_loss(value[:2], target[:2], 2, 0.0)
    assert float(loss) == 5.0 and set(metrics) == {"td_loss"}


@pytest.mark.slow
@pytest.mark.parametrize("discount", [1.0, 0.5])
def test_value_is_fitted_to_one_step_less_than_the_successor(steps, discount):
    raw, target, data_rows, state, _ = one_gradient_step(
        steps, mu=0.0, interpolations=0, discount=discount
    )
    assert len(raw) == data_rows == 400
    episode, t = index(raw[:, 1])
    assert set(zip(episode.tolist(), t.tolist(), strict=True)) == {
        (e, t) for e in (0, 1) for t in range(HORIZON)
    }
    np.testing.assert_allclose(raw[:, 0], GOAL[episode, 0] - raw[:, 1], atol=1e-5)
    np.testing.assert_allclose(target, td_targets(state, discount)[episode, t], rtol=1e-5)
    # Whoever is at the goal is worth 0, and one step before it -1.
    assert set(target[(episode == 0) & (t == 3)]) == {0.0}
    assert set(target[(episode == 0) & (t == 2)]) == {-1.0}


@pytest.mark.slow
def test_states_between_two_are_worth_what_lies_between(steps):
    raw, target, data_rows, state, _ = one_gradient_step(steps, mu=0.0, interpolations=3)
    assert len(raw) == data_rows == 1200
    episode = (raw[:, 1] > 3).astype(int)
    at, value = AT[episode], td_targets(state)
    next_value = np.where(REACHED, 0.0, target_value(state, AT, GOAL))
    t = np.clip((raw[:, 1, None] >= at - 1e-6).sum(axis=1) - 1, 0, HORIZON - 1)
    rows = np.arange(len(raw))
    share = (raw[:, 1] - at[rows, t]) / (at[rows, t + 1] - at[rows, t])
    assert share.min() < 0.05 and share.max() > 0.95
    expected = (1 - share) * value[episode, t] + share * next_value[episode, t + 1]
    np.testing.assert_allclose(target, expected, atol=2e-3)


@pytest.mark.parametrize("centre", ["td", "target"])
def test_negatives_fall_off_with_their_distance(steps, centre):
    raw, target, data_rows, state, loss = one_gradient_step(
        steps, interpolations=0, samples=2, slope=7.0, centre=centre, noise=(0.001, 0.004), mu=0.5
    )
    assert (data_rows, len(raw)) == (400, 1200)
    raw, target = raw[data_rows:], target[data_rows:]
    episode, t = index(raw[:, 1])
    # Displaced from a demonstrated state, while the goal stays and the difference follows.
    np.testing.assert_allclose(raw.sum(axis=1), GOAL[episode, 0], atol=1e-4)
    std = float(state.model_norms.state.std[0])
    distance = np.abs(raw[:, 1] - AT[episode, t]) / std
    assert 0 < distance.max() < 0.02
    middle = td_targets(state) if centre == "td" else target_value(state, AT, GOAL)
    np.testing.assert_allclose(target, middle[episode, t] - 7.0 * distance, atol=2e-3)
    # The loss: mean squared error on the data, and half of that on the negatives.
    features = jnp.array([[1.0, 2.0], [0.0, 1.0], [1.0, 1.0]])
    value, metrics = loss(dense([[1.0], [1.0]], [0.0]), features, jnp.array([0.0, 0.0, 5.0]), 2)
    assert float(metrics["td_loss"]) == pytest.approx((9 + 1) / 2)
    assert float(value) == pytest.approx((9 + 1) / 2 + 0.5 * 9)


def test_where_episodes_end():
    feature_map = goal_features.make_feature_map(LINE, (), "VINS")
    whole, first, last = (
        vins_value.make_rows(feature_map, demos(), goal, ())
        for goal in ("absorbing", "first", "last")
    )
    np.testing.assert_array_equal(whole.reward, np.where(REACHED[:, :-1], 0, -1).ravel())
    np.testing.assert_array_equal(whole.terminal, REACHED[:, :-1].ravel())
    np.testing.assert_array_equal(whole.next_terminal, REACHED[:, 1:].ravel())
    np.testing.assert_array_equal(first.weight, [1, 1, 1, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(whole.weight, np.ones(8))
    np.testing.assert_array_equal(last.next_terminal, [0, 0, 0, 1] * 2)
    np.testing.assert_array_equal(last.reward, np.where(REACHED[:, 1:], 0, -1).ravel())
    assert not last.terminal.any()
