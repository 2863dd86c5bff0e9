"""PointMass-rooms: walls by hand, an expert that finds the doors, and a wanderer that plays."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.core import rollout
from imitbench.core.capabilities import Poses
from imitbench.envs.toys import rooms
from imitbench.experts import scripted
from imitbench.experts.scripted import rooms as demonstrators
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
TASK = "PointMass-rooms"


@pytest.fixture
def env() -> Any:
    return envs.make(TASK)


def test_free_motion_is_that_of_a_damped_mass():
    """Semi-implicit Euler by hand, five time steps."""
    pos, vel, action = np.array([0.4, -0.6]), np.array([0.3, 0.0]), np.array([0.5, -1.0])
    found = rooms.step_ball(*(jnp.asarray(x, jnp.float32) for x in (pos, vel, action)))
    for _ in range(5):
        vel = vel + 0.02 * (4 * action - 2 * vel)
        pos = pos + 0.02 * vel
    np.testing.assert_allclose(found[0], pos, rtol=1e-5)
    np.testing.assert_allclose(found[1], vel, rtol=1e-5)


def push(pos: Any, action: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity after constant actions."""
    state = jnp.asarray(pos, jnp.float32), jnp.zeros(2)
    for _ in range(steps):
        state = rooms.step_ball(*state, jnp.asarray(action, jnp.float32))
    return np.asarray(state[0]), np.asarray(state[1])


def test_walls_stop_the_ball_and_doors_do_not():
    pos, vel = push([0.5, 0.2], [-1.0, 0.0], 20)  # beside the door
    np.testing.assert_allclose(pos, [rooms.WALL, 0.2], atol=1e-6)
    assert vel[0] == 0
    pos, vel = push([0.5, 0.5], [-1.0, 0.0], 20)  # through the door, to the outer wall
    np.testing.assert_allclose(pos, [-1.0, 0.5], atol=1e-6)
    # Along the wall it goes on.
    pos, vel = push([0.5, 0.2], [-1.0, 0.03], 8)
    assert pos[0] == pytest.approx(rooms.WALL) and 0.21 < pos[1] < 0.3 and vel[1] > 0
    # In the opening the sides of the door hold it.
    pos, _ = push([0.0, 0.5], [0.0, 1.0], 10)
    np.testing.assert_allclose(pos, [0.0, rooms.DOOR + rooms.OPENING], atol=1e-6)


def test_the_ball_is_never_inside_a_wall(env):
    """Random forces, held for some steps, so that it is fast."""

    def actor(key: Any, obs: jax.Array) -> jax.Array:
        return jnp.sign(jax.random.normal(key, (obs.shape[0], 2)) + 3 * jnp.sign(obs[:, 2:4]))

    steps = rollout.episodes(env, actor, KEY, 300)
    pos = steps.next_obs[..., :2]
    assert not bool(jax.vmap(jax.vmap(rooms.inside_wall))(pos).any())
    assert float(jnp.abs(pos).max()) <= 1
    # And it changes rooms only through doors.
    before = steps.obs[..., :2]
    for axis in (0, 1):
        crossed = jnp.sign(before[..., axis]) != jnp.sign(pos[..., axis])
        beside = jnp.abs(jnp.abs(pos[..., 1 - axis]) - rooms.DOOR)
        # At most half an opening, and a step of 0.2 m after it.
        assert bool(crossed.any()) and float(jnp.max(jnp.where(crossed, beside, 0))) < 0.35


def test_resets_are_in_the_rooms_and_states_can_be_set(env):
    states = jax.vmap(env.reset)(jax.random.split(KEY, 500))
    for field in ("pos", "desired_goal"):
        places = np.asarray(states.obs[:, env.spec.fields[field]])
        assert not np.asarray(jax.vmap(rooms.inside_wall)(jnp.asarray(places))).any()
        share = np.mean((places > 0) @ np.array([1, 2]) == np.arange(4)[:, None], axis=1)
        np.testing.assert_allclose(share, 0.25, atol=0.08)
    state = env.step(jax.tree.map(lambda x: x[0], states), jnp.array([1.0, -0.5]))
    assert isinstance(env, Poses)
    again = env.reset_to(env.pose(state))
    np.testing.assert_array_equal(again.obs, state.obs)
    np.testing.assert_array_equal(again.reward, state.reward)


def test_the_expert_reaches_every_goal(env):
    steps = rollout.episodes(env, experts.load(TASK), KEY, 300)
    outcome = rollout.summarise(steps)
    assert float(outcome["success_final"].mean()) > 0.99
    assert float(outcome["return"].mean()) > -22


@pytest.mark.parametrize(
    ("pos", "target", "expected"),
    [
        ([0.5, 0.5], [0.9, 0.2], [0.9, 0.2]),  # the same room
        ([0.7, 0.3], [-0.7, 0.3], [demonstrators.BEFORE, 0.5]),  # in front of the door
        ([0.2, 0.5], [-0.7, 0.3], [-demonstrators.THROUGH, 0.5]),  # through it
        ([0.3, 0.8], [-0.8, -0.3], [demonstrators.BEFORE, 0.5]),  # the corner by the nearer doors
        ([0.8, 0.3], [-0.3, -0.8], [0.5, demonstrators.BEFORE]),
        ([0.02, 0.55], [0.9, 0.9], [demonstrators.THROUGH, 0.55]),  # first out of the opening
    ],
)
def test_the_way_leads_through_doors(pos, target, expected):
    found = demonstrators.next_place(jnp.array(pos), jnp.array(target))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.slow
def test_the_wanderer_plays(env):
    """It visits several rooms, whatever the goal, and its actions are noisy."""
    steps = rollout.episodes(env, scripted.PLAYERS[TASK](), KEY, 100)
    pos = np.asarray(steps.obs[..., :2])
    room = (pos > 0) @ np.array([1, 2])
    assert np.mean([len(set(room[:, b])) for b in range(100)]) > 2
    assert float(rollout.summarise(steps)["success_final"].mean()) < 0.1
    other = steps.obs.at[..., 4:].set(0.3)
    memory = demonstrators.Wanderer(jnp.full((100, 2), 0.5))
    state: Any = type("S", (), {})()
    actions = []
    for obs in (steps.obs[0], other[0]):
        state.obs = obs
        actions.append(scripted.PLAYERS[TASK]().act(KEY, memory, state)[0])
    np.testing.assert_array_equal(actions[0], actions[1])


@pytest.mark.slow
def test_grades_of_undirected_data(env):
    play = data.collect_from(env, data.DemoSource(pool=3, grade="play"))
    assert (play.header.expert, play.header.grade) == ("player", "play") and len(play) == 3
    still = envs.make("ProbeAction")
    found = data.collect_from(still, data.DemoSource(pool=64, grade="random"))
    assert found.header.expert == "random actions"
    assert set(np.unique(found.rows.action)) == {0, 1}
    with pytest.raises(UserError, match="'FetchPush' has no player; tasks with one: PointMass"):
        data.demonstrators("FetchPush", "play")
    with pytest.raises(UserError, match=r"kind 'learned' does not apply to grade 'random' \(ran"):
        data.demonstrators("FetchPush", "random", "learned")
