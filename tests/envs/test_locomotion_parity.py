"""Locomotion step for step against gymnasium, and one step of MJX.

Hopper itself is compared in test_parity.
"""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from gymnasium.envs.mujoco.mujoco_env import MujocoEnv

from imitbench import envs
from imitbench.core import rollout
from imitbench.core.types import FULL_OBS, EnvState
from imitbench.envs import locomotion, registry
from imitbench.physics.engine import relative_to_root
from imitbench.utils.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

# The motion of these two is chaotic: from the last bits of a double, differences grow tenfold in
# about eight steps. So after that many steps ours starts each step from the original's state.
FREE = {"HalfCheetah": 40, "Ant": 80, "Ant-27": 80}


def make_original(name: str) -> MujocoEnv:
    entry = registry.TASKS[name]
    env = gymnasium.make(entry.gymnasium_id, **entry.gymnasium_kwargs).unwrapped
    assert isinstance(env, MujocoEnv)
    return env


def make_ours(name: str, engine: str = "native") -> locomotion.Locomotion:
    env = envs.make(name, engine)
    assert isinstance(env, locomotion.Locomotion)
    return env


def copy_physics(state: EnvState, data: mujoco.MjData) -> EnvState:
    """Our state with the exact physics of the original, including the solver's warm start."""
    qpos, qvel = jnp.float32(data.qpos), jnp.float32(data.qvel)
    carry = [data.qpos - np.float64(qpos), data.qvel - np.float64(qvel)]
    old = state.pipeline_state
    derived = {
        k: jnp.float32(relative_to_root(k, getattr(data, k), data.qpos)) for k in old.derived
    }
    if derived:
        carry.append(data.qacc_warmstart)
    new = old.replace(
        qpos=qpos, qvel=qvel, carry=jnp.float32(np.concatenate(carry)), derived=derived
    )
    return state.replace(pipeline_state=new)


@pytest.mark.parametrize(
    "name", ["Walker2d", "HalfCheetah", "Ant", "Ant-27", "Humanoid", "Hopper-fh"]
)
@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2))])
def test_steps_equal_those_of_gymnasium(name, seed):
    original, ours = make_original(name), make_ours(name)
    scale = original.action_space.high[0]  # type: ignore[attr-defined]
    step, observe = jax.jit(ours.step), jax.jit(ours._obs)
    obs, _ = original.reset(seed=seed)
    state = copy_physics(jax.jit(ours.reset)(jax.random.key(0)), original.data)
    at_reset = jax.jit(ours.physics.reset)(
        jnp.float32(original.data.qpos), jnp.float32(original.data.qvel)
    )
    np.testing.assert_allclose(observe(at_reset), obs, rtol=1e-6, atol=1e-5)
    rng = np.random.default_rng(seed)
    ended = 0
    for t in range(200):
        action = rng.uniform(-1, 1, ours.spec.action_size).astype(np.float32)
        if t >= FREE.get(name, 200):
            state = copy_physics(state, original.data)
        obs, reward, terminated, _, _ = original.step(np.float32(scale) * action)
        state = step(state, jnp.asarray(action))
        np.testing.assert_allclose(state.obs, obs, rtol=1e-6, atol=1e-4)
        assert float(state.reward) == pytest.approx(float(reward), abs=1e-4)
        assert bool(state.done) == terminated
        ended += terminated
    if name in ("Walker2d", "Humanoid"):
        assert ended, "no termination was compared"


@pytest.mark.parametrize("name", ["Walker2d", "HalfCheetah", "Ant", "Humanoid"])
def test_resets_have_the_original_distribution(name):
    original, ours = make_original(name), make_ours(name)
    theirs = np.stack([original.reset(seed=i)[0] for i in range(400)])
    keys = jax.random.split(jax.random.key(0), 400)
    mine = np.float64(jax.jit(jax.vmap(ours.reset))(keys).obs)
    spread = theirs.std(0)
    # 400 draws: a mean within 4 standard errors of the difference, a deviation within 15%. What is
    # constant, or nearly (inertias), may differ by float32's rounding.
    gap = np.abs(theirs.mean(0) - mine.mean(0))
    rounding = 1e-5 * (1 + np.abs(theirs.mean(0)))
    np.testing.assert_array_less(gap, 4 * spread * np.sqrt(2 / 400) + rounding)
    varies = spread > 1e-4
    assert varies[ours.spec.fields["qvel"]].all()
    np.testing.assert_allclose(spread[varies], mine.std(0)[varies], rtol=0.15)


