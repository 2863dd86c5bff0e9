"""BC and DAgger on images: that they learn from pixels, with and without a memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import algos, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.core.heads import Config as HeadConfig
from imitbench.core.observations import image_nets, images
from imitbench.core.streamed import HostArray, StreamedRows
from imitbench.core.types import ImageSpec, Spec, Transition
from imitbench.utils.errors import UserError

IMAGE = ImageSpec(height=36, width=36, channels=1, classes=0, numbers=1, full={"x": slice(0, 2)})
SPEC = Spec(
    obs_size=images.obs_size(IMAGE),
    action_size=2,
    horizon=4,
    fields={"proprioception": slice(0, 4), "image": slice(4, 4 + IMAGE.size)},
    image=IMAGE,
)
NETS = image_nets.Config(channels=(8, 8, 8), features=16, shift=0)
SMALL = bc.Config(hidden=(16,), batch=32, steps=30, validation=0.25, lr=3e-3, images=NETS)


def dots(key: jax.Array, episodes: int = 32) -> Transition:
    """Episodes of 4 steps with a bright square each; the action says where it is."""
    n = episodes * 4
    at = jax.random.randint(key, (n, 2), 4, 32)
    rows, columns = jnp.arange(36)[:, None], jnp.arange(36)
    bright = (abs(rows - at[:, :1, None]) <= 3) & (abs(columns - at[:, 1:, None]) <= 3)
    pixels = jnp.where(bright, 255, 0).astype(jnp.uint8).reshape(n, -1)
    obs = images.join(jnp.zeros((n, 1)), pixels)
    action = (at - 18.0) / 18.0
    end = jnp.arange(n) % 4 == 3
    none = jnp.zeros(n, bool)
    return Transition(obs, action, action, jnp.zeros(n), obs, none, end, none, jnp.ones(n))


def train(config: bc.Config, updates: int = 8) -> tuple[Any, Any, list[float]]:
    algo, demos = bc.make(config, SPEC), dots(jax.random.key(3))
    state = jax.jit(algo.init)(jax.random.key(0), demos)
    losses, update = [], jax.jit(algo.update)
    for i in range(updates):
        state, metrics = update(jax.random.key(i), state, demos)
        losses.append(float(metrics["val_loss"]))
    return algo, state, losses


@pytest.mark.slow
def test_bc_finds_positions_in_pixels():
    """Held-out episodes have squares elsewhere; without pixels the error is the variance, 0.2."""
    algo, state, losses = train(SMALL)
    assert losses[-1] < 0.03
    new = dots(jax.random.key(9), 8)
    action = jax.jit(algo.act)(jax.random.key(0), state, new.obs)
    assert float(jnp.mean((action - new.action) ** 2)) < 0.05
    as_floats = jax.jit(algo.act)(jax.random.key(0), state, new.obs.astype(jnp.float32))
    np.testing.assert_array_equal(action, as_floats)


@pytest.mark.slow
@pytest.mark.parametrize(
    "memory",
    [
        memory_config.Config(history=3, past_actions=True),
        memory_config.Config(history=2, encoder="gru", width=8, heads=1),
        memory_config.Config(chunk=2, execute=2),
    ],
)
def test_memories_read_images(memory):
    config = dataclasses.replace(SMALL, memory=memory, steps=2)
    algo, state, losses = train(config, updates=2)
    assert np.isfinite(losses).all()
    obs = dots(jax.random.key(9), 2).obs
    assert jax.jit(algo.act)(jax.random.key(0), state, obs).shape == (8, 2)
    env_state: Any = type("State", (), {"obs": obs})()
    actor: Any = algo.actor
    actor = actor(state)
    kept = actor.start(jax.random.key(0), env_state)
    assert kept.obs.dtype == jnp.uint8
    action, later = actor.act(jax.random.key(0), kept, env_state)
    assert action.shape == (8, 2) and later.obs.dtype == jnp.uint8


@pytest.mark.slow
def test_a_head_reads_images():
    config = dataclasses.replace(SMALL, head=HeadConfig(kind="mixture"), steps=2)
    algo, state, losses = train(config, updates=1)
    assert np.isfinite(losses).all()
    assert jax.jit(algo.act)(jax.random.key(0), state, dots(jax.random.key(9), 1).obs).shape == (
        4,
        2,
    )


def test_training_shifts_images_and_validation_does_not():
    learner = bc.supervised_learner(
        dataclasses.replace(SMALL, images=dataclasses.replace(NETS, shift=2)), SPEC
    )
    pairs, _ = bc.split(SMALL, SPEC, dots(jax.random.key(3)))
    shifted = learner.view.augment(jax.random.key(0), pairs)
    wanted = images.shift_at_random(jax.random.key(0), IMAGE, pairs.obs, 2)
    np.testing.assert_array_equal(shifted.obs, wanted)
    assert (shifted.obs != pairs.obs).any()
    assert learner.view.examples(pairs) is pairs
    plain = bc.supervised_learner(SMALL, SPEC)
    assert plain.view.augment(jax.random.key(0), pairs) is pairs


def test_proprioception_is_normalised_and_pixels_are_not():
    learner = bc.supervised_learner(SMALL, SPEC)
    obs = images.join(jnp.array([[1.0], [3.0]]), jnp.full((2, IMAGE.size), 7, jnp.uint8))
    pairs = bc.Pairs(obs, jnp.zeros((2, 2)), jnp.ones(2))
    state = jax.jit(learner.init)(jax.random.key(0), pairs)
    seen = learner.view.inputs(state.norm, obs)
    np.testing.assert_allclose(seen[:, 0], [-1, 1])  # mean 2, standard deviation 1
    np.testing.assert_array_equal(seen[:, 1:], np.full((2, IMAGE.size), 7.0))


def test_what_images_cannot_have_is_refused():
    demos = dots(jax.random.key(3))
    with pytest.raises(UserError, match=r"features=\['x'\]: the task's observations are images"):
        bc.make(dataclasses.replace(SMALL, features=("x",)), SPEC)
    streamed = [
        StreamedRows(jnp.arange(128), HostArray(np.asarray(x))) for x in (demos.obs, demos.action)
    ]
    rows = demos.replace(obs=streamed[0], intended_action=streamed[1])
    algo = bc.make(SMALL, SPEC)
    with pytest.raises(UserError, match="images of data that stay in files cannot be read"):
        algo.init(jax.random.key(0), rows)
    env = envs.make("FetchReach-seg64")
    with pytest.raises(UserError, match="dac cannot learn from images, which FetchReach-seg64"):
        algos.build("dac", algos.dac.Config(), env.spec, env, None)


@pytest.mark.slow
def test_dagger_asks_the_expert_of_the_full_task_and_keeps_bytes():
    env = envs.make("FetchReach-seg64")
    expert = experts.load_actor("FetchReach-seg64")
    nets = image_nets.Config(channels=(4, 4, 4), features=8)
    clone = bc.Config(hidden=(8,), batch=8, steps=2, validation=0.0, images=nets)
    config = dagger.Config(clone=clone, episodes=1, fits=1, start_fits=1, capacity=100)
    algo = algos.build("dagger", config, env.spec, env, expert)
    full = jax.jit(env.reset)(jax.random.key(0))
    obs = jnp.repeat(full.obs[None], 50, axis=0)
    zeros, none = jnp.zeros(50), jnp.zeros(50, bool)
    action = jnp.zeros((50, 4))
    ends = jnp.arange(50) == 49
    demos = Transition(obs, action, action, zeros, obs, none, ends, none, jnp.ones(50))
    state = jax.jit(algo.init)(jax.random.key(0), demos)
    before = jax.tree.map(lambda x: (x.shape, x.dtype), state)
    state, metrics = jax.jit(algo.update)(jax.random.key(1), state, demos)
    assert before == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    assert state.data.rows.obs.dtype == jnp.uint8 and float(metrics["rows"]) == 100
    asked = np.asarray(state.data.rows.target)[50:]
    assert np.abs(asked).max() > 0.1 and np.isfinite(asked).all()
