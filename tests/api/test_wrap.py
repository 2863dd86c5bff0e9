"""Environments of imitbench as Gymnasium's: single ones and vector environments."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import gymnasium
import gymnasium_robotics
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import message
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import imitbench as ib
from imitbench import envs, experts
from imitbench.api.to_gymnasium.env import GymnasiumEnv
from imitbench.api.to_gymnasium.vector_env import GymnasiumVectorEnv
from imitbench.core.actor import from_policy
from imitbench.core.types import EnvState
from imitbench.envs.base import BaseEnv, make_spec, scalar
from imitbench.report import drawing
from imitbench.results.cells.policies import StoredPolicy
from imitbench.results.cells.policy_files import PolicyCard

gymnasium.register_envs(gymnasium_robotics)
# Of every environment with unbounded observations, Gymnasium's own among them.
UNBOUNDED = ("minimum value is -infinity", "maximum value is infinity")
SEED = 5


class Walk(BaseEnv):
    """A walk on a line that ends at a distance of 1 or after 6 steps."""

    def __init__(self):
        super().__init__("Walk", make_spec([("x", 1), ("old", 1)], 1, 6, ends="failure"), "none")

    def reset(self, rng):
        x = jax.random.uniform(rng, (2,), minval=-0.9, maxval=0.9)
        return EnvState(None, x, scalar(3.0), scalar(0.0), {"success": scalar(0.0)}, {})

    def step(self, state, action):
        x = jnp.stack([state.obs[0] + 0.4 * action[0], state.obs[0]])
        done = (jnp.abs(x[0]) > 1).astype(jnp.float32)
        success = (x[0] > 0).astype(jnp.float32)
        return state.replace(obs=x, reward=x[0], done=done, metrics={"success": success})


@pytest.mark.parametrize("task", ["PointMass", "Hopper", "ProbePolicy", "Tightrope-10"])
def test_gymnasiums_checker_has_nothing_to_say(task):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        check_env(ib.wrap(ib.make_env(task)), skip_render_check=True)
    texts = [str(w.message) for w in seen]
    assert not [t for t in texts if not any(u in t for u in UNBOUNDED)]


def same(ours: Any, theirs: Any) -> None:
    assert data_equivalence(ours, theirs), (ours, theirs)


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("base", [Walk(), envs.make("PointMass")], ids=lambda env: env.name)
def test_a_vector_environment_is_that_of_single_ones(mode, base):
    """The same seeds, the same actions: all that both return, over several ends of episodes."""
    num = 4
    ours: VectorEnv = GymnasiumVectorEnv(base, num, autoreset_mode=mode)
    theirs: VectorEnv = SyncVectorEnv(
        [lambda: GymnasiumEnv(base) for _ in range(num)], autoreset_mode=mode
    )
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space and ours.metadata == theirs.metadata
    same(ours.reset(seed=SEED), theirs.reset(seed=SEED))
    assert ours.np_random_seed == theirs.np_random_seed == (5, 6, 7, 8)
    random, ends = np.random.default_rng(0), np.zeros(2, int)
    for t in range(50):
        actions = random.uniform(-1, 1, ours.action_space.shape or ()).astype(np.float32)
        mine = ours.step(actions)
        same(mine, theirs.step(actions))
        ends += [mine[2].sum(), mine[3].sum()]
        ended = mine[2] | mine[3]
        if mode == AutoresetMode.DISABLED and ended.any():
            with pytest.raises(ib.UserError, match="have ended; reset them"):
                ours.step(actions)
            options = [{"reset_mask": ended.copy()} for _ in range(2)]
            same(ours.reset(options=options[0]), theirs.reset(options=options[1]))
        if t == 20:
            seeds = [3, None, 7, None]
            same(ours.reset(seed=seeds), theirs.reset(seed=seeds))  # type: ignore[arg-type]
    assert ends[1] > 0 and (ends[0] > 0) == (base.name == "Walk")


def test_a_goal_task_has_the_protocol_of_gymnasium_robotics():
    """FetchPush beside the original: spaces, steps from the same state, rewards of other goals."""
    original = gymnasium.make("FetchPush-v4").unwrapped
    ours = ib.wrap(ib.make_env("FetchPush", engine="native"))
    space, other = ours.observation_space, original.observation_space
    assert isinstance(space, gymnasium.spaces.Dict) and isinstance(other, gymnasium.spaces.Dict)
    boxes: dict[str, Any] = dict(other.items())  # of float64
    assert list(space) == list(other) and ours.action_space == original.action_space
    for name, box in boxes.items():
        assert space[name] == gymnasium.spaces.Box(box.low[0], box.high[0], box.shape, np.float32)
    assert ours.spec and ours.spec.max_episode_steps == 50 and ours.metadata["render_fps"] == 25

    ours.reset(seed=0)
    obs, _ = original.reset(seed=0)
    data: Any = original.data  # type: ignore[attr-defined]
    base: Any = ours.base_env
    physics = base.physics.reset(jnp.float32(data.qpos), jnp.float32(data.qvel))
    ours._state = base._observe(physics, jnp.float32(obs["desired_goal"]))
    random = np.random.default_rng(0)
    for t in range(50):
        action = random.uniform(-1, 1, 4).astype(np.float32)
        obs, reward, terminated, _, info = original.step(action)
        mine = ours.step(action)
        for name in space:
            np.testing.assert_allclose(mine[0][name], obs[name], atol=1e-3)
        assert (
            mine[1]
            == reward
            == ours.compute_reward(mine[0]["achieved_goal"], mine[0]["desired_goal"], mine[4])
        )
        assert mine[2:4] == (terminated, t == 49) and mine[4] == {"is_success": info["is_success"]}
    achieved, desired = random.uniform(-0.05, 0.05, (2, 30, 3))
    expected = original.compute_reward(achieved, desired, {})  # type: ignore[attr-defined]
    rewards = ours.compute_reward(achieved, desired, [{}] * 30)
    np.testing.assert_array_equal(rewards, expected)
    assert rewards.dtype == np.float32 and set(rewards) == {-1.0, 0.0}


def test_flat_observations_are_those_of_imitbench():
    env = ib.make_env("PointMass")
    obs, _ = ib.wrap(env, flat=True).reset(seed=1)
    parts, _ = ib.wrap(env).reset(seed=1)
    np.testing.assert_array_equal(obs, np.append(parts["observation"], parts["desired_goal"]))
    np.testing.assert_array_equal(parts["achieved_goal"], obs[:2])
    assert ib.wrap(env, num_envs=3, flat=True).observation_space.shape == (3, 6)
    obs[:] = parts["achieved_goal"][:] = 0  # arrays of their own, that may be written


def test_a_policy_has_the_same_returns_outside_as_inside():
    """The rollout of the policy in Gymnasium's loop, and in one compiled loop."""
    base = envs.make("PointMass")
    act = jax.jit(experts.load("PointMass", spec=base.spec))
    card = PolicyCard(1, "", "bc", 1, {}, False, 0, 0, 0, None, {})
    stored = StoredPolicy(dataclasses.replace(card, task="PointMass"), base, from_policy(act))
    outside = ib.Policy(stored).rollout(ib.wrap(base), episodes=3, seed=SEED)
    assert set(outside["length"]) == {20} and bool(outside["success"].all())
    for episode in range(3):
        env = ib.wrap(base)
        env.reset(seed=SEED + episode)

        def step(state, _):
            state = base.step(state, jnp.clip(act(jax.random.key(0), state.obs), -1, 1))
            return state, state.reward

        _, rewards = jax.lax.scan(step, env._state, None, base.spec.horizon)
        np.testing.assert_allclose(rewards.sum(), outside["return"][episode], rtol=1e-5)


