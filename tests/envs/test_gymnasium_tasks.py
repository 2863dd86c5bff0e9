"""Gymnasium's environments as tasks, beside Gymnasium itself, step for step."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import partial

import gymnasium
import gymnasium_robotics
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import imitbench as ib
from imitbench import envs
from imitbench.core import rollout, unrolling
from imitbench.core.capabilities import Poses
from imitbench.envs.gymnasium import encoding, spaces
from imitbench.utils.errors import UserError, plain_errors

gymnasium.register_envs(gymnasium_robotics)

CLASSIC = ["CartPole-v1", "Pendulum-v1"]
MUJOCO = ["Pusher-v5", "Swimmer-v5", "InvertedDoublePendulum-v5"]
SLOW = ["Ant-v5", "AdroitHandDoor-v1", "FrankaKitchen-v1", "PointMaze_UMaze-v3", "Humanoid-v5"]
needs_box2d = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("Box2D", "pygame")),
    reason='needs pip install "gymnasium[box2d]"',
)
EVERY = [
    *CLASSIC,
    "Pusher-v5",
    *(pytest.param(n, marks=pytest.mark.slow) for n in MUJOCO + SLOW),
    pytest.param("LunarLander-v3", marks=needs_box2d),
]


def random_policy(env, key, obs):
    if env.spec.discrete:
        return jax.random.randint(key, obs.shape[:-1], 0, env.spec.action_size)
    return jax.random.uniform(key, (*obs.shape[:-1], env.spec.action_size), minval=-1.2, maxval=1.2)


def record(env, episodes=3, horizon=30):
    """Episodes of random actions, and the seeds that they were reset with."""
    key = jax.random.key(5)
    keys = jax.random.split(jax.random.split(key)[0], episodes)
    seeds = [int(jax.random.bits(k, (), jnp.uint32)) for k in keys]
    run = jax.jit(lambda k: rollout.episodes(env, partial(random_policy, env), k, episodes,
                                             horizon=min(horizon, env.spec.horizon)))  # fmt: skip
    return seeds, jax.tree.map(np.asarray, run(key))


@pytest.mark.parametrize("name", EVERY)
def test_episodes_equal_gymnasiums(name):
    env = envs.make(f"gymnasium/{name}")
    seeds, steps = record(env)
    original = gymnasium.make(name)
    obs_layout = spaces.observation_layout(original.observation_space, name)
    actions = spaces.action_layout(original.action_space, name)
    for b, seed in enumerate(seeds):
        obs, _ = original.reset(seed=seed)
        np.testing.assert_array_equal(obs_layout.flatten(obs).astype(np.float32), steps.obs[0, b])
        for t in range(len(steps.reward)):
            action = np.asarray(steps.action[t, b]).reshape(-1)
            obs, reward, terminated, _, info = original.step(actions.to_env(action))
            flat = obs_layout.flatten(obs).astype(np.float32)
            np.testing.assert_array_equal(flat, steps.next_obs[t, b])
            assert np.float32(reward) == steps.reward[t, b]
            assert terminated == steps.terminated[t, b]
            assert bool(info.get("success", False)) == steps.success[t, b]
            if terminated:
                break


@pytest.mark.slow
def test_fetch_push_equals_our_own():
    """Our FetchPush, from the state of Gymnasium's: the same numbers to float32's rounding."""
    theirs, ours = envs.make("gymnasium/FetchPush-v4"), envs.make("FetchPush")
    assert isinstance(ours, Poses)
    assert theirs.spec.horizon == ours.spec.horizon == 50
    original = gymnasium.make("FetchPush-v4").unwrapped
    key = jax.random.key(3)
    seed = int(jax.random.bits(key, (), jnp.uint32))
    original.reset(seed=seed)  # type: ignore[call-arg]
    pose = np.concatenate([original.data.qpos, original.data.qvel, original.goal])  # type: ignore[attr-defined]
    a, b = jax.jit(theirs.reset)(key), jax.jit(ours.reset_to)(jnp.asarray(pose, jnp.float32))
    step_a, step_b = jax.jit(theirs.step), jax.jit(ours.step)
    rng = np.random.default_rng(0)
    for _ in range(50):
        action = jnp.asarray(rng.uniform(-1, 1, 4), jnp.float32)
        a, b = step_a(a, action), step_b(b, action)
        flat = np.concatenate([a.obs[:25], a.obs[28:]])
        np.testing.assert_allclose(flat, b.obs, atol=2e-3)
        assert float(a.reward) == float(b.reward)
        assert float(a.metrics["success"]) == float(b.metrics["success"])
    goals = a.obs[25:28] + jnp.array([[0.0, 0, 0], [0.2, 0, 0]]), a.obs[25:28]
    assert theirs.spec.goal is not None
    np.testing.assert_array_equal(jax.jit(theirs.spec.goal.reward)(*goals), [0.0, -1.0])


@pytest.mark.parametrize("name", ["Pusher-v5", "CartPole-v1"])
def test_episodes_begin_in_recorded_states(name):
    env = envs.make(f"gymnasium/{name}")
    assert isinstance(env, Poses)
    state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 2))
    action = jnp.zeros(2, jnp.int32) if env.spec.discrete else jnp.full((2, 7), 0.5)
    step = jax.jit(jax.vmap(env.step))
    state = step(step(state, action), action)
    pose = jax.jit(jax.vmap(env.pose))(state)
    assert pose.dtype == jnp.float32 and np.isfinite(pose).all()
    again = jax.jit(jax.vmap(env.reset_to))(pose[::-1])
    np.testing.assert_array_equal(again.obs, state.obs[::-1])
    for _ in range(3):
        state, again = step(state, action), step(again, action)
        np.testing.assert_array_equal(again.obs, state.obs[::-1])


MODULE = '''
import gymnasium, numpy as np
from gymnasium import spaces


class Cart(gymnasium.Env):
    """Draws numbers in its steps; with `hidden` its state is out of reach."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Box(np.float32([-2.0]), np.float32([4.0]))

    def __init__(self, hidden=False, fault=""):
        self.fault, self.history, self.hidden = fault, [], hidden

    def reset(self, *, seed=None, options=None):
        if self.fault != "seed":
            super().reset(seed=seed)
        x, self.t = self.np_random.uniform(-1, 1, 2), 0
        if self.hidden:
            cell = [x]
            self.get, self.set = (lambda: cell[0]), (lambda x: cell.__setitem__(0, x))
        else:
            self.x = x
        return self._obs(), {}

    def _obs(self):
        x = self.get() if self.hidden else self.x
        return (x[:1] if self.fault == "size" else x).astype(np.float32)

    def step(self, action):
        assert self.action_space.contains(action)
        self.t += 1
        if self.fault == "late" and self.t > 40:
            raise ValueError("the motor is hot")
        x = self.get() if self.hidden else self.x
        x = x + 0.1 * np.array([x[1], float(action[0])]) + 0.01 * self.np_random.normal(size=2)
        if self.hidden:
            self.set(x)
        else:
            self.x = x
        cut = self.fault == "cut" and self.t >= 40
        return self._obs(), -abs(float(x[0])), abs(x[0]) > 3, cut, {"success": abs(x[0]) < 0.1}


