"""Goals that are taken from later states: rows by hand, over random layouts of episodes."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.algos.cloning import bc
from imitbench.algos.cloning.pairs import Pairs
from imitbench.algos.cloning.relabelling import Relabeller
from imitbench.algos.common import hindsight
from imitbench.algos.goal import gcbc
from imitbench.core import buffer
from imitbench.core.types import EpisodeSizes, GoalSpec, Transition
from imitbench.envs.base import make_spec

KEY = jax.random.key(0)
HORIZON = 6


def exactly(achieved: jax.Array, desired: jax.Array) -> jax.Array:
    return jnp.where(jnp.all(achieved == desired, axis=-1), 0.0, -1.0)


# What is achieved says where it is: the number of the episode, and the number of the state.
SPEC = make_spec([("at", 2), ("goal", 2)], 1, HORIZON, GoalSpec("at", "goal", exactly))


def rows_of(lengths: list[int], rest: int = 0) -> Transition:
    """Episodes of these lengths, whose own goals are (-1, -1), then `rest` rows of weight 0."""
    episode = np.repeat(np.arange(len(lengths)), lengths)
    t = np.concatenate([np.arange(n) for n in lengths])
    n = len(t)

    def obs(when: np.ndarray) -> jax.Array:
        goal = -np.ones_like(when)
        return jnp.asarray(np.stack([episode, when, goal, goal], axis=-1), jnp.float32)

    last = jnp.asarray(t + 1 == np.repeat(lengths, lengths))
    even = jnp.asarray(episode % 2 == 0)
    executed = jnp.arange(n, dtype=jnp.float32)[:, None] / n
    rows = Transition(
        obs(t), executed, -executed, jnp.zeros(n), obs(t + 1), last & even, last & ~even,
        jnp.zeros(n, bool), jnp.ones(n),
    )  # fmt: skip
    rows = jax.tree.map(lambda x: jnp.pad(x, [(0, rest)] + [(0, 0)] * (x.ndim - 1)), rows)
    return rows.replace(sizes=EpisodeSizes(len(lengths), max(lengths)))


@functools.partial(jax.jit, static_argnums=0)
def draw_new_goals(draws: Any, demos: Transition) -> Pairs:
    """3,000 rows with new goals."""
    return Relabeller(SPEC, 1.0, draws).sampler(demos, demos.weight)(KEY, 3000)


def pairs_of(lengths: list[int]) -> set[tuple[int, int, int]]:
    """Episode, state and later state."""
    return {
        (e, *pair)
        for e, n in enumerate(lengths)
        for pair in itertools.combinations(range(n + 1), 2)
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("draws", ["rows", "pairs"])
def test_goals_never_reach_across_episodes(seed, draws):
    """Random numbers of episodes of random lengths, ones among them, and padding."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, HORIZON + 1, rng.integers(1, 9)).tolist()
    demos = rows_of(lengths, rest=50 - sum(lengths)).replace(sizes=None)
    drawn = draw_new_goals(draws, demos)
    obs = np.asarray(drawn.obs)
    episode, t, goal_episode, goal_t = obs.T
    np.testing.assert_array_equal(goal_episode, episode)
    assert (goal_t > t).all(), "a goal is a later state"
    assert (goal_t <= np.array(lengths)[episode.astype(int)]).all()
    # All pairs are drawn where there are few of them.
    pairs = {
        (e, i, j) for e, n in enumerate(lengths) for i in range(n) for j in range(i + 1, n + 1)
    }
    seen = {tuple(x) for x in np.stack([episode, t, goal_t], axis=1).astype(int).tolist()}
    assert seen <= pairs and len(seen) > 0.95 * len(pairs)


@pytest.mark.slow
def test_rows_are_drawn_equally_often_or_their_pairs_are():
    demos = rows_of([4, 1, 2])
    share = {}
    for draws in ("rows", "pairs"):
        drawn = Relabeller(SPEC, 1.0, draws).sampler(demos, demos.weight)(KEY, 40_000)
        e, t, _, goal = np.asarray(drawn.obs).astype(int).T
        share[draws] = {x: np.mean((e == x[0]) & (t == x[1]) & (goal == x[2])) for x in
                        [(0, 0, 1), (0, 0, 4), (0, 3, 4), (1, 0, 1), (2, 1, 2)]}  # fmt: skip
    # 7 rows; the first of four has four goals. 10 + 1 + 3 pairs.
    expected = [1 / 28, 1 / 28, 1 / 7, 1 / 7, 1 / 7]
    np.testing.assert_allclose(list(share["rows"].values()), expected, atol=0.008)
    np.testing.assert_allclose(list(share["pairs"].values()), 1 / 14, atol=0.008)


