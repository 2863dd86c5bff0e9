"""Environments of Brax and of MuJoCo Playground as tasks: `brax/ant`, `playground/CartpoleBalance`.

They keep their own physics in JAX: Brax's its default backend for each environment, Playground's
MJX in JAX (`impl="jax"`, where it can be chosen). The time limit is the environment's
`episode_length`, else 1000 steps.

Brax is tested with version 0.14.2. The adapter for Playground follows its documentation (0.1 and
0.2: `registry.load`, `get_default_config`, a state with Brax's fields but `data`); the tests run it
on a stand-in, because the package is not among their dependencies. Some of Playground's tasks
download meshes when they are first made.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.types import EnvState, Key
from imitbench.envs.base import BaseEnv, keep_wrapper_fields, make_spec
from imitbench.utils.errors import UserError

HORIZON = 1000
MODULES = {"brax": "brax.envs", "playground": "mujoco_playground"}
INSTALL = {"brax": "imitbench[brax]", "playground": "playground<1"}


def task_prefix(task: str) -> str | None:
    """Returns `brax` or `playground` for a task `brax/...` or `playground/...`, else None."""
    prefix, slash, _ = task.partition("/")
    return prefix if slash and prefix in MODULES else None


def env_names(prefix: str) -> list[str]:
    """Lists the environments of an installed package.

    Args:
        prefix: `brax` or `playground`.

    Raises:
        UserError: the package is not installed.
    """
    package = _import_package(prefix)
    if prefix == "playground":
        return list(package.registry.ALL_ENVS)
    return list(package._envs)  # Brax has no public list


def make(task: str, engine: str = "auto") -> AdaptedEnv:
    """Builds the environment of a task of Brax or Playground.

    Args:
        task: the prefix, a slash, and one of `env_names(prefix)`.
        engine: must be `auto`.

    Raises:
        UserError: the package is not installed, an engine is chosen, or the observation is not a
            vector.
    """
    if engine != "auto":
        raise UserError(f"engine {engine!r} of {task}: it runs on its own physics, use 'auto'")
    prefix, _, name = task.partition("/")
    package = _import_package(prefix)
    if prefix == "brax":
        env = package.get_environment(name)
        return AdaptedEnv(task, env, f"brax-{getattr(env, 'backend', 'none')}")
    config = package.registry.get_default_config(name)
    # Since 0.2 the default is MuJoCo-Warp, whose results differ from run to run.
    overrides = {"impl": "jax"} if "impl" in config else None
    env = package.registry.load(name, config_overrides=overrides)
    return AdaptedEnv(task, env, "playground-mjx", int(config.get("episode_length", HORIZON)))


def _import_package(prefix: str) -> Any:
    try:
        return importlib.import_module(MODULES[prefix])
    except ModuleNotFoundError as error:
        raise UserError(
            f"tasks {prefix}/... need another package (no module {error.name!r}): run "
            f"`pip install '{INSTALL[prefix]}'`"
        ) from None


class AdaptedEnv(BaseEnv):
    """An environment of Brax or Playground in this package's protocol.

    `env` is the original environment, and `pipeline_state` is the original state. Actions are
    clipped to [-1, 1]. From a dictionary of observations `state` is used. `done` is the original
    one, without a time limit; the original metric `success`, where there is one, is the success.

    Args:
        task: the task's name.
        env: the original environment.
        engine: the name of its physics engine.
        horizon: steps until the time limit; by default the environment's `episode_length`, else
            1000.

    Raises:
        UserError: the observation is not a vector.
    """

    def __init__(self, task: str, env: Any, engine: str, horizon: int | None = None):
        self.env = env
        horizon = horizon or int(getattr(env, "episode_length", HORIZON))
        obs = _vector(jax.eval_shape(env.reset, jax.random.key(0)).obs, task)
        # Those of these environments that terminate do so where the robot falls.
        spec = make_spec([("obs", obs.shape[0])], int(env.action_size), horizon, ends="failure")
        super().__init__(task, spec, engine)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        return self._adapt(self.env.reset(rng))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A]."""
        original = self.env.step(state.pipeline_state, jnp.clip(action, -1.0, 1.0))
        return keep_wrapper_fields(state, self._adapt(original))

    def _adapt(self, original: Any) -> EnvState:
        original = jax.tree.map(jnp.asarray, original)  # some rewards are plain numbers
        return EnvState(
            pipeline_state=original,
            obs=_vector(original.obs, self.name).astype(jnp.float32),
            reward=original.reward.astype(jnp.float32),
            done=original.done.astype(jnp.float32),
            metrics={k: v.astype(jnp.float32) for k, v in original.metrics.items()},
        )


def _vector(obs: Any, task: str) -> Any:
    """Returns the observation [O] (an array or its shape), or the `state` of a dictionary."""
    if isinstance(obs, Mapping):
        if "state" not in obs:
            raise UserError(f"{task} observes {', '.join(obs)}: expected a vector, or one 'state'")
        obs = obs["state"]
    if len(obs.shape) != 1:
        raise UserError(f"{task} has observations of shape {obs.shape}: expected a vector")
    return obs
