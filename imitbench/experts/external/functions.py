"""Functions and objects of a user as experts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from imitbench.core.types import Env, Spec
from imitbench.experts.external.check import failure
from imitbench.experts.external.expert import HostFunction
from imitbench.experts.external.observations import as_dict
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import shorten

METHODS = ("predict", "act")


def check_kind(name: str, thing: Any) -> None:
    """Checks that a thing can act.

    Args:
        name: the expert's.
        thing: what the user named.

    Raises:
        UserError: it is a class, or neither a function nor an object with `predict` or `act`.
    """
    expected = "a function of observations, or an object with predict or act"
    if inspect.isclass(thing):
        raise UserError(f"expert {name} is a class: expected {expected}; make an object of it")
    if not callable(thing) and not any(callable(getattr(thing, m, None)) for m in METHODS):
        raise UserError(
            f"expert {shorten(thing)} is of type {type(thing).__name__}: expected {expected}"
        )


def is_jax_policy(thing: Any) -> bool:
    """Whether a thing is a policy in JAX: a function whose parameters are key and obs."""
    return callable(thing) and not _method(thing) and list(_parameters(thing))[:1] == ["key"]


def host_function(name: str, thing: Any, env: Env) -> HostFunction:
    """Builds the host function of a user's function or object.

    Args:
        name: the expert's.
        thing: a function of observations; or an object with `predict`, which may return a pair of
            actions and None (Stable-Baselines3), or with `act`.
        env: the task's environment.

    Returns:
        A function of observations [N, O] whose result is not checked yet. Actions of an object with
        an `action_space` are scaled from its bounds to [-1, 1].

    Raises:
        UserError: it wants dictionaries and the task has no goals; or, on a call, it fails, returns
            JAX arrays or has a memory.
    """
    call, options = _call(thing)
    observe = as_dict(name, env.spec) if _wants_dict(thing, call) else np.array
    scale = _scale(name, thing, env.spec)

    def act(obs: np.ndarray) -> Any:
        try:
            result = call(observe(obs), **options)
        except UserError:
            raise
        except Exception as error:  # the user's function may raise anything
            raise failure(name, error) from error
        if isinstance(result, tuple) and len(result) == 2:
            result, memory = result
            if memory is not None:
                raise UserError(
                    f"expert {name} returned a state beside its actions: expected a function of "
                    "the observation; experts with a memory cannot be asked in any state"
                )
        if isinstance(result, jax.Array):
            raise UserError(
                f"expert {name} returned an array of JAX: write it as act(key, obs), and it runs "
                "inside the compiled program"
            )
        return scale(result)

    return act


def _method(thing: Any) -> Callable[..., Any] | None:
    found = (getattr(thing, method, None) for method in METHODS)
    return next((m for m in found if callable(m)), None)


def _call(thing: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """What is called, and with which options: without sampling where there is a choice."""
    call = _method(thing) or thing
    return call, {"deterministic": True} if "deterministic" in _parameters(call) else {}


def _parameters(call: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(call).parameters
    except (TypeError, ValueError):  # functions of C have no signature
        return {}


def _wants_dict(thing: Any, call: Any) -> bool:
    """Whether its first parameter is annotated as a dictionary, or its observation space is one."""
    if isinstance(getattr(getattr(thing, "observation_space", None), "spaces", None), Mapping):
        return True
    first = next(iter(_parameters(call).values()), None)
    kind = getattr(first, "annotation", None)
    text = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    return text.partition("[")[0].rpartition(".")[2] in ("dict", "Dict", "Mapping")


def _scale(name: str, thing: Any, spec: Spec) -> Callable[[Any], Any]:
    """Scales actions from the bounds of an object's action space to [-1, 1]."""
    space = getattr(thing, "action_space", None)
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    if spec.discrete or low is None or high is None:
        return lambda actions: actions
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if low.shape != (spec.action_size,) or not np.isfinite([low, high]).all():
        raise UserError(
            f"expert {name} has the action space {space}: expected finite bounds of shape "
            f"({spec.action_size},)"
        )
    return lambda actions: scale_actions(np.asarray(actions), low, high)


def scale_actions(actions: Any, low: np.ndarray, high: np.ndarray) -> Any:
    """Scales actions [..., A] from bounds [A] to [-1, 1]."""
    return 2.0 * (actions - low) / (high - low) - 1.0