def test_relabelled_rows_have_the_executed_action_and_others_the_intended_one():
    demos = rows_of([5, 3])
    drawn = Relabeller(SPEC, 0.3).sampler(demos, demos.weight)(KEY, 5000)
    obs, target = np.asarray(drawn.obs), np.asarray(drawn.target)[:, 0]
    new = obs[:, 3] >= 0
    assert new.mean() == pytest.approx(0.3, abs=0.03)
    row = (obs[:, 1] + np.where(obs[:, 0] == 1, 5, 0)) / 8
    np.testing.assert_allclose(target, np.where(new, row, -row), rtol=1e-6)


def test_rows_without_weight_are_not_drawn_but_serve_as_goals():
    demos = rows_of([4])
    weight = jnp.array([1.0, 0, 0, 0])
    for draws in ("rows", "pairs"):
        obs = np.asarray(Relabeller(SPEC, 1.0, draws).sampler(demos, weight)(KEY, 500).obs)
        assert (obs[:, 1] == 0).all() and set(obs[:, 3]) == {1, 2, 3, 4}


def test_steps_to_the_goal_are_coded_by_hand():
    code = hindsight.steps_left_code(jnp.array([1, 3, 6, 9]), 6)
    expected = [[1] * 6, [0, 0, 1, 1, 1, 1], [0] * 5 + [1], [0] * 5 + [1]]
    np.testing.assert_array_equal(code, expected)
    demos = rows_of([6, 2])
    drawn = Relabeller(SPEC, 1.0, steps_left=True).sampler(demos, demos.weight)(KEY, 300)
    assert drawn.obs.shape == (300, 4 + HORIZON)
    steps = np.asarray(drawn.obs[:, 3] - drawn.obs[:, 1]).astype(int)
    np.testing.assert_array_equal(drawn.obs[:, 4:], hindsight.steps_left_code(jnp.array(steps), 6))
    # A row that keeps its goal has the steps that are left in its episode.
    kept = Relabeller(SPEC, 1e-9, steps_left=True).sampler(demos, demos.weight)(KEY, 300).obs
    left = np.where(np.asarray(kept[:, 0]) == 0, 6, 2) - np.asarray(kept[:, 1])
    np.testing.assert_array_equal(np.asarray(kept[:, 4:]).sum(axis=1), 7 - left)


@pytest.mark.slow
def test_the_normaliser_is_that_of_relabelled_goals_and_held_out_episodes_stay_out():
    demos = rows_of([6] * 10)
    algo = gcbc.make(gcbc.Config(hidden=(4,), batch=8, steps=2, validation=0.2), SPEC)
    state = algo.init(KEY, demos)
    assert float(state.norm.mean[2]) == pytest.approx(3.5), "the first eight episodes"
    assert float(state.norm.std[2]) == pytest.approx(np.std(np.arange(8)), rel=1e-4)
    _, metrics = algo.update(KEY, state, demos)
    assert np.isfinite(metrics["val_loss"]) and metrics["val_loss"] > 0


@pytest.mark.slow
def test_bc_relabels_a_share_of_its_rows(steps: list[Any]):
    """The minibatches of the gradient steps themselves."""
    demos = rows_of([6, 6, 3])
    algo = bc.make(bc.Config(hidden=(4,), batch=400, steps=1, validation=0.0, relabel=0.5), SPEC)
    with jax.disable_jit():
        algo.update(KEY, algo.init(KEY, demos), demos)
    (rows,) = [call[5] for call in steps]
    new = np.asarray(rows.obs[:, 2]) >= 0
    assert new.mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(rows.obs[new, 2], rows.obs[new, 0])


def test_goals_of_a_ring_and_of_rows_share_the_draw():
    """The rows after a row, drawn uniformly: by hand, from the random numbers."""
    index, rest = jnp.array([0, 4, 7]), jnp.array([3, 0, 9])
    later = hindsight.later_rows(KEY, index, rest)
    u = np.asarray(jax.random.uniform(KEY, (3,)))
    expected = np.asarray(index) + np.floor(u * (np.asarray(rest) + 1))
    np.testing.assert_array_equal(later, expected)
    edges = hindsight.row_edges(jnp.array([1.0, 0.0, 1.0]), jnp.array([2, 1, 0]))
    assert edges.tolist() == [3, 3, 4]
    drawn = np.asarray(hindsight.draw_first_rows(KEY, edges, 4000))
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 4000, [0.75, 0, 0.25], atol=0.03)


def test_rows_are_found_as_in_the_buffer():
    rows = rows_of([2, 3], rest=1)
    assert buffer.find_episodes(rows).rest.tolist()[:5] == [1, 0, 2, 1, 0]
