"""Tasks with images: the dynamics of the full task, and images that poses give again."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from imitbench import envs
from imitbench.core import rollout
from imitbench.core.observations import images
from imitbench.core.types import FULL_OBS
from imitbench.envs import pixels
from imitbench.utils.errors import UserError

KEY = jax.random.key(5)


def act(key: jax.Array, obs: jax.Array) -> jax.Array:
    return jax.random.uniform(key, (*obs.shape[:-1], 4), minval=-1.0)


def run(env: Any, horizon: int = 6, num: int = 3) -> Any:
    episodes = lambda key: rollout.episodes(env, act, key, num, horizon=horizon, poses=True)  # noqa: E731
    return jax.jit(episodes)(KEY)


@pytest.mark.parametrize(
    "name",
    [
        "FetchPush-depth64",
        pytest.param("FetchReach-depth64", marks=pytest.mark.slow),
        *(pytest.param(f"{b}-seg64", marks=pytest.mark.slow) for b in pixels.BODIES),
    ],
)
def test_dynamics_are_those_of_the_full_task_and_poses_give_the_images_again(name):
    env, full = envs.make(name), envs.make(name.split("-")[0])
    a, b = run(env), run(full)
    for field in ("action", "reward", "success", "truncated", "pose"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
    assert a.obs.dtype == a.next_obs.dtype == jnp.uint8
    np.testing.assert_array_equal(a.next_obs[:-1], a.obs[1:])
    numbers, image = images.split(env.spec.image, a.obs)  # type: ignore[arg-type]
    fields = full.spec.fields
    seen = np.concatenate([b.obs[..., fields[k]] for k in pixels.PROPRIOCEPTION], axis=-1)
    np.testing.assert_array_equal(numbers, seen)
    assert len(np.unique(image.reshape(-1, image.shape[-1]), axis=0)) == 18  # every state differs
    flat = rollout.flatten(a), rollout.flatten(b)
    again = env.observations(np.asarray(flat[0].pose), np.asarray(flat[1].obs))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(again, flat[0].obs)


@pytest.fixture(scope="module")
def env() -> Any:
    return envs.make("FetchReach-seg64")


def test_states_hold_what_the_full_task_observes(env):
    state = jax.jit(env.reset)(KEY)
    full = jax.jit(envs.make("FetchReach").reset)(KEY)
    np.testing.assert_array_equal(state.info[FULL_OBS], full.obs)
    pose = env.pose(state)
    again = jax.jit(env.reset_to)(pose)
    np.testing.assert_array_equal(again.obs[40:], state.obs[40:])
    assert env.actuated.shape == pose.shape


def test_the_goal_is_drawn_where_it_is(env):
    """A goal moves in the image as the camera's geometry says."""
    from imitbench.envs.fetch_scene import CAMERA, CLASSES

    state = jax.jit(env.reset)(KEY)
    pose = np.asarray(env.pose(state))
    forward, right, up = CAMERA.axes
    for goal in ([1.45, 0.6, 0.45], [1.5, 0.75, 0.5]):
        moved = jnp.asarray(np.concatenate([pose[:-3], goal]))
        image = images.split(env.image, jax.jit(env.reset_to)(moved).obs)[1].reshape(64, 64)
        rows, columns = np.nonzero(np.asarray(image) == CLASSES.index("goal"))
        offset = np.array(goal) - CAMERA.position
        half = np.tan(np.pi / 8)  # of 45 degrees
        column = 31.5 + 32 * (offset @ right) / (offset @ forward) / half
        row = 31.5 - 32 * (offset @ up) / (offset @ forward) / half
        assert len(rows) > 15
        assert abs(rows.mean() - row) < 0.6 and abs(columns.mean() - column) < 0.6


def test_resets_that_are_not_needed_are_not_rendered(env):
    keys = jax.random.split(KEY, 2)
    states = jax.jit(jax.vmap(env.reset_where))(keys, jnp.array([True, False]))
    wanted = jax.jit(jax.vmap(env.reset))(keys)
    np.testing.assert_array_equal(states.obs[0], wanted.obs[0])
    assert not np.any(images.split(env.image, states.obs[1])[1])


def test_colours_need_opengl(monkeypatch):
    def fail(*args: Any) -> None:
        raise RuntimeError("no driver")

    monkeypatch.setattr(mujoco, "Renderer", fail)
    assert "FetchReach-rgb64" not in envs.TASKS
    with pytest.raises(UserError, match="OpenGL does not render here"):
        envs.make("FetchReach-rgb64")
