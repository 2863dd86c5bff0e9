"""WGCSL: rewards, advantages, weights, percentiles, targets and a gradient step, by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.linear_networks import dense

from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.goal import wgcsl, wgcsl_losses
from imitbench.core import nets, ops, policy_nets, quantiles
from imitbench.core.types import GoalSpec, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec(
    [("at", 1), ("goal", 1)],
    1,
    4,
    GoalSpec("at", "goal", lambda a, b: jnp.where(jnp.abs(a - b)[..., 0] > 0.1, -1.0, 0.0)),
)
NETWORKS = wgcsl_losses.Networks(
    policy_nets.policy(SPEC, (), "deterministic"), nets.critics(SPEC, (), 1)
)
# pi(s, g) = tanh(g - s) and Q(s, g, a) = s + 2 g + 3 a + 1.
POLICY = dense([[-1.0], [1.0]], [0.0])
CRITICS = [dense([[1.0], [2.0], [3.0]], [1.0])]


def rows(reward: list[float], terminated: list[bool]) -> Experience:
    """Steps from s to s' with goal g: (0, 0.5, 0.5), (0.2, 0.3, 1), (1, 1.1, -1)."""
    at, after, goal = np.array([[0.0, 0.5, 0.5], [0.2, 0.3, 1.0], [1.0, 1.1, -1.0]]).T
    obs = jnp.asarray(np.stack([at, goal], axis=1), jnp.float32)
    next_obs = jnp.asarray(np.stack([after, goal], axis=1), jnp.float32)
    action = jnp.array([[0.5], [0.1], [0.1]])
    return Experience(
        obs, action, jnp.array(reward), next_obs, jnp.array(terminated), jnp.arange(3)
    )


