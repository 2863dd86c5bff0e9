"""Episodes of different lengths, one after the other: where they end, and what methods make of
them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.core import buffer, gae
from imitbench.core.types import EpisodeSizes, Transition
from imitbench.data import demonstrations

TASK = "PointMass"
LENGTHS = (7, 20, 1, 12, 20, 5, 9, 16)
KEY = jax.random.key(0)


def rows_of(*lengths: int, rest: int = 0) -> Transition:
    """Rows whose observation is (episode, step); every second episode terminates; and `rest` rows
    of weight 0."""
    episode, t = np.repeat(np.arange(len(lengths)), lengths), np.concatenate(
        [np.arange(n) for n in lengths]
    )  # fmt: skip
    last = t + 1 == np.repeat(lengths, lengths)
    n = len(t)
    obs = jnp.asarray(np.stack([episode, t], axis=1), jnp.float32)
    ends = jnp.asarray(last & (episode % 2 == 0)), jnp.asarray(last & (episode % 2 == 1))
    rows = Transition(
        obs, obs, obs, jnp.arange(n) * 1.0, obs + 1, *ends, jnp.zeros(n, bool), jnp.ones(n)
    )
    rows = jax.tree.map(lambda x: jnp.pad(x, [(0, rest)] + [(0, 0)] * (x.ndim - 1)), rows)
    return rows.replace(sizes=EpisodeSizes(len(lengths), max(lengths)))


def test_episodes_are_found_by_their_ends():
    found = buffer.find_episodes(rows_of(3, 1, 2, rest=2))
    assert found.t.tolist()[:6] == [0, 1, 2, 0, 0, 1]
    assert found.rest.tolist()[:6] == [2, 1, 0, 0, 1, 0]
    assert found.episode.tolist() == [0, 0, 0, 1, 2, 2, 3, 3]
    assert (int(found.count), int(found.used)) == (3, 6)
    # An end that is not marked is one all the same, where nothing follows.
    rows = rows_of(3, 2)
    cut = rows.replace(truncated=rows.truncated.at[4].set(False))
    assert buffer.find_episodes(cut).episode.tolist() == [0, 0, 0, 1, 1]
    thin = rows.replace(weight=jnp.array([0.0, 1, 0, 1, 0]))
    assert int(buffer.find_episodes(thin).used) == 5


@pytest.mark.parametrize("block", [1, 4, 20, 1000])
def test_advantages_of_rows_by_hand(block):
    rng, rows = np.random.default_rng(0), rows_of(*LENGTHS, rest=3)
    reward, value, next_value = (
        jnp.asarray(rng.normal(size=rows.weight.shape), jnp.float32) for _ in range(3)
    )
    found = gae.row_advantages(
        reward, value, next_value, rows.terminated, rows.truncated, 0.9, 0.8, block
    )
    later, expected = 0.0, []
    for i in reversed(range(sum(LENGTHS))):
        ended = bool(rows.terminated[i] | rows.truncated[i])
        target = reward[i] + 0.9 * next_value[i] * (not rows.terminated[i])
        later = float(target - value[i]) + (0.0 if ended else 0.9 * 0.8 * later)
        expected.insert(0, later)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=2e-5, atol=1e-5)


def test_advantages_of_full_episodes_have_the_bits_of_environments():
    rng = np.random.default_rng(1)
    parts = [jnp.asarray(rng.normal(size=(6, 30)), jnp.float32) for _ in range(3)]
    limit = jnp.zeros((6, 30), bool).at[:, -1].set(True)
    flags = [jnp.zeros((6, 30), bool).at[2, -1].set(True), limit.at[2, -1].set(False)]
    flat: list[Any] = [x.ravel() for x in (*parts, *flags)]
    sides: list[Any] = [x.T for x in (*parts, *flags)]
    options: list[Any] = [0.99, 0.95]
    flat_options: list[Any] = [*options, 30]
    rows = gae.row_advantages(*flat, *flat_options)
    by_time = gae.advantages(*sides, *options)
    np.testing.assert_array_equal(rows.reshape(6, 30), by_time.T)


def test_bc_holds_out_the_last_whole_episodes():
    spec, config = envs.make(TASK).spec, bc.Config(validation=0.3)
    rows = rows_of(*LENGTHS, rest=4)
    train, held_out = bc.split(config, spec, rows)  # 0.3 of 8 episodes, rounded down: the last two
    assert held_out is not None and held_out.weight.shape[0] == 2 * max(LENGTHS)
    kept = np.asarray(held_out.weight) > 0
    assert set(np.asarray(held_out.obs)[kept, 0]) == {6, 7} and kept.sum() == 9 + 16
    trained = np.asarray(train.weight) > 0
    assert set(np.asarray(train.obs)[trained, 0]) == set(range(6)) and trained.sum() == 65
    assert bc.split(config, spec, rows_of(5, 9, 2))[1] is None


@pytest.fixture(scope="module")
def short() -> data.Demos:
    """Demonstrations of the toy task, cut to these lengths."""
    env = envs.make(TASK)
    demos = data.collect(env, experts.load(TASK), len(LENGTHS), noise=0.1, only_success=False)
    weight = np.arange(env.spec.horizon) < np.array(LENGTHS)[:, None]
    return demos.replace(steps=demos.steps.replace(weight=weight.astype(np.float32)))


METHODS = ("bc", "marwil")
SLOW = (
    "dagger",
    "offline_awr",
    "iql",
    "gail",
    "ddpg_demos",
    "vins",
    "pwil",
    "smodice",
)  # to compile


@pytest.mark.parametrize(
    "name", [*METHODS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_rows_that_fill_up_a_seed_change_nothing(short, name):
    """The same episodes, alone and followed by rows of weight 0."""
    env = envs.make(TASK)
    config: Any = shrink(algos.ALGOS[name].Config())
    if name == "ddpg_demos":
        config = dataclasses.replace(config, replay=dataclasses.replace(config.replay, her=4.0))
    algo = algos.build(name, config, env.spec, env, experts.load(TASK))
    rows = data.flatten(short)
    assert rows.weight.shape == (sum(LENGTHS),)
    longer = jax.tree.map(lambda x: jnp.pad(x, [(0, 9)] + [(0, 0)] * (x.ndim - 1)), rows)

    def train(demos: Transition) -> Any:
        state, metrics = jax.jit(algo.init)(KEY, demos), {}
        for i in range(2):
            state, metrics = jax.jit(algo.update)(jax.random.key(i), state, demos)
        return metrics, algo.act(KEY, state, rows.obs)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5),
        train(rows), train(longer),
    )  # fmt: skip


@pytest.mark.slow
def test_rows_of_seeds_are_vmapped(short):
    """Seeds with different numbers of steps in one program."""
    env = envs.make(TASK)
    algo = algos.build("bc", shrink(bc.Config()), env.spec, env, None)
    rows = demonstrations.subset(short, 5, [0, 1, 2])
    keys = jax.vmap(jax.random.key)(jnp.arange(3))
    states = jax.vmap(algo.init)(keys, rows)
    together = jax.jit(jax.vmap(algo.update))(keys, states, rows)[1]
    for s in range(3):
        alone = demonstrations.subset(short, 5, [s])
        one = jax.tree.map(lambda x: x[0], alone)
        metrics = jax.jit(algo.update)(keys[s], algo.init(keys[s], one), one)[1]
        for name, value in metrics.items():
            np.testing.assert_allclose(together[name][s], value, rtol=1e-4)
