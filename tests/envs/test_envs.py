"""Registry, probes, toy task, rotations, digest, and the protocol of Brax's wrappers."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.envs import goal
from imitbench.envs.digest import digest
from imitbench.envs.motion import tasks as motion
from imitbench.envs.toys import probes
from imitbench.utils.errors import UserError


def test_unknown_names_are_refused_with_similar_ones():
    with pytest.raises(UserError, match="'FetchPich': did you mean.*FetchReach"):
        envs.make("FetchPich")
    with pytest.raises(UserError, match="'zzz': known: .*PointMass"):
        envs.make("zzz")
    with pytest.raises(UserError, match="unknown engine 'warp'"):
        envs.make("ProbePolicy", "warp")
    with pytest.raises(UserError, match="MJX cannot step the full model"):
        envs.make("FetchPush", "mjx", "full")
    with pytest.raises(UserError, match="model of Hopper"):
        envs.make("Hopper", "native", "reduced")


def is_motion_variant(name: str) -> bool:
    """Whether a task differs from another one of motion imitation in its starts or ends alone."""
    return name in motion.TASKS and name.endswith((motion.FIXED_START, motion.FIXED_HORIZON))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if is_motion_variant(name) else name
        for name in envs.TASKS
    ],
)
def test_spec_matches_the_observation_and_the_reward(name):
    env = envs.make(name)
    spec = env.spec
    state = jax.jit(env.reset)(jax.random.key(0))
    assert state.obs.shape == (spec.obs_size,)
    covered = [i for s in spec.fields.values() for i in range(s.start, s.stop)]
    assert covered == list(range(spec.obs_size)), "fields cover the observation in order"
    if spec.goal is not None:
        achieved, desired = (
            state.obs[spec.fields[f]] for f in (spec.goal.achieved, spec.goal.desired)
        )
        assert float(spec.goal.reward(desired, desired)) == 0
        assert float(state.reward) == float(spec.goal.reward(achieved, desired))


def summarise_probe(name: str, choose, num: int = 32) -> dict[str, np.ndarray]:
    env = envs.make(name)
    steps = rollout.episodes(env, lambda k, obs: choose(obs), jax.random.key(0), num)
    return jax.tree.map(np.asarray, rollout.summarise(steps) | {"obs": steps.obs[0, :, 0]})


def test_probes_have_known_returns():
    zero_action = lambda obs: jnp.zeros((*obs.shape[:-1], 1))  # noqa: E731
    for name, value, length in (
        ("ProbeConstant", 1, 1),
        ("ProbeDiscount", 1, 2),
        ("ProbeTimeLimit", 10, 10),
    ):
        got = summarise_probe(name, zero_action)
        assert (got["return"] == value).all() and (got["length"] == length).all()
    got = summarise_probe("ProbeObservation", zero_action)
    np.testing.assert_array_equal(got["return"], got["obs"])
    assert set(got["obs"]) == {-1.0, 1.0}
    one = lambda obs: jnp.ones(obs.shape[:-1], jnp.int32)  # noqa: E731
    assert (summarise_probe("ProbeAction", one)["return"] == 1).all()
    assert (summarise_probe("ProbeAction", lambda o: 1 - one(o))["return"] == -1).all()
    got = summarise_probe("ProbePolicy", one)
    np.testing.assert_array_equal(got["return"], got["obs"])
    assert (summarise_probe("ProbeTarget", lambda obs: obs)["return"] == 0).all()
    off = summarise_probe("ProbeTarget", lambda obs: obs + jnp.array([0.5, 0.0]))
    np.testing.assert_allclose(off["return"], -0.25, rtol=1e-5)


def test_probes_truncate_only_at_the_time_limit():
    env = envs.make("ProbeTimeLimit")
    act = lambda k, obs: jnp.zeros((*obs.shape[:-1], 1))  # noqa: E731
    steps = rollout.episodes(env, act, jax.random.key(0), 2)
    assert not steps.terminated.any()
    np.testing.assert_array_equal(steps.truncated[:, 0], [False] * 9 + [True])
    for name in set(probes.PROBES) - {"ProbeTimeLimit", "ProbeWalk", "ProbeGoal"}:
        other = envs.make(name)
        policy = experts.load(name) if name in experts.TASKS else act
        steps = rollout.episodes(other, policy, jax.random.key(0), 2)
        assert not steps.truncated.any() and steps.terminated.any(axis=0).all()


def test_goal_probe_pays_its_sparse_reward_and_its_expert_reaches_the_goal():
    env = envs.make("ProbeGoal")
    steps = rollout.episodes(env, experts.load("ProbeGoal"), jax.random.key(0), 20)
    gap = np.linalg.norm(steps.next_obs[..., :2] - steps.next_obs[..., 2:], axis=-1)
    np.testing.assert_array_equal(steps.reward, np.where(gap > 0.1, -1.0, 0.0))
    np.testing.assert_array_equal(steps.success, gap <= 0.1)
    assert np.asarray(steps.success)[-1].all() and not np.asarray(steps.success)[0].all()
    np.testing.assert_array_equal(steps.obs[..., 2:], steps.next_obs[..., 2:])
    goal_spec = env.spec.goal
    assert goal_spec is not None
    at, desired = (steps.next_obs[..., env.spec.fields[f]] for f in ("at", "goal"))
    np.testing.assert_array_equal(goal_spec.reward(at, desired), steps.reward)


def test_euler_angles_equal_those_of_gymnasium_robotics():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gymnasium_robotics.utils import rotations
    q = np.random.default_rng(0).normal(size=(200, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    expected = rotations.mat2euler(rotations.quat2mat(q))
    got = np.asarray(goal.quat_to_euler(jnp.float32(q)))
    gap = np.abs(np.angle(np.exp(1j * (got - expected))))  # angles wrap
    assert gap.max() < 2e-4


def test_reward_includes_the_threshold_and_success_excludes_it():
    a, b = jnp.zeros(3), jnp.array([0.25, 0.0, 0.0])
    assert float(goal.sparse_reward(0.25)(a, b)) == 0  # inclusive
    assert float(goal.reached(a, b, 0.25)) == 0  # exclusive
    assert float(goal.reached(a, b, 0.26)) == 1
    assert float(goal.sparse_reward(0.24)(a, b)) == -1


@pytest.mark.slow
def test_engines_agree_on_point_mass():
    native, mjx = envs.make("PointMass", "native"), envs.make("PointMass", "mjx")
    expert = experts.load("PointMass")
    run = lambda env: jax.jit(  # noqa: E731
        lambda k: rollout.episodes(env, expert, k, 4).obs
    )(jax.random.key(0))
    np.testing.assert_allclose(run(native), run(mjx), atol=1e-5)
    assert native.engine == "native" and mjx.engine == "mjx"


def test_digest_is_stable_and_differs_between_tasks():
    digest.cache_clear()
    first = digest("PointMass", "native")
    digest.cache_clear()
    assert digest("PointMass", "native") == first
    assert digest("ProbeTarget", "auto") != first


@pytest.mark.filterwarnings("ignore")
def test_environments_run_in_brax_wrappers():
    from brax.envs.wrappers import training

    env = training.wrap(envs.make("PointMass"), episode_length=20)  # type: ignore[arg-type]
    # Brax's wrappers take the old kind of keys.
    state = jax.jit(env.reset)(jax.random.split(jax.random.PRNGKey(0), 3))
    step = jax.jit(env.step)
    for t in range(20):
        state = step(state, jnp.zeros((3, 2)))
        assert state.obs.shape == (3, 6)
        np.testing.assert_array_equal(state.done, float(t == 19))
    np.testing.assert_array_equal(state.info["truncation"], 1.0)


@pytest.mark.slow
def test_hopper_in_mjx_stays_close_to_native():
    native, mjx = envs.make("Hopper", "native"), envs.make("Hopper", "mjx")
    state = jax.jit(native.reset)(jax.random.key(0))
    other = jax.jit(mjx.reset)(jax.random.key(0))
    a, b = jax.jit(native.step), jax.jit(mjx.step)
    for _ in range(10):
        state, other = a(state, jnp.zeros(3)), b(other, jnp.zeros(3))
    np.testing.assert_allclose(state.obs, other.obs, atol=2e-2)
    assert float(state.reward) == pytest.approx(float(other.reward), abs=2e-2)
