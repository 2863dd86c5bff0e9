"""Environments of Brax and of MuJoCo Playground as tasks: `brax/ant`, `playground/CartpoleBalance`.

They run on their own physics in JAX: Brax's on the default backend of each, Playground's on MJX in
JAX (`impl="jax"`, where it can be chosen). The episode is cut at the environment's own
`episode_length`, else after 1000 steps.

Brax is tested with 0.14.2. Playground's adapter is written from its documentation (0.1 and 0.2:
`registry.load`, `get_default_config`, a state with Brax's fields but `data`) and has never run: the
package is not among those that the tests install. Some of its tasks fetch meshes when first made.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.types import EnvState, Key
from imitbench.envs.base import BaseEnv, follow, make_spec
from imitbench.utils.errors import UserError

HORIZON = 1000
MODULES = {"brax": "brax.envs", "playground": "mujoco_playground"}
INSTALL = {"brax": "imitbench[brax]", "playground": "playground<1"}


def family(task: str) -> str | None:
    """`brax` or `playground` where the task's name begins with it and a slash."""
    prefix, slash, _ = task.partition("/")
    return prefix if slash and prefix in MODULES else None


def names(prefix: str) -> list[str]:
    """The environments that the installed package knows.

    Raises:
        UserError: the package is not installed.
    """
    package = _package(prefix)
    if prefix == "playground":
        return list(package.registry.ALL_ENVS)
    return list(package._envs)  # Brax lists what is registered nowhere else


def make(task: str, engine: str = "auto") -> Adapted:
    """The environment behind a name of `names` with its prefix.

    Raises:
        UserError: the package is not installed, an engine is chosen, or the observation is no
            vector.
    """
    if engine != "auto":
        raise UserError(f"engine {engine!r} of {task}: it runs on its own physics, use 'auto'")
    prefix, _, name = task.partition("/")
    package = _package(prefix)
    if prefix == "brax":
        env = package.get_environment(name)
        return Adapted(task, env, f"brax-{getattr(env, 'backend', 'none')}")
    config = package.registry.get_default_config(name)
    # Since 0.2 the default is MuJoCo-Warp, whose results differ from run to run.
    changes = {"impl": "jax"} if "impl" in config else None
    env = package.registry.load(name, config_overrides=changes)
    return Adapted(task, env, "playground-mjx", int(config.get("episode_length", HORIZON)))


def _package(prefix: str) -> Any:
    try:
        return importlib.import_module(MODULES[prefix])
    except ModuleNotFoundError as error:
        raise UserError(
            f"tasks {prefix}/... need another package (no module {error.name!r}): run "
            f"`pip install '{INSTALL[prefix]}'`"
        ) from None


class Adapted(BaseEnv):
    """An environment of theirs in our terms; theirs is `env`, and its state is `pipeline_state`.

    Actions lie in [-1, 1] (clipped). Of a dictionary of observations `state` is taken. `done` is
    the environment's own, without any time limit; a metric `success` of theirs is ours.
    """

    def __init__(self, task: str, env: Any, engine: str, horizon: int | None = None):
        self.env = env
        horizon = horizon or int(getattr(env, "episode_length", HORIZON))
        obs = _vector(jax.eval_shape(env.reset, jax.random.key(0)).obs, task)
        # Theirs end where the robot falls, those that end at all.
        spec = make_spec([("obs", obs.shape[0])], int(env.action_size), horizon, ends="failure")
        super().__init__(task, spec, engine)

    def reset(self, rng: Key) -> EnvState:
        return self._adapt(self.env.reset(rng))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        inner = self.env.step(state.pipeline_state, jnp.clip(action, -1.0, 1.0))
        return follow(state, self._adapt(inner))

    def _adapt(self, inner: Any) -> EnvState:
        inner = jax.tree.map(jnp.asarray, inner)  # some rewards are plain numbers
        return EnvState(
            pipeline_state=inner,
            obs=_vector(inner.obs, self.name).astype(jnp.float32),
            reward=inner.reward.astype(jnp.float32),
            done=inner.done.astype(jnp.float32),
            metrics={k: v.astype(jnp.float32) for k, v in inner.metrics.items()},
        )


def _vector(obs: Any, task: str) -> Any:
    """The observation [O], or its shape."""
    if isinstance(obs, Mapping):
        if "state" not in obs:
            raise UserError(f"{task} observes {', '.join(obs)}: expected a vector, or one 'state'")
        obs = obs["state"]
    if len(obs.shape) != 1:
        raise UserError(f"{task} has observations of shape {obs.shape}: expected a vector")
    return obs