def test_it_is_made_again_from_its_description():
    env = ib.wrap(ib.make_env("PointMass"), flat=True)
    assert env.spec and env.spec.id == "imitbench/PointMass"
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    same(again.reset(seed=2)[0], env.reset(seed=2)[0])
    assert repr(ib.wrap(ib.make_env("PointMass"), num_envs=2)) == (
        "GymnasiumVectorEnv(imitbench/PointMass, num_envs=2)"
    )


def test_actions_are_those_of_imitbench():
    """Humanoid's actions in Gymnasium are at most 0.4."""
    assert ib.wrap(ib.make_env("Humanoid")).action_space == gymnasium.spaces.Box(-1, 1, (17,))
    choices = ib.wrap(ib.make_env("Tightrope-10"), num_envs=3)
    assert choices.single_action_space == gymnasium.spaces.Discrete(2)
    choices.reset(seed=0)
    assert choices.step(choices.action_space.sample())[1].dtype == np.float64


def test_mistakes_are_named():
    base = ib.make_env("PointMass")
    env, vector = ib.wrap(base), ib.wrap(base, num_envs=2)
    choices = ib.wrap(ib.make_env("Tightrope-10"))
    with pytest.raises(ib.UserError, match="no episode has begun; call reset first"):
        env.step(np.zeros(2))
    with pytest.raises(ib.UserError, match="no episode has begun; call reset first"):
        vector.step(np.zeros((2, 2)))
    for each in (env, vector, choices):
        each.reset(seed=0)
    calls: list[tuple[Any, str]] = [
        (lambda: ib.wrap(gymnasium.make("CartPole-v1")), "is no environment of imitbench"),  # type: ignore[call-overload]
        (lambda: ib.wrap(base, num_envs=0), "num_envs=0: expected 1 or more"),
        (lambda: ib.wrap(base, 2, autoreset_mode="Later"), "unknown autoreset_mode 'Later'"),  # type: ignore[call-overload]
        (lambda: ib.wrap(base, autoreset_mode="SameStep"), "'SameStep': give num_envs, too"),  # type: ignore[call-overload]
        (lambda: ib.wrap(base, render_mode="human"), "'human': expected 'rgb_array' or None"),
        (lambda: ib.wrap(ib.make_env("ProbeGoal"), render_mode="rgb_array"), "no MuJoCo model"),
        (lambda: env.step(np.zeros(3)), r"shape \(3,\): expected \(2,\)"),
        (lambda: env.step([np.nan, 0]), "expected finite numbers"),
        (lambda: vector.step(np.zeros(2)), r"shape \(2,\): expected \(2, 2\)"),
        (lambda: choices.step(2), "action 2: expected 0 to 1"),
        (lambda: choices.step(0.5), "type float64: expected integers"),
        (lambda: choices.compute_reward(0, 0), "expected a goal task"),
        (lambda: env.reset(options={"goal": 1}), "options goal: this environment takes none"),
        (lambda: vector.reset(options={"goal": 1}), "options goal: .* takes reset_mask alone"),
        (lambda: vector.reset(options={"reset_mask": [0, 1]}), "reset_mask of type int64"),
        (lambda: vector.reset(seed=[1]), "1 seeds: expected one or 2"),
    ]
    for call, words in calls:
        with pytest.raises(ib.UserError, match=words) as error:
            call()
        message(error)


def test_a_machine_that_cannot_render_says_what_to_do(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(drawing.mujoco, "Renderer", lambda *_: 1 / 0)
    with pytest.raises(ib.UserError, match="cannot render .*division.*egl, osmesa or glfw"):
        ib.wrap(ib.make_env("PointMass"), render_mode="rgb_array")


@pytest.mark.filterwarnings("ignore::UserWarning")  # of glfw, where there is no display
def test_pictures_show_the_states():
    base = ib.make_env("PointMass")
    try:
        env, vector = (ib.wrap(base, n, render_mode="rgb_array") for n in (None, 2))
    except ib.UserError as error:
        pytest.skip(str(error))
    env.reset(seed=SEED)
    vector.reset(seed=SEED)
    first, pictures = np.asarray(env.render()), vector.render()
    assert first.shape == (240, 320, 3) and first.dtype == np.uint8
    assert pictures is not None and len(pictures) == 2
    np.testing.assert_array_equal(pictures[0], first)
    assert np.any(pictures[0] != pictures[1])
    env.close()
    vector.close()
