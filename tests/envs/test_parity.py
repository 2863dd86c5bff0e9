"""Step for step against the real gymnasium-robotics and gymnasium environments (native engine)."""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from gymnasium.envs.mujoco.mujoco_env import MujocoEnv

from imitbench import envs, experts
from imitbench.core.types import EnvState

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

FETCH = ("FetchReach", "FetchPush", "FetchPickAndPlace")


@pytest.fixture(scope="module")
def fetch():
    """fetch(name) -> (the original, ours, our jitted step); each is made once."""
    import gymnasium_robotics

    gymnasium.register_envs(gymnasium_robotics)
    cache = {}

    def get(name: str):
        if name not in cache:
            ours = envs.make(name, "native")
            cache[name] = gymnasium.make(f"{name}-v4").unwrapped, ours, jax.jit(ours.step)
        return cache[name]

    return get


def flatten(obs: dict) -> np.ndarray:
    return np.concatenate([obs["observation"], obs["desired_goal"]])


def copy_physics(ours, data: mujoco.MjData, goal: np.ndarray | None) -> EnvState:
    """Our state with the exact physics of the original."""
    qpos, qvel = jnp.float32(data.qpos), jnp.float32(data.qvel)
    low = np.concatenate([data.qpos - np.float64(qpos), data.qvel - np.float64(qvel)])
    state = ours.physics.reset(qpos, qvel).replace(carry=jnp.float32(low))
    if goal is not None:
        return ours._observe(state, jnp.float32(goal))
    return ours.reset(jax.random.key(0)).replace(pipeline_state=state, obs=ours._obs(state))


def in_contact(model: mujoco.MjModel, data: mujoco.MjData) -> bool:
    """Whether the hand touches anything."""

    def is_hand(geom: int) -> bool:
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, model.geom_bodyid[geom])
        return "gripper" in (name or "")

    return any(is_hand(g) for c in data.contact for g in c.geom)


@pytest.mark.parametrize("name", FETCH)
@pytest.mark.parametrize("policy", ["random", "expert"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2))])
def test_fetch_steps_equal_the_original(fetch, name, policy, seed):
    original, ours, step = fetch(name)
    expert = jax.jit(experts.load(name))
    obs, _ = original.reset(seed=seed)
    state = copy_physics(ours, original.data, obs["desired_goal"])
    np.testing.assert_allclose(state.obs, flatten(obs), atol=1e-6)
    rng = np.random.default_rng(seed)
    touched, errors = [False], []
    for _ in range(50):
        if policy == "random":
            action = rng.uniform(-1, 1, 4).astype(np.float32)
        else:
            action = np.asarray(expert(jax.random.key(0), jnp.float32(flatten(obs))))
        obs, reward, terminated, _, info = original.step(action)
        state = step(state, jnp.asarray(action))
        touched.append(in_contact(original.model, original.data))
        errors.append(np.abs(np.asarray(state.obs) - flatten(obs)).max())
        assert float(state.reward) == reward
        assert float(state.metrics["success"]) == info["is_success"]
        assert bool(state.done) == terminated
    # Contact at the end of a step may have begun within it.
    free = ~np.logical_or.accumulate(np.array(touched[1:]))
    assert max(errors) <= 1e-3
    assert np.max(np.array(errors), initial=0, where=free & ~np.append(~free[1:], False)) <= 1e-4
    if policy == "expert" and name != "FetchReach":
        assert any(touched), "the expert never touched the block: contact was not tested"


