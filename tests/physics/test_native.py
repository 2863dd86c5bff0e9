"""The native engine inside jitted programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from imitbench import physics
from imitbench.envs.locomotion import build_model
from imitbench.envs.toys import point_mass
from imitbench.physics import native
from imitbench.physics.engine import derived_at_rest
from imitbench.utils.errors import UserError

STRESS = Path(__file__).with_name("stress.py")
FOUR_DEVICES = "--xla_force_host_platform_device_count=4"


@pytest.fixture(scope="module")
def engine() -> native.NativeEngine:
    return native.NativeEngine(build_model("hopper.xml"))


def simulate(
    model: mujoco.MjModel, qpos, qvel, ctrl, substeps: int
) -> tuple[np.ndarray, np.ndarray]:
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:], data.ctrl[:] = qpos, qvel, ctrl
    mujoco.mj_step(model, data, nstep=substeps)
    return data.qpos.copy(), data.qvel.copy()


@pytest.mark.parametrize("batch", [1, 7, 256, 4096])
def test_batch_equals_single_simulations(engine, batch):
    rng = np.random.default_rng(batch)
    m = engine.model
    qpos = np.asarray(m.qpos0 + rng.normal(0, 0.02, (batch, m.nq)), np.float32)
    qvel = np.asarray(rng.normal(0, 0.1, (batch, m.nv)), np.float32)
    ctrl = np.asarray(rng.uniform(-1, 1, (batch, m.nu)), np.float32)

    def roll(qpos, qvel, ctrl):
        state = engine.reset(qpos, qvel)
        state, _ = jax.lax.scan(
            lambda s, _: (engine.step(s, ctrl, substeps=4), None), state, None, 5
        )
        return state

    state = jax.jit(jax.vmap(roll))(qpos, qvel, ctrl)
    for i in {0, batch // 2, batch - 1}:
        q, v = simulate(engine.model, qpos[i], qvel[i], ctrl[i], 20)
        np.testing.assert_allclose(state.qpos[i], q, atol=2e-7)
        np.testing.assert_allclose(state.qvel[i], v, atol=2e-6)
        # qpos plus its rounding error is exact.
        exact = np.asarray(state.qpos[i], np.float64) + np.asarray(state.carry[i, : q.size])
        np.testing.assert_allclose(exact, q, atol=1e-12)


def test_buffer_and_pure_callbacks_agree(engine):
    other = native.NativeEngine(engine.model)
    other._in_place = False

    def roll(e: native.NativeEngine, qvel: jax.Array) -> jax.Array:
        state = e.reset(jnp.float32(e.model.qpos0), qvel)
        return e.step(state, jnp.full(3, 0.3), substeps=4).qpos

    qvel = jax.random.normal(jax.random.key(0), (2, 3, engine.model.nv)) * 0.1
    a, b = (jax.jit(jax.vmap(jax.vmap(lambda v, e=e: roll(e, v))))(qvel) for e in (engine, other))
    np.testing.assert_array_equal(a, b)


def test_one_thread_and_several_agree(engine):
    single = native.NativeEngine(engine.model, threads=1)
    qpos = jnp.tile(jnp.float32(engine.model.qpos0), (9, 1))
    qvel = jax.random.normal(jax.random.key(1), (9, engine.model.nv)) * 0.1

    def step(e: native.NativeEngine) -> jax.Array:
        run = lambda q, v: e.step(e.reset(q, v), jnp.zeros(3), substeps=4).qvel  # noqa: E731
        return jax.jit(jax.vmap(run))(qpos, qvel)

    np.testing.assert_array_equal(step(engine), step(single))


def test_set_qpos_resets_the_rounding_errors(engine):
    state = engine.reset(jnp.float32(engine.model.qpos0), jnp.full(6, 0.1))
    state = engine.step(state, jnp.ones(3), substeps=4)
    assert np.any(state.carry[:2] != 0)
    new = engine.set_qpos(state, np.array([0, 1]), 0.0)
    np.testing.assert_array_equal(new.qpos[:2], 0)
    np.testing.assert_array_equal(new.carry[:2], 0)
    np.testing.assert_array_equal(new.carry[2:], state.carry[2:])


def test_displacement_is_exact_far_from_the_origin(engine):
    start = jnp.float32(engine.model.qpos0).at[0].set(1000.0)  # float32 steps are 6e-5 there
    before = engine.reset(start, jnp.zeros(6).at[0].set(1.0))
    after = engine.step(before, jnp.zeros(3), substeps=4)
    q, _ = simulate(engine.model, start, before.qvel, np.zeros(3), 4)
    assert float(engine.displacement(before, after)[0]) == pytest.approx(q[0] - 1000.0, abs=1e-9)


def test_error_on_the_host_reaches_the_caller(engine):
    broken = native.NativeEngine(engine.model)
    broken._pools = None  # type: ignore[assignment]
    with pytest.raises(Exception, match="NoneType"):
        state = broken.reset(jnp.float32(engine.model.qpos0), jnp.zeros(6))
        jax.block_until_ready(broken.step(state, jnp.zeros(3), substeps=1))


def test_choose_takes_native_on_a_cpu_and_refuses_unknown_names():
    assert physics.choose("auto") == "native"  # tests run on a CPU
    assert physics.choose("mjx") == "mjx"
    with pytest.raises(UserError, match="'warp'.*auto, native, mjx"):
        physics.choose("warp")


def test_model_with_activations_is_refused():
    xml = point_mass.XML.replace(
        '<motor joint="x" gear="4"/>', '<intvelocity joint="x" kp="1" actrange="-1 1"/>'
    )
    with pytest.raises(UserError, match="activations"):
        physics.load(mujoco.MjModel.from_xml_string(xml), "native")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prefix", "flags"),
    [
        ([], ""),
        pytest.param(["taskset", "-c", "0"], "", marks=pytest.mark.slow),
        pytest.param([], FOUR_DEVICES, marks=pytest.mark.slow),
        pytest.param(["taskset", "-c", "0"], FOUR_DEVICES, marks=pytest.mark.slow),
    ],
    ids=["plain", "one-cpu", "four-devices", "four-devices-one-cpu"],
)
def test_threads_and_devices_give_correct_results_under_load(prefix, flags):
    if prefix and shutil.which("taskset") is None:
        pytest.skip("no taskset on this system")
    process = subprocess.run(
        [*prefix, sys.executable, str(STRESS), "8192"],
        env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert process.stdout.strip() == "OK"


def test_derived_positions_are_relative_to_the_root():
    model = build_model("ant.xml")
    derived = derived_at_rest(model, ("xpos", "cfrc_ext"))
    assert derived["xpos"].shape == (model.nbody, 3) and derived["xpos"].dtype == np.float32
    np.testing.assert_allclose(derived["xpos"][1], 0.0, atol=1e-7)  # the torso is the root
    np.testing.assert_allclose(derived["xpos"][0], -model.qpos0[:3], atol=1e-7)  # the world
    np.testing.assert_array_equal(derived["cfrc_ext"], 0.0)
