"""A user's expert meets its task: it is called once, and what it returns is checked."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import jax
import numpy as np

from imitbench.core.actor import as_actor
from imitbench.core.types import Actor, Decision, Env, EnvState, Policy, Spec
from imitbench.experts.external.expert import ExternalExpert, HostFunction, Source
from imitbench.experts.external.host import host_actor
from imitbench.utils import modules
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import shorten

EPISODES = 64  # initial observations of the first call
ROUNDING = 1e-5  # of actions at the bounds
STEP = 1e-2  # of the digest: smaller differences of actions are rounding errors
SAME = 1e-3  # actions of two calls are the same up to this


def bind(source: Source, env: Env) -> ExternalExpert:
    """Calls an expert on the initial observations of a task and checks its actions.

    Args:
        source: the expert.
        env: the task's environment.

    Returns:
        The expert, whose later actions are checked, too.

    Raises:
        UserError: it fails, its actions have another shape, are not finite or leave [-1, 1], or it
            is a host function whose actions differ from call to call.
    """
    keys = jax.random.split(jax.random.key(0), EPISODES)
    states = jax.jit(jax.vmap(env.reset))(keys)
    acting = source.build(env)
    if source.on_host:
        function = cast(HostFunction, acting)

        def act(obs: np.ndarray) -> np.ndarray:
            return check_actions(source.name, function(obs), obs, env.spec)

        actions = _same_twice(source.name, act, np.asarray(states.obs))
        actor = host_actor(act, env.spec)
    else:
        actor = as_actor(cast("Actor | Policy", acting))
        actions = _first_actions(source.name, actor, states, env.spec)
    digest = None if source.complete else _digest(actions)
    return ExternalExpert(source.name, source.sha256, digest, source.in_memory, actor)


def check_actions(name: str, actions: Any, obs: np.ndarray, spec: Spec) -> np.ndarray:
    """Checks what an expert returned.

    Args:
        name: the expert's.
        actions: what it returned.
        obs: [N, O] the observations that it got.
        spec: the task's.

    Returns:
        Actions [N, A] in [-1, 1], or choices [N].

    Raises:
        UserError: it is no array of numbers, or has another shape, or a number is not finite or out
            of range.
    """
    count = len(obs)
    shape = (count,) if spec.discrete else (count, spec.action_size)
    wanted = f"integers of shape {shape}" if spec.discrete else f"numbers of shape {shape}"
    try:
        found = np.asarray(actions)
    except (TypeError, ValueError):
        found = np.asarray(None)
    if found.dtype.kind not in ("iub" if spec.discrete else "iuf"):
        raise UserError(
            f"expert {name} returned {shorten(actions)}: expected an array of {wanted}, an action "
            f"for each of {count} observations"
        )
    if found.shape != shape:
        raise UserError(
            f"expert {name} returned an array of shape {found.shape}: expected {wanted}, an action "
            f"for each of {count} observations"
        )
    low, high = (0, spec.action_size - 1) if spec.discrete else (-1, 1)
    slack = 0.0 if spec.discrete else ROUNDING
    wrong = ~((found >= low - slack) & (found <= high + slack))
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        numbers = ", ".join(f"{x:g}" for x in obs[row][:6]) + ", ..." * (obs.shape[1] > 6)
        expected = f"{'choices' if spec.discrete else 'numbers'} in [{low}, {high}]"
        remedy = "mend the expert" + ("" if spec.discrete else ", or scale or clip its actions")
        raise UserError(
            f"expert {name} returned the action {found[wrong][0]:g} for the observation "
            f"[{numbers}]: expected {expected}; {remedy}"
        )
    return found if spec.discrete else np.clip(found.astype(np.float32), -1.0, 1.0)


def _same_twice(name: str, act: HostFunction, obs: np.ndarray) -> np.ndarray:
    first, second = act(obs.copy()), act(obs.copy())
    if np.abs(first - second).max(initial=0.0) > SAME:
        raise UserError(
            f"expert {name} returned different actions for the same observations: expected a "
            "function of the observation, so that runs can be repeated; for a random one write "
            "act(key, obs) in JAX, or set noise"
        )
    return first


def _first_actions(name: str, actor: Actor, states: EnvState, spec: Spec) -> np.ndarray:
    """The actions [N, A] of an actor in the initial states, checked."""

    def act(key: jax.Array) -> jax.Array:
        action, _ = actor.act(key, actor.start(key, states), states)
        return action.action if isinstance(action, Decision) else action

    actions = _run(name, act)
    return check_actions(name, actions, np.asarray(states.obs), spec)


def _run(name: str, act: Any) -> np.ndarray:
    try:
        return np.asarray(jax.jit(act)(jax.random.key(0)))
    except UserError:
        raise
    except Exception as error:  # the user's function may raise anything
        raise failure(name, error) from error


def failure(name: str, error: Exception) -> UserError:
    """The message that an expert raised an error, with the line where it did."""
    return UserError(
        f"expert {name} failed at {modules.place(error)} ({modules.type_and_text(error)}): "
        "expected an action for each observation; mend the expert"
    )


def _digest(actions: np.ndarray) -> str:
    """A digest of actions, the same on every machine up to rare cases at the edges of steps."""
    steps = np.round(np.asarray(actions, np.float64) / STEP).astype(np.int64)
    return hashlib.sha256(steps.tobytes()).hexdigest()[:16]