@pytest.mark.parametrize("policy", ["random", pytest.param("chase", marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2))])
def test_slide_steps_equal_the_original(fetch, policy, seed):
    """Each step starts from the original's state, and nine in ten must agree.

    MuJoCo's contacts of a cylinder with a box are discontinuous: where the puck is hit or tips
    over, the last bit of the state's doubles moves it by up to several centimetres in one step.
    """
    original, ours, step = fetch("FetchSlide")
    obs, _ = original.reset(seed=seed)
    rng = np.random.default_rng(seed)
    touched, close = False, []
    for _ in range(50):
        if policy == "random":
            action = rng.uniform(-1, 1, 4).astype(np.float32)
        else:
            action = np.append(np.clip(10.0 * obs["observation"][6:9], -1, 1), 0).astype(np.float32)
        state = copy_physics(ours, original.data, obs["desired_goal"])
        np.testing.assert_allclose(state.obs, flatten(obs), atol=1e-6)
        obs, reward, _, _, info = original.step(action)
        state = step(state, jnp.asarray(action))
        touched = touched or in_contact(original.model, original.data)
        close.append(np.abs(np.asarray(state.obs) - flatten(obs)).max() <= 1e-4)
        assert close[-1] or touched
        if close[-1]:
            assert float(state.reward) == reward
            assert float(state.metrics["success"]) == info["is_success"]
    assert np.mean(close) >= 0.9
    if policy == "chase":
        assert touched


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hopper_steps_equal_the_original(seed):
    original = gymnasium.make("Hopper-v5").unwrapped
    assert isinstance(original, MujocoEnv)
    ours = envs.make("Hopper", "native")
    step = jax.jit(ours.step)
    obs, _ = original.reset(seed=seed)
    state = copy_physics(ours, original.data, None)
    np.testing.assert_allclose(state.obs, obs, atol=1e-6)
    rng = np.random.default_rng(seed)
    ended = 0
    for _ in range(200):
        action = rng.uniform(-1, 1, 3).astype(np.float32)
        obs, reward, terminated, _, _ = original.step(action)
        state = step(state, jnp.asarray(action))
        np.testing.assert_allclose(state.obs, obs, atol=1e-3)
        assert float(state.reward) == pytest.approx(float(reward), abs=1e-4)
        assert bool(state.done) == terminated
        ended += terminated
    assert ended, "no termination was compared"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FETCH, "FetchSlide"])
def test_fetch_resets_have_the_original_distribution(fetch, name):
    """Quantiles of every coordinate of object and goal, over 600 resets of each."""
    original, ours, _ = fetch(name)
    theirs = []
    original.reset(seed=0)
    for _ in range(600):
        theirs.append(flatten(original.reset()[0]))
    mine = jax.jit(jax.vmap(ours.reset))(jax.random.split(jax.random.key(0), 600)).obs
    theirs, mine = np.stack(theirs), np.asarray(mine)
    quantiles = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    gap = np.abs(np.quantile(theirs, quantiles, axis=0) - np.quantile(mine, quantiles, axis=0))
    # 600 uniform draws over 0.3 m (0.45 m) put a quantile within 0.02 m (three standard errors);
    # the median height of a goal that is lifted half of the time may fall anywhere in the low part.
    tolerance = np.full(gap.shape, 0.03)
    tolerance[3:, -1] = 0.06
    if name == "FetchSlide":  # goals over 0.6 m; the object in four corners, no median between them
        tolerance[:, -3:] = 0.06
        tolerance[3, [3, 4, 6, 7]] = 0.12
    assert (gap <= tolerance).all(), np.argwhere(gap > tolerance)
    if name != "FetchReach":
        reach = 0.1 if name == "FetchSlide" else 0.15
        for x in (theirs, mine):
            offset = np.linalg.norm(x[:, 3:5] - x[:, 0:2], axis=1)
            assert offset.min() >= 0.1 - 2e-3
            assert np.abs(x[:, 3:5] - x[:, 0:2]).max() <= reach + 2e-3
    if name == "FetchPickAndPlace":
        lifted = [float(np.mean(x[:, -1] > x[:, 5].min() + 1e-3)) for x in (theirs, mine)]
        assert abs(lifted[0] - lifted[1]) < 0.1


def test_hopper_resets_have_the_original_distribution():
    original = gymnasium.make("Hopper-v5").unwrapped
    theirs = np.stack([original.reset(seed=i)[0] for i in range(400)])
    ours = envs.make("Hopper", "native")
    mine = np.asarray(jax.jit(jax.vmap(ours.reset))(jax.random.split(jax.random.key(0), 400)).obs)
    for x in (theirs, mine):
        assert np.abs(x - theirs.mean(0)).max() < 0.0056
    np.testing.assert_allclose(theirs.mean(0), mine.mean(0), atol=8e-4)
    np.testing.assert_allclose(theirs.std(0), mine.std(0), rtol=0.15)
