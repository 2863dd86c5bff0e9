"""Bodies and reference states: forward kinematics against MuJoCo, cycles, velocities, stability."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from imitbench.envs.motion import clips, rotations
from imitbench.envs.motion.body import Body, assemble
from imitbench.envs.motion.person import HUMANOID, SEGMENTS, WALKER, sagittal
from imitbench.envs.motion.quadruped import QUADRUPED
from imitbench.envs.motion.reference import SEAM, Reference
from imitbench.envs.motion.skeleton import Skeleton
from imitbench.utils.errors import UserError

PAIRS = {
    "walk on walker": (WALKER, "walk"), "run on walker": (WALKER, "run"),
    "trot": (QUADRUPED, "trot"), "spin": (QUADRUPED, "spin"),
    "spinkick": (HUMANOID, "spinkick"), "cartwheel": (HUMANOID, "cartwheel"),
}  # fmt: skip


@cache
def model_of(name: str) -> mujoco.MjModel:
    return PAIRS[name][0].build().compile()


@cache
def reference_of(name: str) -> Reference:
    body, clip = PAIRS[name]
    return Reference(body, model_of(name), clips.load(clip))


@pytest.mark.parametrize(
    ("body", "mass", "sizes"),
    [(WALKER, 45, (9, 9, 6)), (QUADRUPED, 12, (19, 18, 12)), (HUMANOID, 45, (35, 34, 28))],
)
def test_masses_and_degrees_of_freedom(body: Body, mass: float, sizes: tuple[int, ...]):
    model = body.build().compile()
    assert model.body_mass.sum() == pytest.approx(mass)
    assert (model.nq, model.nv, model.nu) == sizes
    assert model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert model.opt.timestep * body.substeps == pytest.approx(1 / 30)


@pytest.mark.parametrize("name", ["run on walker", "trot", "spinkick"])
def test_kinematics_are_those_of_mujoco(name: str):
    model, data = model_of(name), mujoco.MjData(model_of(name))
    skeleton = Skeleton(model)

    @jax.jit
    def compute(qpos: jax.Array, qvel: jax.Array) -> tuple:
        frames = skeleton.frames(qpos)
        return frames, skeleton.centre(frames), skeleton.centre_velocity(qpos, qvel)

    qvel = np.random.default_rng(0).normal(size=model.nv)
    for qpos in reference_of(name).qpos[::9]:
        data.qpos[:], data.qvel[:] = qpos, qvel
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        frames, centre, velocity = compute(jnp.asarray(qpos), jnp.asarray(qvel, jnp.float32))
        np.testing.assert_allclose(frames.position, data.xpos[1:], atol=2e-6)
        matrices = data.xmat[1:].reshape(-1, 3, 3)
        np.testing.assert_allclose(frames.rotation, matrices, atol=2e-6)
        np.testing.assert_allclose(centre, data.subtree_com[1], atol=2e-6)
        np.testing.assert_allclose(velocity, data.subtree_linvel[1], atol=1e-5)


def test_contact_points_touch_the_ground_where_mujoco_finds_contacts():
    model = model_of("spinkick")
    data, skeleton = mujoco.MjData(model), Skeleton(model)
    heights_of = jax.jit(lambda q: skeleton.heights(skeleton.frames(q)))
    rng, touched = np.random.default_rng(0), 0
    for _ in range(20):
        data.qpos[:] = rng.normal(size=model.nq)
        data.qpos[2] = rng.uniform(0, 0.6)
        data.qpos[3:7] /= np.linalg.norm(data.qpos[3:7])
        mujoco.mj_forward(model, data)
        heights = np.asarray(heights_of(jnp.asarray(data.qpos, jnp.float32)))
        below = set((skeleton.point_bodies[heights < 0] + 1).tolist())
        bodies = {int(model.geom_bodyid[g]) for c in data.contact for g in c.geom} - {0}
        assert below == bodies
        touched += len(bodies)
    assert touched > 20


def test_the_humanoid_takes_the_pose_of_the_clip():
    """Each body of the model has the rotation that the clip's quaternions make up."""
    clip, model = clips.load("cartwheel"), model_of("cartwheel")
    qpos, data = assemble(HUMANOID, model, clip), mujoco.MjData(model)
    for frame in (0, 40, 90, 163):
        data.qpos[:] = qpos[frame]
        mujoco.mj_kinematics(model, data)
        turns = {"root": clip.rotation[frame]}
        for name, segment in SEGMENTS.items():
            if name == "root":
                continue
            motion = clip.joints.get(name)
            own = np.array([1.0, 0.0, 0.0, 0.0])
            if motion is not None and motion.ndim == 2:
                own = motion[frame]
            elif motion is not None:
                own = rotations.about(np.array([0.0, -1.0, 0.0]), motion[frame])
            turns[name] = rotations.multiply(turns[segment.parent], own)
            found = data.body(name).xquat
            np.testing.assert_allclose(abs(found @ turns[name]), 1.0, atol=1e-9)