def register(name, limit=50, **kwargs):
    gymnasium.register(f"{name}-v0", entry_point=Cart, max_episode_steps=limit, kwargs=kwargs)


register("Cart")
register("HiddenCart", hidden=True)
register("NoLimit", limit=None)
for fault in ("seed", "size", "cut", "late"):
    register(fault.capitalize(), limit=100, fault=fault)
'''


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """A module with environments, in the current directory."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "my_carts.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
    sys.modules.pop("my_carts", None)


@pytest.mark.parametrize("name", ["Cart", "HiddenCart"])
def test_own_environments(module, name):
    """One whose state can be set, and one whose episodes are repeated from seed and actions."""
    env = envs.make(f"gymnasium/my_carts:{name}-v0")
    assert isinstance(env, Poses) == (name == "Cart")
    assert (env.spec.horizon, env.spec.obs_size, env.spec.action_size) == (50, 2, 1)
    seeds, steps = record(env, episodes=4, horizon=50)
    original = gymnasium.make(f"{name}-v0")
    obs, _ = original.reset(seed=seeds[1])
    for t in range(50):
        # From [-1, 1] (clipped) to [-2, 4].
        action = 1.0 + 3.0 * np.clip(steps.action[t, 1].astype(np.float64), -1, 1)
        obs, _, terminated, _, info = original.step(action.astype(np.float32))
        np.testing.assert_array_equal(steps.next_obs[t, 1], obs)
        assert bool(info["success"]) == steps.success[t, 1]
        if terminated:
            break
    # Two steps from one and the same state: the same result, and none of the other's.
    state = jax.jit(env.reset)(jax.random.key(1))
    step = jax.jit(env.step)
    left, right = (step(state, jnp.full(1, a)) for a in (-1.0, 1.0))
    assert left.obs[1] < right.obs[1]
    again = step(state, jnp.full(1, -1.0))
    np.testing.assert_array_equal(again.obs, left.obs)
    np.testing.assert_array_equal(step(left, jnp.zeros(1)).obs, step(again, jnp.zeros(1)).obs)


CODE = """
import sys, jax, jax.numpy as jnp, numpy as np
from imitbench import envs
env = envs.make("gymnasium/my_carts:" + sys.argv[1])
state = jax.jit(env.reset)(jax.random.key(2))
for a in (0.3, -0.2, 0.9):
    before, state = state, jax.jit(env.step)(state, jnp.full(1, a))
np.savez(sys.argv[2], words=before.pipeline_state, obs=before.obs, after=state.obs)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Cart-v0", "HiddenCart-v0"])
def test_states_of_another_process(module, name):
    """A run that goes on after a kill steps the states of a checkpoint."""
    path = module / f"{name}.npz"
    subprocess.run([sys.executable, "-c", CODE, name, str(path)], check=True, cwd=module)
    stored = np.load(path)
    env = envs.make(f"gymnasium/my_carts:{name}")
    state = jax.jit(env.reset)(jax.random.key(9))
    state = state.replace(pipeline_state=jnp.asarray(stored["words"]), obs=stored["obs"])
    after = jax.jit(env.step)(state, jnp.full(1, 0.9))
    np.testing.assert_array_equal(after.obs, stored["after"])


def test_resets_happen_where_they_are_needed(module):
    env = envs.make("gymnasium/my_carts:Cart-v0")
    resets = []
    host = env._host  # type: ignore[attr-defined]
    original = host.reset

    def counted(seeds, needed, results):
        resets.append(int(needed.sum()))
        original(seeds, needed, results)

    host.reset = counted
    try:
        key = jax.random.key(0)
        running = unrolling.start_episodes(env, key, 3)
        policy = partial(random_policy, env)
        _, steps, t = unrolling.unroll(env, policy, key, running, 60)
        jax.block_until_ready(t)
    finally:
        del host.reset
    ends = int((steps.terminated | steps.truncated).sum())
    assert resets[0] == 3 and sum(resets[1:]) == ends and 3 <= ends < 60


@pytest.mark.slow
def test_methods_train_on_it(module):
    env = ib.make_env("gymnasium/my_carts:Cart-v0")
    run = ib.train(
        "ppo", env, env_steps=2 * 8 * 16, seeds=2, evals=2, eval_episodes=3, hidden=(8,),
        envs=8, length=16, minibatches=2, epochs=1,
    )  # fmt: skip
    frame = run.frame()
    assert len(frame) == 6 and np.isfinite(frame["return"]).all()


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("my_carts:NoLimit-v0", "no time limit"),
        ("my_carts:Seed-v0", "not reproducible"),
        ("my_carts:Size-v0", "observations of 1 and 1 numbers, its observation space has 2"),
        ("my_carts:Cart-v7", "unknown task"),
        ("no_such_module:Cart-v0", "no module 'no_such_module'"),
        ("Puscher-v5", "Pusher-v5"),
        ("FrozenLake-v1", "Discrete space"),
        ("", "expected an identifier"),
    ],
)
def test_what_cannot_be_used(module, task, message):
    with pytest.raises(UserError, match=message):
        envs.make(f"gymnasium/{task}")


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (gymnasium.spaces.Box(0, 255, (8, 8, 3), np.uint8), "images"),
        (gymnasium.spaces.Text(5), "Text space"),
        (gymnasium.spaces.Tuple([gymnasium.spaces.Box(0, 1, (2,))]), "Tuple space"),
        (
            gymnasium.spaces.Dict(a=gymnasium.spaces.Discrete(3)),
            "'a' has observations of a Discrete",
        ),
        (gymnasium.spaces.Box(0, 1, (0,)), "0 numbers"),
    ],
)
def test_observations_that_cannot_be(space, message):
    with pytest.raises(UserError, match=message):
        spaces.observation_layout(space, "x")


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (gymnasium.spaces.Box(-np.inf, np.inf, (2,)), "finite bounds"),
        (gymnasium.spaces.MultiDiscrete([2, 3]), "MultiDiscrete space"),
        (gymnasium.spaces.Box(1, 1, (2,)), "some width"),
    ],
)
def test_actions_that_cannot_be(space, message):
    with pytest.raises(UserError, match=message):
        spaces.action_layout(space, "x")


@pytest.mark.parametrize(
    ("name", "message"),
    [("Cut", "before the registered limit of 100 steps"), ("Late", "ValueError: the motor is hot")],
)
def test_errors_in_the_middle_of_a_run(module, name, message):
    env = ib.make_env(f"gymnasium/my_carts:{name}-v0")
    still = jnp.full((2, 1), -1.0 / 3.0)  # 0 in the units of the environment
    run = jax.jit(lambda key: rollout.episodes(env, lambda k, obs: still, key, 2))
    with pytest.raises(UserError, match=message) as caught, plain_errors():
        jax.block_until_ready(run(jax.random.key(0)))
    assert "Traceback" not in str(caught.value)


def test_encoding_keeps_every_bit():
    generator = np.random.default_rng(3).bit_generator.state
    value = {
        "rng": generator, "t": (1, 2.5, None, -0.0), "s": {1}, "b": b"x", 7: [np.float32(0.1)],
        "a": np.arange(6, dtype=np.int16).reshape(2, 3), "c": 1 + 2j, "nan": float("nan"),
    }  # fmt: skip
    back = encoding.decode(encoding.encode(value))
    assert repr(back) == repr(value) and type(back["t"]) is tuple
    assert back["a"].dtype == np.int16 and type(back[7][0]) is np.float32
    assert encoding.encode(back) == encoding.encode(value)
    with pytest.raises(TypeError, match="has no encoding"):
        encoding.encode([object()])
    with pytest.raises(ValueError, match="damaged"):
        encoding.decode(b"\xc7\x05\x06abcde")
