"""Brax's environments as tasks; Playground's through a stand-in for its package."""

from __future__ import annotations

import sys
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from imitbench import data, envs
from imitbench.algos.cloning import bc
from imitbench.core import rollout
from imitbench.envs import registry
from imitbench.suites.checks import check_cell
from imitbench.suites.schema import Cell
from imitbench.training import loop
from imitbench.utils.errors import UserError


def push(key, obs):
    """A policy whose actions are well beyond the bounds."""
    return jnp.full((*obs.shape[:-1], 1), 5.0)


@pytest.mark.slow
def test_brax_env_has_protocol_and_spec():
    env = envs.make("brax/inverted_pendulum")
    assert env is envs.make("brax/inverted_pendulum") and env.name == "brax/inverted_pendulum"
    assert env.engine == "brax-generalized"
    assert (env.spec.obs_size, env.spec.action_size, env.spec.horizon) == (4, 1, 1000)
    assert dict(env.spec.fields) == {"obs": slice(0, 4)} and env.spec.goal is None
    assert not rollout.has_success(env)
    state = jax.eval_shape(env.reset, jax.random.key(0))
    after = jax.eval_shape(env.step, state, jnp.zeros(1))
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert after.reward.shape == after.done.shape == ()
    assert after.reward.dtype == after.done.dtype == jnp.float32


@pytest.mark.parametrize(
    "name", ["fast", pytest.param("inverted_pendulum", marks=pytest.mark.slow)]
)
def test_steps_equal_those_of_brax(name):
    from brax import envs as theirs

    original, env = theirs.get_environment(name), envs.make(f"brax/{name}")
    key, action = jax.random.key(3), jnp.array([0.5])
    state, ours = jax.jit(original.reset)(key), jax.jit(env.reset)(key)
    step, ours_step = jax.jit(original.step), jax.jit(env.step)
    for _ in range(5):
        state, ours = step(state, action), ours_step(ours, action)
        np.testing.assert_allclose(ours.obs, state.obs, rtol=1e-6)
        assert float(ours.reward) == float(state.reward) and float(ours.done) == float(state.done)
    # An action beyond the bounds is clipped.
    far, bound = ours_step(ours, jnp.array([7.0])), ours_step(ours, jnp.array([1.0]))
    np.testing.assert_array_equal(far.obs, bound.obs)


@pytest.mark.slow
def test_falling_pole_terminates_and_time_limit_truncates():
    env = envs.make("brax/inverted_pendulum")
    steps = jax.jit(lambda k: rollout.episodes(env, push, k, 3, horizon=40))(jax.random.key(0))
    assert steps.terminated.any(axis=0).all() and not steps.truncated.any()
    lengths = rollout.summarise(steps)["length"]
    for b, n in enumerate(np.asarray(lengths)):
        assert 1 < n < 40 and steps.terminated[n - 1, b] and not steps.weight[n:, b].any()
        np.testing.assert_array_equal(steps.next_obs[n:, b], steps.next_obs[n - 1 : -1, b])
    fast = envs.make("brax/fast")
    steps = jax.jit(lambda k: rollout.episodes(fast, push, k, 2))(jax.random.key(0))
    assert steps.obs.shape == (1000, 2, 2) and fast.engine == "brax-none"
    assert not steps.terminated.any() and steps.truncated[-1].all() and steps.weight.all()


def test_bc_trains_on_a_brax_env():
    env = envs.make("brax/fast")
    demos = data.collect(env, lambda k, obs: push(k, obs) / 5, 3, expert_name="push")
    assert demos.header.engine == "brax-none" and demos.steps.obs.shape == (3, 1000, 2)
    algo = bc.make(bc.Config(hidden=(8,), steps=3, batch=16), env.spec)
    keys = jax.vmap(jax.random.key)(jnp.arange(2))
    rows = data.flatten(demos)
    _, ev = loop.train(algo, rows, keys, env=env, num_updates=1, num_evals=1, eval_episodes=2)
    assert ev.returns.shape == (2, 1) and np.isfinite(ev.returns).all() and not ev.diverged.any()


def test_unknown_names_and_missing_packages_are_refused(monkeypatch):
    with pytest.raises(UserError, match="'brax/hoper': did you mean.*brax/hopper"):
        envs.make("brax/hoper")
    with pytest.raises(UserError, match=r"engine 'mjx' of brax/fast.*use 'auto'"):
        envs.make("brax/fast", "mjx")
    with pytest.raises(UserError, match=r"model of brax/fast 'full'"):
        envs.make("brax/fast", "auto", "full")
    with pytest.raises(UserError, match="unknown task 'foo/bar'"):
        envs.make("foo/bar")
    assert (
        registry.check_task("brax/ant") == "brax/ant" and registry.check_task("Hopper") == "Hopper"
    )
    with pytest.raises(UserError, match="brax/antt"):
        check_cell(Cell("brax/antt", 5, "bc", bc.Config(), grad_steps=10))
    for prefix, module, install in (
        ("brax", "brax.envs", r"imitbench\[brax\]"),
        ("playground", "mujoco_playground", "playground<1"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(UserError, match=f"tasks {prefix}/.*pip install '{install}'") as error:
            envs.make(f"{prefix}/other")
        assert "\n" not in str(error.value)


class State(struct.PyTreeNode):
    """The fields of Playground's state."""

    data: Any
    obs: Any
    reward: Any
    done: Any
    metrics: Any
    info: Any


class Counter:
    """A task in Playground's protocol: it counts its steps, ends at 7, and observes a dict."""

    action_size = 1

    def __init__(self, keys: tuple[str, ...] = ("state", "privileged_state")):
        self.keys = keys

    def _state(self, count, rng) -> State:
        obs = {k: jnp.full(2 + i, count) for i, k in enumerate(self.keys)}
        metrics = {"success": jnp.where(count > 5, 1.0, 0.0)}
        return State({"t": count}, obs, 1.0, count >= 7, metrics, {"rng": rng})

    def reset(self, rng) -> State:
        return self._state(jnp.float32(0), rng)

    def step(self, state: State, action) -> State:
        rng, _ = jax.random.split(state.info["rng"])
        return self._state(state.data["t"] + 1, rng)


@pytest.fixture
def playground(monkeypatch):
    """A stand-in for the package; yields the arguments of the calls of `load`."""
    calls = []

    def load(name, config_overrides=None):
        calls.append((name, config_overrides))
        return Counter(("pixels",)) if name == "Pixels" else Counter()

    library = types.SimpleNamespace(
        ALL_ENVS=("Counter", "Pixels"),
        load=load,
        get_default_config=lambda name: {"episode_length": 12, "impl": "warp"},
    )
    module = types.ModuleType("mujoco_playground")
    module.registry = library  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mujoco_playground", module)
    envs.make.cache_clear()
    yield calls
    envs.make.cache_clear()


def test_playground_env_is_adapted(playground):
    env = envs.make("playground/Counter")
    assert playground == [("Counter", {"impl": "jax"})]
    assert (env.spec.obs_size, env.spec.horizon, env.engine) == (2, 12, "playground-mjx")
    assert rollout.has_success(env)
    steps = rollout.episodes(env, push, jax.random.key(0), 2)
    summary = rollout.summarise(steps)
    assert (summary["length"] == 7).all() and (summary["return"] == 7).all()
    assert summary["success_final"].all() and not steps.success[4].any()
    with pytest.raises(UserError, match="observes pixels: expected a vector"):
        envs.make("playground/Pixels")
    with pytest.raises(UserError, match="'playground/Count': did you mean playground/Counter"):
        envs.make("playground/Count")