def value(at: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """V(s, g) by hand."""
    return at + 2 * goal + 3 * np.tanh(goal - at) + 1


def test_rewards_are_1_where_the_goal_is_reached_whatever_the_tasks_reward_was():
    found = wgcsl_losses.goal_reward(rows([-1.0, -1.0, -1.0], [False] * 3), SPEC)
    assert found.tolist() == [1.0, 0.0, 0.0]


def test_advantages_and_targets():
    steps = rows([1.0, 0.0, 0.0], [False, False, True])
    at, goal = np.asarray(steps.obs).T
    after = np.asarray(steps.next_obs)[:, 0]
    bootstrap = np.array([1.0, 1.0, 0.0])
    target = np.array([1.0, 0.0, 0.0]) + 0.9 * bootstrap * value(after, goal)
    found = wgcsl_losses.advantages(NETWORKS, POLICY, CRITICS, steps, 0.9)
    np.testing.assert_allclose(found, target - value(at, goal), rtol=1e-5)
    y = wgcsl_losses.td_target(NETWORKS, POLICY, CRITICS, steps, 0.9)
    np.testing.assert_allclose(y, np.clip(target, -10, 10), rtol=1e-5)
    # Returns are at most 1 / (1 - 0.5) = 2 in size.
    half = np.clip(np.array([1.0, 0, 0]) + 0.5 * bootstrap * value(after, goal), -2, 2)
    y = wgcsl_losses.td_target(NETWORKS, POLICY, CRITICS, steps, 0.5)
    np.testing.assert_allclose(y, half, rtol=1e-5)
    assert float(y[0]) == 2.0, "this one is cut"


def test_weights_are_the_product_of_their_factors():
    advantage, offset = jnp.array([0.0, 1.0, -1.0, 5.0]), jnp.array([0, 2, 1, 3])
    threshold = jnp.float32(0.5)
    factors = {
        "discount": np.array([1.0, 0.81, 0.9, 0.729]),
        "max_weight": np.array([1.0, np.e, 1 / np.e, 10.0]),
        "low": np.array([0.05, 1.0, 0.05, 1.0]),
    }
    values = {"discount": 0.9, "max_weight": 10.0, "low": 0.05}
    for left_out in (None, *values):
        kept: Any = {k: (None if k == left_out else v) for k, v in values.items()}
        found = wgcsl_losses.row_weights(wgcsl_losses.Weights(**kept), advantage, offset, threshold)
        expected = np.prod([f for k, f in factors.items() if k != left_out], axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_loss_is_a_mean_of_weighted_errors_that_is_not_normalised():
    steps = rows([0.0] * 3, [False] * 3)
    at, goal = np.asarray(steps.obs).T
    error = (np.tanh(goal - at) - np.asarray(steps.action)[:, 0]) ** 2
    weight = jnp.array([2.0, 0.0, 0.5])
    loss, metrics = wgcsl_losses.policy_loss(NETWORKS, POLICY, steps, weight)
    assert float(loss) == pytest.approx((2 * error[0] + 0.5 * error[2]) / 3, rel=1e-5)
    assert float(metrics["weight"]) == pytest.approx(2.5 / 3)


@pytest.mark.parametrize("share", [0.0, 0.15, 37.0, 80.0, 100.0])
@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_percentiles_are_those_of_numpy(share, count):
    rng = np.random.default_rng(count)
    x = np.concatenate([rng.normal(size=30), [0.0, -0.0, 2.5, 2.5, -1e30, 1e-30] + [7.0] * 4])
    x = rng.permutation(x).astype(np.float32)
    found = quantiles.percentile(jnp.asarray(x), jnp.int32(count), share)
    np.testing.assert_allclose(found, np.percentile(x[:count], share), rtol=2e-5, atol=1e-6)


def test_order_statistics_are_exact():
    x = np.random.default_rng(0).normal(size=501).astype(np.float32)
    x[:3] = x[3]  # four times the same number
    find, ordered = jax.jit(quantiles.two_order_statistics), np.append(np.sort(x), np.nan)
    for rank in (0, 1, *range(245, 255), *np.flatnonzero(ordered == x[0]), 500):
        pair = find(jnp.asarray(x), jnp.int32(rank))
        np.testing.assert_array_equal(pair, ordered[rank : rank + 2])


def demos() -> Transition:
    """Two episodes of 4 and 2 steps; what each state achieves is its place."""
    at = np.array([0.0, 0.2, 0.4, 0.6, 5.0, 5.2], np.float32)
    after = np.array([0.2, 0.4, 0.6, 0.8, 5.2, 5.4], np.float32)
    goal = np.full(6, 9.0, np.float32)
    last = jnp.array([0, 0, 0, 1, 0, 1], bool)
    no = jnp.zeros(6, bool)
    action = jnp.linspace(-0.5, 0.5, 6)[:, None]
    return Transition(
        jnp.asarray(np.stack([at, goal], axis=1)), action, -action, -jnp.ones(6),
        jnp.asarray(np.stack([after, goal], axis=1)), no, last, no, jnp.ones(6),
    )  # fmt: skip


def one_step(steps: list[Any], **settings: Any) -> tuple[Any, Any, dict[str, Any]]:
    """The states before and after the first gradient step, and its arguments by what it moves."""
    settings = {"hidden": (), "batch": 300, "queue": 1000, "steps": 1, "discount": 0.75, **settings}
    algo = wgcsl.make(wgcsl.Config(**settings), SPEC)
    before = algo.init(KEY, demos())
    with jax.disable_jit():
        after, metrics = algo.update(KEY, before, demos())
    calls = {"policy": steps[0][4:]} | ({"critics": steps[1][4:]} if len(steps) > 1 else {})
    return before, after, calls | {"metrics": metrics}


@pytest.mark.slow
def test_a_gradient_step_by_hand(steps: list[Any]):
    before, after, calls = one_step(steps)
    norm: ops.Normaliser = before.norm
    rows, weight = calls["policy"]
    at = np.asarray(rows.obs[:, 0] * norm.std[0] + norm.mean[0])
    goal = np.asarray(rows.obs[:, 1] * norm.std[1] + norm.mean[1])
    moved = np.asarray(rows.next_obs[:, 0] * norm.std[0] + norm.mean[0])
    # All goals are later states of the same episode: at most 0.8, or 5.4.
    assert ((goal > at + 0.1) & (goal < np.where(at < 4, 0.9, 5.5))).all()
    offset = np.round((goal - moved) / 0.2)
    np.testing.assert_array_equal(rows.reward, (offset == 0).astype(np.float32))
    # The executed actions, in the order of the data.
    place = np.round(np.where(at < 4, at / 0.2, 4 + (at - 5) / 0.2))
    np.testing.assert_allclose(rows.action[:, 0], -0.5 + 0.2 * place, atol=1e-5)
    advantage = np.asarray(
        wgcsl_losses.advantages(
            wgcsl_losses.Networks(
                policy_nets.policy(SPEC, (), "deterministic"), nets.critics(SPEC, (), 1)
            ),
            before.params["policy"], before.params["critics"], rows, 0.75,
        )
    )  # fmt: skip
    threshold = np.percentile(advantage, 0.15)
    assert float(calls["metrics"]["threshold"]) == pytest.approx(threshold, abs=1e-4)
    expected = 0.75**offset * np.minimum(np.exp(advantage), 10.0)
    expected *= np.where(advantage >= threshold, 1.0, 0.05)
    np.testing.assert_allclose(weight, expected, rtol=1e-4)
    # The critic has a fifth of its rows with the goals of the data, which nothing reaches.
    critic_rows, target = calls["critics"]
    own = np.asarray(critic_rows.obs[:, 1] * norm.std[1] + norm.mean[1]) > 8
    assert own.mean() == pytest.approx(0.2, abs=0.08)
    assert (np.asarray(critic_rows.reward)[own] == 0).all()
    np.testing.assert_array_equal(critic_rows.reward[~own], rows.reward[~own])
    y = wgcsl_losses.td_target(
        NETWORKS, before.target["policy"], before.target["critics"], critic_rows, 0.75
    )
    np.testing.assert_allclose(target, y, rtol=1e-5)
    assert int(after.queue.size) == 300 and int(after.steps) == 1


@pytest.mark.slow
def test_targets_move_in_every_fifth_step():
    algo = wgcsl.make(
        wgcsl.Config(hidden=(), batch=8, queue=50, steps=4, tau=0.25, target_period=5), SPEC
    )
    start = algo.init(KEY, demos())
    before, _ = algo.update(KEY, start, demos())
    jax.tree.map(np.testing.assert_array_equal, before.target, start.params)
    one = wgcsl.make(
        wgcsl.Config(hidden=(), batch=8, queue=50, steps=1, tau=0.25, target_period=5), SPEC
    )
    after, _ = one.update(KEY, before, demos())
    jax.tree.map(
        lambda t, old, new: np.testing.assert_allclose(t, old + 0.25 * (new - old), atol=1e-6),
        after.target, before.target, after.params,
    )  # fmt: skip


def test_the_percentile_rises_to_its_bound():
    config = wgcsl.Config(hidden=(), batch=2, queue=4, percentile_step=30.0, max_percentile=50.0)
    learner = wgcsl.Learner(config, SPEC, NETWORKS, wgcsl.optax.adam(1e-3))
    store = wgcsl.buffer.append(wgcsl.buffer.ring(jnp.zeros(1), 4), jnp.array([3.0, 1.0, 2.0]))
    found = [float(learner.threshold(jnp.int32(k), store)) for k in (1, 2, 3)]
    np.testing.assert_allclose(found, [1.6, 2.0, 2.0], rtol=1e-6)  # 0.6 and 1 of the way


@pytest.mark.slow
def test_without_advantages_there_is_no_critic(steps: list[Any]):
    before, after, calls = one_step(steps, advantage_weight=False, best_advantage=False)
    assert set(calls) == {"policy", "metrics"} and len(steps) == 1
    jax.tree.map(np.testing.assert_array_equal, after.params["critics"], before.params["critics"])


@pytest.mark.slow
def test_marwil_on_the_datas_own_goals(steps: list[Any]):
    settings = {"relabel": 0.0, "critic_relabel": 0.0, "best_advantage": False}
    before, _, calls = one_step(steps, discount_weight=False, **settings)
    rows, _ = calls["policy"]
    goals = np.asarray(rows.obs[:, 1] * before.norm.std[1] + before.norm.mean[1])
    np.testing.assert_allclose(goals, 9.0, atol=1e-4)
    np.testing.assert_array_equal(rows.reward, 0.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"queue": 100}, "queue=100: expected at least batch=128"),
        ({"discount": 1.0}, r"discount=1.0: expected a number in \[0, 1\)"),
        ({"low_weight": 2.0}, r"low_weight=2.0: expected a number in \[0, 1\]"),
        ({"max_percentile": 101.0}, "max_percentile=101.0: expected 0 to 100"),
        ({"target_period": 0}, "target_period=0: expected 1 or more"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(UserError, match=words):
        wgcsl.Config(**settings)
