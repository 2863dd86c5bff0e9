"""The environment of motion imitation: observations, rewards, starts, ends, and the reference."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.core.types import EnvState
from imitbench.envs.motion import rotations, tasks
from imitbench.envs.motion.imitation import HORIZON, Imitation
from imitbench.results.claims.fairness import FLOOR, FLOOR_OF_CLIPS

WALK, TROT, SPIN = "Walker2d-mocap-walk", "Quadruped-trot", "Quadruped-spin"


@cache
def env_of(task: str) -> Imitation:
    env = envs.make(task, "native")
    assert isinstance(env, Imitation)
    return env


@cache
def reset_of(task: str):
    return jax.jit(env_of(task).reset)


@cache
def step_of(task: str):
    return jax.jit(env_of(task).step)


@cache
def clip_of(task: str) -> EnvState:
    return jax.jit(env_of(task).clip_states)(jnp.float32(0.25))


def test_tasks_have_their_variants():
    assert len(tasks.TASKS) == 3 * 9
    assert set(tasks.TASKS) <= set(envs.TASKS)
    fixed, endless = (env_of(WALK + s) for s in (tasks.FIXED_START, tasks.FIXED_HORIZON))
    assert (fixed.spec.ends, endless.spec.ends) == ("failure", "never")
    assert env_of(WALK).spec.horizon == HORIZON == 300
    assert env_of(WALK).dt == pytest.approx(1 / 30)


def test_sizes_of_observations_and_actions():
    # Planar: 2 + 6 + 3 + 6 + 2. Else: 1 + 6 + 3 + 3 + hinges twice + 2 + 2.
    sizes = {t: (env_of(t).spec.obs_size, env_of(t).spec.action_size) for t in (WALK, TROT)}
    assert sizes == {WALK: (19, 6), TROT: (17 + 24, 12)}
    for task in sizes:
        assert reset_of(task)(jax.random.key(0)).obs.shape == (sizes[task][0],)


def test_episodes_begin_anywhere_in_the_clip_or_at_its_start():
    phases = [float(reset_of(WALK)(jax.random.key(i)).info["reference"][0]) for i in range(8)]
    assert len(set(phases)) == 8 and all(0 <= p < 1 for p in phases)
    start = reset_of(WALK + tasks.FIXED_START)
    states = [start(jax.random.key(i)) for i in range(2)]
    assert [float(s.info["reference"][0]) for s in states] == [0, 0]
    # The body is in the pose of the clip, and not below the ground.
    env, state = env_of(WALK), reset_of(WALK)(jax.random.key(3))
    qpos, qvel = env.course.state(state.info["reference"])
    moved = np.asarray(state.pipeline_state.qpos - qpos)
    assert moved[1] >= 0 and np.abs(np.delete(moved, 1)).max() < 1e-6
    np.testing.assert_allclose(state.pipeline_state.qvel, qvel, atol=1e-5)
    frames = env.skeleton.frames(state.pipeline_state.qpos)
    assert float(env.skeleton.heights(frames).min()) >= -1e-6


@pytest.mark.parametrize("task", [WALK, TROT])
def test_observations_by_hand(task: str):
    env, state = env_of(task), reset_of(task)(jax.random.key(1))
    qpos, qvel = (np.asarray(x) for x in (state.pipeline_state.qpos, state.pipeline_state.qvel))
    part = {k: np.asarray(state.obs[s]) for k, s in env.spec.fields.items()}
    phase = 2 * np.pi * float(state.info["reference"][0])
    np.testing.assert_allclose(part["phase"], [np.sin(phase), np.cos(phase)], atol=1e-6)
    if task == WALK:
        np.testing.assert_array_equal(part["root"], qpos[1:3])
        np.testing.assert_array_equal(part["joints"], qpos[3:])
        np.testing.assert_array_equal(np.r_[part["velocity"], part["rates"]], qvel)
        return
    heading = rotations.heading(qpos[3:7])
    turn = np.array([[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]])
    np.testing.assert_allclose(part["velocity"][:2], turn @ qvel[:2], atol=1e-5)
    np.testing.assert_array_equal(part["spin"], qvel[3:6])
    np.testing.assert_array_equal(part["joints"], qpos[7:])
    np.testing.assert_allclose(part["heading"], [0, 1], atol=1e-6)
    assert part["rotation"][1] == pytest.approx(0, abs=1e-6)  # x stays in the plane of x and z


@pytest.mark.parametrize("task", [WALK, TROT, SPIN])
def test_the_clip_itself_gets_the_reward_one(task: str):
    """A body that is put to where the reference will be is rewarded with 1."""
    env, states = env_of(task), clip_of(task)
    from imitbench.envs.motion import rewards

    @jax.jit
    def reward(place: jax.Array) -> jax.Array:
        own = rewards.observe_motion(env.skeleton, env._ends, *env.course.state(place))
        return env._reward(rewards.compare(env._weights, env._root_weight, own, own))

    for t in (0, 100):
        assert reward(states.info["reference"][t]) == pytest.approx(1, abs=1e-5)


def test_rewards_lie_between_0_and_1_and_fall_with_the_distance():
    env, step = env_of(TROT), step_of(TROT)
    state = reset_of(TROT)(jax.random.key(1))  # in the middle of a cycle
    near = step(state, jnp.zeros(12)).reward
    far = step(env.reset_to(env.pose(state).at[0].add(0.5)), jnp.zeros(12)).reward
    assert 0 < float(far) < float(near) < 1


@pytest.mark.parametrize("suffix", ["", tasks.FIXED_HORIZON])
def test_a_fall_ends_the_episode_and_earns_nothing(suffix: str):
    task = WALK + suffix
    env, state = env_of(task), reset_of(task)(jax.random.key(0))
    lying = env.pose(state).at[1].set(0.05).at[2].set(1.5)  # face up, in the ground
    after = step_of(task)(env.reset_to(lying), jnp.zeros(6))
    assert float(after.reward) == 0
    assert float(after.done) == (0.0 if suffix else 1.0)


def test_hands_may_touch_the_ground_in_the_cartwheel_alone():
    cartwheel, walk = (env_of(f"Humanoid-mocap-{clip}") for clip in ("cartwheel", "walk"))
    wrist = cartwheel.skeleton.index(("left_wrist",))[0]
    point = int(np.argmax(cartwheel.skeleton.point_bodies == wrist))
    assert not cartwheel._fragile[point] and walk._fragile[point]
    knee, ankle = walk.skeleton.index(("left_knee", "left_ankle"))
    assert walk._fragile[walk.skeleton.point_bodies == knee].all()
    assert not walk._fragile[walk.skeleton.point_bodies == ankle].any()


@pytest.mark.parametrize("task", [TROT, WALK])
def test_a_body_that_leaves_the_reference_has_failed(task: str):
    env, state = env_of(task), reset_of(task)(jax.random.key(1))
    assert float(state.info["reference"][0]) < 0.9  # the cycle does not end in this step
    action = jnp.zeros(env.spec.action_size)
    pose = env.pose(state).at[0].add(1.2)
    assert float(step_of(task)(env.reset_to(pose), action).done) == 1
    assert float(step_of(task)(state, action).done) == 0


@pytest.mark.slow
def test_bodies_that_hold_one_pose_are_at_the_floor():
    """The mean pose of the clip: a trotting dog stands all the episode, a walker ends early."""
    for task, most, lasts in ((TROT, FLOOR_OF_CLIPS, True), (WALK, FLOOR, False)):
        env, state = env_of(task), reset_of(task)(jax.random.key(1))
        hinges = env._body.hinges
        qpos = np.asarray(clip_of(task).pipeline_state.qpos)[:, -len(hinges) :]
        rest, reach = np.array([(h.rest, h.reach) for h in hinges]).T
        action, rewards, ended = jnp.asarray((qpos.mean(axis=0) - rest) / reach), [], False
        for _ in range(HORIZON):
            state = step_of(task)(state, action)
            ended |= bool(state.done)
            rewards.append(0.0 if ended else float(state.reward))
        assert ended is not lasts and 0.02 < sum(rewards) / HORIZON < most


def test_an_explosion_becomes_the_reference_without_reward():
    env, state = env_of(WALK), reset_of(WALK)(jax.random.key(0))
    wild = env.pose(state).at[9].set(1e6)
    after = step_of(WALK)(env.reset_to(wild), jnp.zeros(6))
    assert (float(after.reward), float(after.done)) == (0, 1)
    qpos, _ = env.course.state(after.info["reference"])
    np.testing.assert_array_equal(after.pipeline_state.qpos, qpos)
    assert np.isfinite(after.obs).all()


def test_the_reference_comes_to_the_body_at_a_new_cycle():
    env = env_of(WALK)
    state = reset_of(WALK)(jax.random.key(0))
    pose = env.pose(state).at[0].add(0.3).at[-4].set(0.999)  # a step before the next cycle
    after = step_of(WALK)(env.reset_to(pose), jnp.zeros(6))
    place = after.info["reference"]
    expected = 0.999 + env.dt / env.course.reference.duration - 1
    assert float(place[0]) == pytest.approx(expected, abs=1e-5)
    reference_x = float(env.course.state(place)[0][0])
    assert reference_x == pytest.approx(float(after.pipeline_state.qpos[0]), abs=1e-5)


@pytest.mark.parametrize("task", [WALK, TROT, SPIN])
def test_the_clip_goes_on_from_cycle_to_cycle(task: str):
    """States of the clip over several cycles: no jump, the right distance, the right turn."""
    env, states = env_of(task), clip_of(task)
    assert states.obs.shape == (HORIZON + 1, env.spec.obs_size)
    qpos, qvel = np.asarray(states.pipeline_state.qpos), np.asarray(states.pipeline_state.qvel)
    step = np.diff(qpos[:, :2], axis=0) / env.dt
    mean = (qvel[1:, :2] + qvel[:-1, :2]) / 2
    assert np.abs(step - mean).max() < 0.35 * np.abs(mean).max()
    cycles = HORIZON * env.dt / env.course.reference.duration
    moved, cycle = qpos[-1, :2] - qpos[0, :2], env.course.reference.cycle
    if task != SPIN:
        distance = (cycle.end - cycle.start)[0]
        assert moved[0] == pytest.approx(cycles * distance, abs=0.2 * distance)
        return
    heading = np.unwrap(rotations.heading(qpos[:, 3:7]))
    assert heading[-1] - heading[0] == pytest.approx(cycles * cycle.turn, abs=0.3 * cycle.turn)


@pytest.mark.slow
@pytest.mark.parametrize("task", [WALK, SPIN])
def test_poses_reset_to_the_same_state(task: str):
    env, step = env_of(task), step_of(task)
    state = reset_of(task)(jax.random.key(2))
    action = jnp.full(env.spec.action_size, 0.1)
    for _ in range(3):
        state = step(state, action)
    again = env.reset_to(env.pose(state))
    np.testing.assert_allclose(again.obs, state.obs, atol=1e-6)
    assert env.actuated.shape == env.pose(state).shape
    assert env.actuated.sum() == 2 * env.spec.action_size
    np.testing.assert_allclose(step(again, action).obs, step(state, action).obs, atol=1e-3)


def test_actions_ask_for_angles():
    """Without gravity and contact, a joint comes to rest at rest + reach * action."""
    import mujoco

    env = env_of(TROT)
    model = env._body.build().compile()
    model.opt.gravity[:] = 0
    data = mujoco.MjData(model)
    action = np.linspace(-0.9, 0.9, 12)
    data.ctrl[:] = env._rest + env._reach * action
    for _ in range(600):
        mujoco.mj_step(model, data)
    angles = [data.joint(h.name).qpos[0] for h in env._body.hinges]
    np.testing.assert_allclose(angles, data.ctrl, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("task", [WALK, TROT])
def test_mjx_takes_the_same_step_where_no_actuator_is_saturated(task: str):
    """In the air. MuJoCo leaves a saturated actuator out of the implicit damping, MJX does not."""
    native, mjx = env_of(task), envs.make(task, "mjx")
    assert isinstance(mjx, Imitation)
    pose = native.pose(reset_of(task)(jax.random.key(0)))
    pose = pose.at[1 if task == WALK else 2].add(0.5)
    angles = np.asarray(pose)[
        [native.physics.model.joint(h.name).qposadr[0] for h in native._body.hinges]
    ]
    action = (angles - native._rest) / native._reach  # the present angles
    one, other = (jax.jit(e.step)(e.reset_to(pose), action) for e in (native, mjx))
    np.testing.assert_allclose(one.obs, other.obs, atol=1e-4)
    assert float(one.reward) == pytest.approx(float(other.reward), abs=1e-5)
