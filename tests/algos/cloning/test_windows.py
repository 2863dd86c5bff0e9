"""Windows of demonstrations and of DAgger's aggregate, against plain Python loops."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.algos.cloning.memory import windows
from imitbench.algos.cloning.memory.config import Config
from imitbench.core import buffer
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec

SPEC = make_spec([("x", 2)], 1, 10)
LENGTHS = (1, 4, 2, 5)


def demonstrations(lengths: Any = LENGTHS, more: int = 2) -> Transition:
    """Episodes of these lengths with their row's number as observation, and rows after them."""
    total = sum(lengths) + more
    row = jnp.arange(float(total))
    ends = jnp.isin(jnp.arange(total), np.cumsum(lengths) - 1)
    action, none = (100 + row)[:, None], jnp.zeros(total, bool)
    weight = (row < sum(lengths)).astype(jnp.float32)
    obs = jnp.stack([row, -row], -1)
    return Transition(obs, action, 0.5 * action, row, obs, ends, none, none, weight)


def pairs_of(demos: Transition) -> windows.Pairs:
    steps = windows.steps_of_episodes(demos)
    return windows.Pairs(demos.obs, demos.intended_action, demos.weight, steps)


@pytest.mark.parametrize("history, chunk, past", [(1, 1, 0), (3, 1, 0), (1, 4, 0), (3, 2, 2)])
def test_windows_of_demonstrations(history, chunk, past):
    config = Config(history=history, past_actions=True, chunk=chunk, past_targets=past)
    demos = demonstrations()
    found = windows.gather(config, SPEC, pairs_of(demos), jnp.arange(sum(LENGTHS)))
    row = 0
    for length in LENGTHS:
        for t in range(length):
            first = row - t
            frames = [max(t - j, 0) + first for j in reversed(range(history))]
            ago = [t - j - 1 for j in reversed(range(history))]
            before = [100.0 + first + i if i >= 0 else 0.0 for i in ago]
            wanted = [
                (100.0 + first + min(max(t + j, 0), length - 1)) / 2 for j in range(-past, chunk)
            ]
            np.testing.assert_array_equal(found.obs[row, :, 0], frames)
            np.testing.assert_array_equal(found.previous[row, :, 0], before)
            np.testing.assert_array_equal(found.target[row], wanted)
            row += 1
    assert row == sum(LENGTHS)


def test_choices_are_seen_as_one_of_them():
    spec = make_spec([("x", 2)], 3, 10, discrete=True)
    demos = demonstrations((3,), 0)
    choices = jnp.array([2, 0, 1])
    demos = demos.replace(action=choices, intended_action=choices)
    found = windows.gather(
        Config(history=2, past_actions=True), spec, pairs_of(demos), jnp.arange(3)
    )
    np.testing.assert_array_equal(found.previous[2], [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(found.previous[0], np.zeros((2, 3)))
    np.testing.assert_array_equal(found.target, choices)


def test_windows_of_a_store_that_was_overwritten():
    """Six rows of an episode of 4 and one of 4: the first episode has lost its first two rows."""
    demos = demonstrations((4, 4), 0)
    pairs = pairs_of(demos)
    store = buffer.ring(pairs, 6)
    for part in (slice(0, 4), slice(4, 8)):
        store = buffer.append(store, jax.tree.map(lambda x, part=part: x[part], pairs))
    np.testing.assert_array_equal(store.rows.obs[:, 0], [6, 7, 2, 3, 4, 5])
    kept = store.rows.replace(steps=windows.kept_steps(store, store.rows.steps))
    config = Config(history=3, past_actions=True, chunk=2)
    found = windows.gather(config, SPEC, kept, jnp.arange(6))
    np.testing.assert_array_equal(
        found.obs[..., 0],
        [[4, 5, 6], [5, 6, 7], [2, 2, 2], [2, 2, 3], [4, 4, 4], [4, 4, 5]],
    )
    np.testing.assert_array_equal(found.previous[2, :, 0], [0, 0, 0])  # 1 is overwritten
    np.testing.assert_array_equal(found.previous[1, :, 0], [104, 105, 106])
    np.testing.assert_array_equal(
        found.target * 2 - 100, [[6, 7], [7, 7], [2, 3], [3, 3], [4, 5], [5, 6]]
    )


def test_a_store_that_is_not_full_keeps_all_of_the_past():
    pairs = pairs_of(demonstrations((3,), 0))
    store = buffer.append(buffer.ring(pairs, 8), pairs)
    kept = windows.kept_steps(store, store.rows.steps)
    np.testing.assert_array_equal(kept.past[:3], [0, 1, 2])


def test_steps_of_a_rollout():
    """Episodes of 3 and 2 steps in 4: no window looks beyond the end of one."""
    weight = jnp.array([[1.0, 1], [1, 1], [1, 0], [0, 0]])
    x = jnp.arange(8.0).reshape(4, 2, 1)
    flag = jnp.zeros((4, 2), bool)
    steps = windows.steps_of_rollout(Transition(x, x, x, weight, x, flag, flag, flag, weight))
    np.testing.assert_array_equal(steps.action[:, 0], [0, 2, 4, 6, 1, 3, 5, 7])
    np.testing.assert_array_equal(steps.past, [0, 1, 2, 3, 0, 1, 2, 3])
    np.testing.assert_array_equal(steps.rest, [2, 1, 0, 0, 1, 0, 0, 0])


def test_hidden_past():
    config = Config(history=3, past_actions=True, dropout=0.3)
    pairs = pairs_of(demonstrations((9,), 0))
    whole = windows.gather(config, SPEC, pairs, jnp.full(2000, 5))
    some = windows.hide_past(jax.random.key(0), 0.3, whole)
    hidden = np.asarray(some.obs[:, 0, 0] == 5)
    assert 0.26 < hidden.mean() < 0.34  # three standard errors of 0.3
    np.testing.assert_array_equal(some.obs[hidden][0, :, 0], [5, 5, 5])
    np.testing.assert_array_equal(some.previous[hidden][0], np.zeros((3, 1)))
    np.testing.assert_array_equal(some.obs[~hidden][0, :, 0], [3, 4, 5])
    np.testing.assert_array_equal(some.previous[~hidden][0, :, 0], [102, 103, 104])


def test_drawn_windows_have_positive_weight():
    pairs = pairs_of(demonstrations())
    drawn = windows.sampler(Config(history=2, dropout=0.5), SPEC, pairs)(jax.random.key(0), 500)
    np.testing.assert_array_equal(np.unique(drawn.obs[:, -1, 0]), np.arange(sum(LENGTHS)))
