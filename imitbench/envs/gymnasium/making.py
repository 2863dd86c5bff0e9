"""Gymnasium environments by name, without their time limit."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium
from gymnasium.envs.registration import EnvSpec

from imitbench.envs.gymnasium import PREFIX
from imitbench.utils.errors import UserError


class Registered(NamedTuple):
    """A registered environment."""

    name: str  # the identifier, with a module in front of it if it has one
    horizon: int  # steps until the time limit
    make: Callable[[], Any]  # makes one instance, without the wrapper of the time limit


def find(task: str) -> Registered:
    """Finds a registered environment.

    Args:
        task: `gymnasium/ID`, or `gymnasium/MODULE:ID`, whose module is imported first. It may lie
            in the current directory.

    Raises:
        UserError: there is no such environment or module, it needs a package that is missing, or
            it has no time limit.
    """
    name = task.removeprefix(PREFIX)
    with working_directory_on_path():
        spec = _spec(name)
    if spec.max_episode_steps is None:
        raise UserError(
            f"{task} has no time limit, which every episode needs here: register it with "
            "max_episode_steps=..."
        )
    return Registered(name, int(spec.max_episode_steps), lambda: _make(task, spec))


def _spec(name: str) -> EnvSpec:
    module, _, identifier = name.rpartition(":")
    if not identifier:
        raise UserError(f"task {PREFIX}{name}: expected an identifier, as in {PREFIX}Pusher-v5")
    if module:
        _import(module, f"task {PREFIX}{name}")
    else:
        _register_robotics()
    try:
        with _quiet():
            return gymnasium.spec(identifier)
    except gymnasium.error.Error as error:
        reason, front = _first_line(error), PREFIX + (f"{module}:" if module else "")
        near = difflib.get_close_matches(identifier, gymnasium.registry, n=3)
        hint = f"; did you mean {' or '.join(front + n for n in near)}?" if near else ""
        named = any(n in reason for n in near)
        raise UserError(f"unknown task {PREFIX}{name} ({reason}){hint * (not named)}") from None


def _import(module: str, about: str) -> None:
    try:
        with _quiet():
            importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{about}: there is no module {error.name!r}: looked in the current directory and in "
            "sys.path; install it, or set PYTHONPATH"
        ) from None
    except Exception as error:  # foreign code
        raise UserError(
            f"{about}: importing {module} failed: {type(error).__name__}: {_first_line(error)}"
        ) from None


def _make(task: str, spec: EnvSpec) -> Any:
    try:
        # A negative number leaves the wrapper of the time limit out.
        with _quiet(), working_directory_on_path():
            return gymnasium.make(spec, max_episode_steps=-1, disable_env_checker=True)
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise UserError(
            f"{task} needs a package that is not installed: {_first_line(error)}"
        ) from None
    except Exception as error:  # foreign code
        raise UserError(
            f"{task} cannot be made: {type(error).__name__}: {_first_line(error)}"
        ) from None


def _register_robotics() -> None:
    with _quiet():
        import gymnasium_robotics

        gymnasium.register_envs(gymnasium_robotics)


@contextlib.contextmanager
def working_directory_on_path() -> Iterator[None]:
    """Lets modules of the current directory be imported in a `with` block."""
    here = os.getcwd()
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.append(here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences what packages warn of when they are imported and when environments are made."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