@pytest.mark.parametrize("clip", ["walk", "run", "spinkick", "cartwheel"])
def test_the_middle_hinge_of_three_stays_away_from_its_singularity(clip: str):
    motion = clips.load(clip)
    for name, segment in SEGMENTS.items():
        if len(segment.axes) == 3:
            middle = rotations.hinge_angles(motion.joints[name], "".join(segment.axes))[:, 1]
            assert np.abs(middle).max() < 1.4, name


@pytest.mark.parametrize("name", PAIRS)
def test_actions_reach_every_angle_of_the_clip(name: str):
    body, _ = PAIRS[name]
    model, qpos = model_of(name), reference_of(name).qpos
    for hinge in body.hinges:
        angle = qpos[:, model.joint(hinge.name).qposadr[0]]
        assert np.abs((angle - hinge.rest) / hinge.reach).max() < 1, hinge.name


def test_the_sagittal_part_of_a_rotation():
    bend = rotations.about(np.array([0.0, -1.0, 0.0]), np.array([0.4]))
    twist = rotations.about(np.array([0.0, 0.0, 1.0]), np.array([0.0]))
    np.testing.assert_allclose(sagittal(rotations.multiply(bend, twist)), [0.4])
    sideways = rotations.about(np.array([1.0, 0.0, 0.0]), np.array([0.3]))
    np.testing.assert_allclose(sagittal(rotations.multiply(bend, sideways)), [0.4])


@pytest.mark.parametrize("name", PAIRS)
def test_cycles_close(name: str):
    reference = reference_of(name)
    first, last = reference.moved(reference.qpos[0], 1), reference.qpos[-1].astype(np.float64)
    gap = np.zeros(model_of(name).nv)
    mujoco.mj_differentiatePos(model_of(name), gap, 1.0, first, last)
    np.testing.assert_allclose(gap, 0, atol=2e-6)
    there_and_back = reference.moved(reference.moved(reference.qpos[2], 1), -1)
    np.testing.assert_allclose(there_and_back, reference.qpos[2], atol=1e-6)


def test_the_first_three_quarters_are_the_clip_itself():
    body, clip = PAIRS["spinkick"]
    raw = assemble(body, model_of("spinkick"), clips.load(clip))
    own = reference_of("spinkick").qpos
    kept = int((1 - SEAM) * (len(raw) - 1)) + 1
    np.testing.assert_allclose(own[:kept], raw[:kept], atol=1e-6)
    assert np.abs(own[-1, 7:] - raw[-1, 7:]).max() > 0.5  # a knee is bent to close the cycle


def test_a_cycle_of_the_spin_turns_the_dog():
    cycle = reference_of("spin").cycle
    assert cycle.turn == pytest.approx(1.74, abs=0.01)
    assert reference_of("trot").cycle.turn == 0
    # 0.936 m of Laikago, whose links are 0.25 m, with links of 0.2 m.
    np.testing.assert_allclose((cycle.end - cycle.start), [-0.05, -0.0274], atol=1e-3)
    trot = reference_of("trot").cycle
    np.testing.assert_allclose(trot.end - trot.start, [0.936 * 0.8, 0], atol=1e-3)


def test_the_lowest_foot_of_the_quadruped_touches_the_ground():
    skeleton = Skeleton(model_of("trot"))
    heights = jax.jit(jax.vmap(lambda q: skeleton.heights(skeleton.frames(q)).min()))
    lowest = np.asarray(heights(jnp.asarray(reference_of("trot").qpos)))
    assert lowest.min() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", ["run on walker", "spin", "spinkick"])
