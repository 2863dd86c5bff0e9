"""The buffer of GCSL's episodes: pairs of a state and a later goal, and what is overwritten."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.algos.goal import episode_buffer
from imitbench.algos.goal.episode_buffer import Episodes
from imitbench.core import buffer
from imitbench.core.types import GoalSpec, Transition
from imitbench.envs.base import make_spec

KEY = jax.random.key(1)
HORIZON = 4
SPEC = make_spec(
    [("at", 2), ("goal", 2)], 1, HORIZON, GoalSpec("at", "goal", lambda a, b: jnp.zeros(()))
)


def episodes(first: int, lengths: list[int]) -> Episodes:
    """Episodes `first`, `first` + 1, ...: what is achieved after step t is (episode, t + 1); steps
    after the end hold (-9, -9)."""
    number = first + np.arange(len(lengths))[:, None] + np.zeros((1, HORIZON))
    t = np.arange(HORIZON) + np.zeros((len(lengths), 1))
    real = t < np.array(lengths)[:, None]

    def place(when: np.ndarray) -> np.ndarray:
        return np.where(real[..., None], np.stack([number, when], axis=-1), -9.0)

    obs = np.concatenate([place(t), -np.ones((*t.shape, 2))], axis=-1)
    return Episodes(
        jnp.asarray(obs, jnp.float32), jnp.asarray(10 * number + t)[..., None],
        jnp.asarray(place(t + 1), jnp.float32), jnp.asarray(lengths, jnp.int32),
    )  # fmt: skip


def drawn(store: buffer.Ring, batch: int = 6000) -> np.ndarray:
    """[batch, 4]: episode, state, goal, steps."""
    pairs = episode_buffer.draw_pairs(KEY, store, batch, SPEC)
    obs, action = np.asarray(pairs.obs), np.asarray(pairs.action)[:, 0]
    np.testing.assert_array_equal(obs[:, 2], obs[:, 0])  # of the same episode
    np.testing.assert_allclose(action, 10 * obs[:, 0] + obs[:, 1])
    np.testing.assert_array_equal(np.asarray(pairs.steps), obs[:, 3] - obs[:, 1])
    return np.stack([obs[:, 0], obs[:, 1], obs[:, 3]], axis=1).astype(int)


def test_all_pairs_of_an_episode_are_equally_likely():
    store = buffer.append(buffer.ring(episodes(0, [1]), 5), episodes(0, [4, 1, 2]))
    found = drawn(store, 30_000)
    pairs = {
        (e, i, j) for e, n in enumerate([4, 1, 2]) for i in range(n) for j in range(i + 1, n + 1)
    }
    share = {x: np.mean((found == x).all(axis=1)) for x in pairs}
    # A third for each episode, then its 10, 1 or 3 pairs.
    expected = [1 / 3 / {0: 10, 1: 1, 2: 3}[x[0]] for x in pairs]
    np.testing.assert_allclose(list(share.values()), expected, atol=0.01)
    assert np.isclose(sum(share.values()), 1.0)


def test_new_episodes_replace_the_oldest_as_a_whole():
    store = buffer.ring(episodes(0, [1]), 3)
    for first, lengths in ((0, [4, 4]), (2, [2, 3]), (4, [1, 4])):
        store = buffer.append(store, episodes(first, lengths))
    found = drawn(store)  # episode 5 took the place of episode 2, 4 that of 1, and 3 that of 0
    assert set(found[:, 0]) == {3, 4, 5}
    last = {e: found[found[:, 0] == e, 2].max() for e in (3, 4, 5)}
    assert last == {3: 3, 4: 1, 5: 4}, "the length is that of the new episode"


def test_an_unfilled_store_gives_what_it_has():
    store = buffer.append(buffer.ring(episodes(0, [1]), 50), episodes(7, [3]))
    assert set(drawn(store, 500)[:, 0]) == {7}


def test_episodes_of_a_rollout():
    """An episode that ends early keeps its real steps."""
    obs = jnp.arange(HORIZON * 2 * 4, dtype=jnp.float32).reshape(HORIZON, 2, 4)
    flag, number = jnp.zeros((HORIZON, 2), bool), jnp.zeros((HORIZON, 2))
    weight = jnp.array([[1.0, 1], [1, 1], [1, 0], [1, 0]])
    steps = Transition(obs, obs[..., :1], obs[..., :1], number, obs + 100, flag, flag, flag, weight)
    found = episode_buffer.episodes_of(steps, SPEC)
    assert found.length.tolist() == [4, 2]
    np.testing.assert_array_equal(found.obs[1], obs[:, 1])
    np.testing.assert_array_equal(found.achieved[0], obs[:, 0, :2] + 100)
