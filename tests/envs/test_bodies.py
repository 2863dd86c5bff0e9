"""Edited bodies: what the edits change in the models, and that nothing else differs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.core.types import Env
from imitbench.envs import bodies
from imitbench.suites.expert_recipes import RECIPES
from imitbench.utils.errors import UserError

# What MuJoCo derives from masses and lengths at compilation: weights of constraints and the like.
DERIVED = (
    "invweight0",
    "poscom0",
    "subtreemass",
    "extent",
    "actuator_acc0",
    "meaninertia",
    "meanmass",
)
SETTLES = (
    "center",
    "dof_M0",
    "dof_length",
    "tendon",
    "actuator_length0",
    "bvh",
    "actuator_cranklength",
)


def model(name: str) -> mujoco.MjModel:
    env: Any = envs.make(name, "native")
    return env.physics.model


def changed(one: mujoco.MjModel, other: mujoco.MjModel) -> set[str]:
    """The arrays of two models that differ, without those that follow from others."""
    names = set()
    for name in dir(one):
        a, b = getattr(one, name), getattr(other, name)
        if not isinstance(a, np.ndarray) or any(part in name for part in (*DERIVED, *SETTLES)):
            continue
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12):
            names.add(name)
    return names


def test_half_a_torso_by_hand():
    whole, short = model("HalfCheetah"), model("HalfCheetah-short")
    torso = whole.geom("torso").id
    # The half length of the capsule without its caps, in m.
    np.testing.assert_allclose([whole.geom_size[torso][1], short.geom_size[torso][1]], [0.5, 0.25])
    np.testing.assert_allclose(short.body("bthigh").pos, [-0.25, 0, 0])
    np.testing.assert_allclose(short.body("fthigh").pos, [0.25, 0, 0])
    assert short.geom("head").pos[0] - 0.25 == pytest.approx(whole.geom("head").pos[0] - 0.5)
    # A cylinder of length L with two half spheres of radius r has the volume pi r^2 (L + 4 r / 3),
    # and the torso loses 0.5 m of L at the density of the whole body.
    r, scale = 0.046, 14.0
    capsule = {g: np.pi * r**2 * (2 * whole.geom(g).size[1] + 4 * r / 3) for g in range(1, 9)}
    lost = np.pi * r**2 * 0.5 / sum(capsule.values()) * scale
    assert whole.body_mass.sum() == pytest.approx(scale)
    assert short.body_mass.sum() == pytest.approx(scale - lost, rel=1e-6)
    assert short.body("torso").mass == pytest.approx(whole.body("torso").mass - lost, rel=1e-6)
    legs = [k for k in range(whole.nbody) if whole.body(k).name not in ("world", "torso")]
    np.testing.assert_allclose(short.body_mass[legs], whole.body_mass[legs], rtol=1e-9)
    inertial = {"body_mass", "body_inertia", "body_ipos", "body_iquat"}
    placed = {"body_pos", "geom_pos", "geom_size", "geom_rbound", "geom_aabb"}
    assert changed(whole, short) == inertial | placed


@pytest.mark.parametrize("name", ["Ant", "Ant-27"])
def test_a_disabled_leg_has_no_motors(name):
    whole, limp = model(name), model(f"{name}-disabled")
    joints = [whole.joint(int(j)).name for j in whole.actuator_trnid[:, 0]]
    gear = dict(zip(joints, limp.actuator_gear[:, 0].tolist(), strict=True))
    assert {j for j, g in gear.items() if g == 0} == {"hip_1", "ankle_1"}
    assert {g for j, g in gear.items() if j not in bodies.LEG} == {150.0}
    assert changed(whole, limp) == {"actuator_gear"}


def test_the_motors_of_the_disabled_leg_do_nothing_but_cost():
    env = envs.make("Ant-27-disabled")
    step, state = jax.jit(env.step), jax.jit(env.reset)(jax.random.key(0))
    rest = step(state, jnp.zeros(8))
    # The order of the action: hip_4, ankle_4, hip_1, ankle_1, ...
    pushed = step(state, jnp.array([0.0, 0, 1, -1, 0, 0, 0, 0]))
    np.testing.assert_array_equal(rest.obs, pushed.obs)
    assert float(rest.reward - pushed.reward) == pytest.approx(0.5 * 2, rel=1e-5)
    other = step(state, jnp.array([1.0, 0, 0, 0, 0, 0, 0, 0]))
    assert not np.allclose(rest.obs, other.obs)


@pytest.mark.slow
@pytest.mark.parametrize("name", bodies.FETCH)
def test_the_slow_arm_is_told_three_fifths_of_the_way(name):
    """Its model is the same; an action of the original arm equals one of 5/3 of the slow one."""
    base, slow = envs.make(bodies.FETCH[name].base), envs.make(name)
    assert changed(model(bodies.FETCH[name].base), model(name)) == set()
    a, b = (jax.jit(env.reset)(jax.random.key(1)) for env in (base, slow))
    np.testing.assert_array_equal(a.obs, b.obs)
    action = jnp.array([0.3, -0.6, 0.2, 0.0])
    for _ in range(3):
        a = jax.jit(base.step)(a, action)
        b = jax.jit(slow.step)(b, action.at[:3].multiply(5 / 3))
    np.testing.assert_allclose(a.obs, b.obs, atol=2e-5)
    c = jax.jit(slow.step)(jax.jit(slow.reset)(jax.random.key(1)), action)
    assert not np.allclose(c.obs, a.obs, atol=1e-3)


def episodes(env: Env, task: str, num: int) -> dict[str, np.ndarray]:
    policy = experts.load(task)
    steps = jax.jit(lambda k: rollout.episodes(env, policy, k, num))(jax.random.key(0))
    return jax.tree.map(np.asarray, rollout.summarise(steps))


@pytest.mark.slow
@pytest.mark.parametrize("name", bodies.FETCH)
def test_the_laws_solve_the_slow_tasks(name):
    found = episodes(envs.make(name), name, 40)
    assert found["success_final"].mean() >= 0.9
    assert found["return"].mean() < episodes(envs.make(name[:-5]), name[:-5], 40)["return"].mean()


def test_every_body_has_the_observation_and_the_action_of_its_base():
    for name in (*bodies.LOCOMOTION, *bodies.FETCH):
        spec, base = envs.make(name).spec, envs.make(name.rpartition("-")[0]).spec
        assert (spec.obs_size, spec.action_size) == (base.obs_size, base.action_size)
        assert spec.fields == base.fields and spec.ends == base.ends
        assert envs.TASKS[name].gymnasium_id == ""
    with pytest.raises(UserError, match="'HalfCheetah-long': did you mean"):
        envs.make("HalfCheetah-long")


def test_robots_without_an_expert_of_their_own_have_a_recipe():
    """They must not get the expert of the original body."""
    trained = {r.task for r in RECIPES.values()} | {t for r in RECIPES.values() for t in r.also_for}
    assert set(bodies.LOCOMOTION) <= trained
    for name in bodies.LOCOMOTION:
        assert all(e.task == name for e in experts.experts_of(name))