def test_velocities_are_central_differences(name: str):
    """Of the root in the frame of the world, as MuJoCo has it, and its spin in the root's."""
    reference = reference_of(name)
    double = 2 * reference.duration / (len(reference.qpos) - 1)
    before, here, after = (reference.qpos[i : i - 2 or None].astype(float) for i in range(3))
    qvel, root = reference.qvel[1:-1], 3 if reference.planar else 7
    hinges = (after - before)[:, root:] / double
    np.testing.assert_allclose(qvel[:, -hinges.shape[1] :], hinges, atol=2e-3)
    np.testing.assert_allclose(qvel[:, :2], (after - before)[:, :2] / double, atol=2e-3)
    if not reference.planar:
        turned = rotations.multiply(after[:, 3:7], rotations.conjugate(before[:, 3:7]))
        spin = rotations.rotate(here[:, 3:7], qvel[:, 3:6].astype(float))
        np.testing.assert_allclose(spin, rotations.vector(turned) / double, atol=5e-3)


def test_velocities_go_on_across_the_end_of_a_cycle():
    reference = reference_of("trot")
    double = 2 * reference.duration / (len(reference.qpos) - 1)
    ahead = reference.moved(reference.qpos[1], 1)
    expected = (ahead - reference.qpos[-2])[7:] / double
    np.testing.assert_allclose(reference.qvel[-1, 6:], expected, atol=1e-3)
    np.testing.assert_allclose(reference.qvel[0, 6:], expected, atol=1e-3)


def test_a_constant_speed_is_found_exactly():
    reference = reference_of("walk on walker")
    steady = Reference.__new__(Reference)
    steady.planar, steady.cycle = (
        True,
        reference.cycle._replace(start=np.zeros(2), end=np.array([0.6, 0.0])),
    )
    qpos = np.zeros((7, 9))
    qpos[:, 0] = np.linspace(0, 0.6, 7)
    found = steady._velocities(model_of("walk on walker"), qpos, 0.05)
    np.testing.assert_allclose(found[:, 0], 2.0)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-12)


def test_interpolation_between_frames():
    reference = reference_of("spinkick")
    at = jax.jit(reference.at)
    frames = len(reference.qpos) - 1
    for frame in (0, 20, frames):
        qpos, qvel = at(jnp.float32(frame / frames))
        np.testing.assert_allclose(qpos[:3], reference.qpos[frame, :3], atol=1e-4)
        np.testing.assert_allclose(abs(qpos[3:7] @ reference.qpos[frame, 3:7]), 1, atol=1e-6)
        np.testing.assert_allclose(qvel, reference.qvel[frame], atol=1e-3)
    qpos, _ = at(jnp.float32(20.25 / frames))
    expected = 0.75 * reference.qpos[20] + 0.25 * reference.qpos[21]
    np.testing.assert_allclose(qpos[7:], expected[7:], atol=1e-4)
    assert np.linalg.norm(qpos[3:7]) == pytest.approx(1, abs=1e-6)


def test_clips_of_another_kind_are_refused():
    with pytest.raises(UserError, match="'trot' has 12 joints and none called 'right_hip'"):
        Reference(WALKER, model_of("walk on walker"), clips.load("trot"))
    with pytest.raises(UserError, match="none called 'FR_hip'; expected those of the quadruped"):
        Reference(QUADRUPED, model_of("trot"), clips.load("walk"))


@pytest.mark.parametrize("name", ["walk on walker", "trot", "spinkick"])
def test_random_targets_do_not_explode(name: str):
    body, model = PAIRS[name][0], model_of(name)
    rng, reference = np.random.default_rng(0), reference_of(name)
    rest, reach = (np.array([getattr(h, k) for h in body.hinges]) for k in ("rest", "reach"))
    for _ in range(5):
        data = mujoco.MjData(model)
        data.qpos[:] = reference.qpos[rng.integers(len(reference.qpos))]
        data.qpos[1 if body.planar else 2] += 0.1
        for _ in range(60):
            data.ctrl[:] = rest + reach * rng.uniform(-1, 1, model.nu)
            mujoco.mj_step(model, data, body.substeps)
            assert np.abs(data.qvel).max() < 200