FAST = ("Hopper", "Ant", "Humanoid-fh")


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in locomotion.TASKS]
)
def test_exploded_state_becomes_the_rest_pose(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo logs its warning to a file
    env = make_ours(name)
    state = jax.jit(env.reset)(jax.random.key(0))
    for huge in (1e6, 1e30, np.nan):
        physics = state.pipeline_state
        bad = state.replace(pipeline_state=physics.replace(qvel=physics.qvel.at[2].set(huge)))
        after = jax.jit(env.step)(bad, jnp.zeros(env.spec.action_size))
        assert np.isfinite(after.obs).all()
        assert float(after.reward) == 0
        assert bool(after.done) == (env.spec.ends != "never")
        model = env.physics.model
        np.testing.assert_allclose(after.pipeline_state.qpos, model.qpos0, rtol=1e-6)
        on = jax.jit(env.step)(after, jnp.zeros(env.spec.action_size))
        assert np.isfinite(on.obs).all() and np.isfinite(on.reward)


@pytest.mark.parametrize("name", ["Hopper-fh", "Ant-fh"])
def test_fixed_horizon_tasks_never_terminate(name):
    env = make_ours(name)

    def policy(key, obs):
        return jax.random.uniform(key, (*obs.shape[:-1], env.spec.action_size), minval=-1.0)

    steps = jax.jit(lambda k: rollout.episodes(env, policy, k, 4, horizon=150))(jax.random.key(0))
    assert not steps.terminated.any() and (np.asarray(steps.weight) == 1).all()


def test_ant_without_contact_forces_is_ant_with_fewer_numbers():
    """The reward still counts the forces."""
    whole, short = make_ours("Ant"), make_ours("Ant-27")
    assert short.spec.obs_size == 27 and set(short.spec.fields) == {"qpos", "qvel"}
    key, action = jax.random.key(0), jnp.ones(8)
    a, b = (jax.jit(env.reset)(key) for env in (whole, short))
    for _ in range(3):
        np.testing.assert_array_equal(a.obs[:27], b.obs)
        np.testing.assert_array_equal(a.obs, b.info[FULL_OBS])
        a, b = jax.jit(whole.step)(a, action), jax.jit(short.step)(b, action)
        assert float(a.reward) == float(b.reward)


def test_derived_quantities_do_not_depend_on_the_batch():
    env = envs.make("Ant", "native")
    states = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 37))
    actions = jax.random.uniform(jax.random.key(1), (37, 8), minval=-1.0)
    step = jax.vmap(env.step)
    run = jax.jit(lambda s, a: jax.lax.scan(lambda s, _: (step(s, a), None), s, None, 12)[0])
    batch = run(states, actions)
    assert np.abs(batch.pipeline_state.derived["cfrc_ext"]).max() > 0, "no contact was compared"
    for i in (0, 18, 36):
        single = run(jax.tree.map(lambda x, i=i: x[i : i + 1], states), actions[i : i + 1])
        np.testing.assert_array_equal(batch.obs[i], single.obs[0])


def test_slide_is_refused_in_mjx():
    with pytest.raises(UserError, match="FetchSlide: MJX has no collisions of a cylinder"):
        envs.make("FetchSlide", "mjx")


# Largest difference of the observation after one step from the same state in contact, relative to
# 1 plus its size. Contact forces depend most on the engine.
MJX = {"Walker2d": 1e-2, "HalfCheetah": 1e-2, "Ant": 5e-2, "Humanoid": 5e-2}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MJX))
def test_one_step_in_mjx_is_close_to_native(name):
    native, mjx = make_ours(name), make_ours(f"{name}-fh", "mjx")
    state = jax.jit(native.reset)(jax.random.key(0))
    step = jax.jit(native.step)
    for _ in range(40):  # until the robot has fallen onto its feet
        state = step(state, jnp.zeros(native.spec.action_size))
    qpos, qvel = state.pipeline_state.qpos, state.pipeline_state.qvel
    action = jax.random.uniform(jax.random.key(1), (native.spec.action_size,), minval=-1.0)

    def start(env: locomotion.Locomotion) -> EnvState:
        physics = jax.jit(env.physics.reset)(qpos, qvel)
        return state.replace(pipeline_state=physics, obs=env._obs(physics))

    a, b = start(native), start(mjx)
    np.testing.assert_allclose(a.obs, b.obs, rtol=1e-5, atol=1e-4)
    step_mjx = jax.jit(mjx.step)
    broken = b.replace(pipeline_state=b.pipeline_state.replace(qvel=qvel * jnp.nan))
    a, b = step(a, action), step_mjx(b, action)
    gap = np.abs(a.obs - b.obs) / (1 + np.abs(a.obs))
    assert gap.max() < MJX[name], (int(gap.argmax()), float(gap.max()))
    assert float(a.reward) == pytest.approx(float(b.reward), abs=5e-2)

    after = step_mjx(broken, action)
    assert float(after.reward) == 0 and float(after.done) == 0
    np.testing.assert_allclose(after.pipeline_state.qpos, mjx.physics.model.qpos0, rtol=1e-6)
    after = step_mjx(after, action)
    assert np.isfinite(after.obs).all() and np.isfinite(after.reward)
