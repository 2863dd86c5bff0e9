"""The attributes of Python objects that make up the state of an environment.

The objects are those that can be reached from the environment through attributes, lists, tuples
and dictionaries. Their plain attributes (numbers, text, arrays, containers of these, random
generators) are the state; what differs from a first copy of it is what a snapshot holds.
"""

from __future__ import annotations

import copy
import random
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.envs.registration import EnvSpec

from imitbench.envs.gymnasium import encoding

MAX_OBJECTS = 300
TABLE = 64  # entries of a container, from which on it counts as a table if it never changed
BIG = 4096  # numbers of such an array
_ATOMS = (bool, int, float, complex, str, bytes, np.generic, type(None))
_RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
_OPAQUE = (
    types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, type,
    gymnasium.Space, EnvSpec, mujoco.MjModel, mujoco.MjData,
)  # fmt: skip
_SKIPPED = {"metadata", "spec", "render_mode"}
_GONE = object()


Key = tuple[str, str]
"""The path of an object from the environment on, and the name of an attribute."""


class PythonState:
    """The Python attributes of one instance of an environment.

    Args:
        env: the environment, which has been reset and stepped.
        base: the first copy, of another instance; by default that of this one is taken.
        tables: attributes that count as constants.
    """

    def __init__(
        self, env: Any, base: dict[Key, Any] | None = None, tables: frozenset[Key] = frozenset()
    ):
        self._env, self.tables = env, tables
        self._walk()
        if base is None:
            base = {key: copy.deepcopy(_value(owner[key[1]])) for owner, key in self._attributes}
        self.base = base

    def mark_tables(self, changed: set[Key]) -> None:
        """Takes large containers and arrays as constants.

        Args:
            changed: attributes that have been seen to change.
        """
        large = {k for k, v in self.base.items() if _entries(v) > TABLE}
        self.tables = frozenset(large - changed)
        self._walk()

    def differences(self) -> dict[Key, Any]:
        """Returns the attributes that differ from the base; random generators as their states."""
        self._follow()
        base, found = self.base, {}
        for owner, key in self._attributes:
            value, first = owner.get(key[1], _GONE), base.get(key, _GONE)
            if value is first and isinstance(value, _ATOMS):
                continue
            if value is _GONE or (key in self._texts and _equal(value, first)):
                continue
            if not _same(value := _value(value), first):
                found[key] = value
        return found

    def save(self) -> bytes:
        """Returns the state as bytes.

        Raises:
            TypeError: an attribute became something that has no encoding.
        """
        return encoding.encode([[*key, value] for key, value in self.differences().items()])

    def load(self, state: bytes) -> None:
        """Sets the state.

        Args:
            state: what `save` returned, here or for another instance with the same base.

        Raises:
            ValueError: it is damaged.
        """
        wanted = {(path, name): value for path, name, value in encoding.decode(state)}
        for key in self.differences().keys() - wanted.keys():
            if key in self.base:
                self._set(key, copy.deepcopy(self.base[key]))
            else:
                self._owners[key[0]].pop(key[1], None)
        for key, value in wanted.items():
            self._set(key, value)

    def _set(self, key: Key, value: Any) -> None:
        owner = self._owners.get(key[0])
        if owner is None:
            return
        now = owner.get(key[1])
        if isinstance(now, _RANDOM):
            _set_random_state(now, value)
        elif isinstance(now, np.ndarray) and not now.flags.owndata:
            if now.flags.writeable and now.shape == np.shape(value):
                now[...] = value  # a view of something else, such as of MjData
        else:
            owner[key[1]] = value

    def _follow(self) -> None:
        """Looks at the objects anew where one was replaced or has other attributes."""
        replaced = any(owner.get(name) is not child for owner, name, child in self._links)
        if replaced or any(len(owner) != n for owner, n in self._counts):
            self._walk()

    def _walk(self) -> None:
        """Finds the objects, their plain attributes, and the attributes that lead to them."""
        self._owners: dict[str, dict[str, Any]] = {}
        self._links: list[tuple[dict[str, Any], str, Any]] = []
        self._attributes: list[tuple[dict[str, Any], Key]] = []
        self._texts: set[Key] = set()  # containers of text and integers, which compare fast
        self.sims: list[mujoco.MjData] = []
        seen: set[int] = set()
        waiting = deque([("", self._env)])
        while waiting and len(self._owners) < MAX_OBJECTS:
            path, value = waiting.popleft()
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, mujoco.MjData):
                self.sims.append(value)
            if not _has_state(value):
                continue
            owner = self._owners[path] = value.__dict__
            for name, child in owner.items():
                if name.startswith("_ezpickle") or name in _SKIPPED or (path, name) in self.tables:
                    continue
                if isinstance(child, _RANDOM) or _is_plain(child):
                    self._attributes.append((owner, (path, name)))
                    if _is_text(child):
                        self._texts.add((path, name))
                    continue
                if _has_state(child):
                    self._links.append((owner, name, child))
                waiting.extend((f"{path}.{name}{i}", x) for i, x in _elements(child))
        self._counts = [(owner, len(owner)) for owner in self._owners.values()]


def _value(value: Any) -> Any:
    """A plain value as it is; the state of a random generator."""
    return _random_state(value) if isinstance(value, _RANDOM) else value


def _elements(value: Any) -> Iterator[tuple[str, Any]]:
    """A value itself, or the elements of a container."""
    if isinstance(value, dict):
        yield from ((f"[{k}]", v) for k, v in value.items())
    elif isinstance(value, (list, tuple, deque)):
        yield from ((f"[{i}]", v) for i, v in enumerate(value))
    else:
        yield "", value


def _has_state(value: Any) -> bool:
    if isinstance(value, (*_OPAQUE, *_ATOMS, *_RANDOM, np.ndarray)) or not hasattr(
        value, "__dict__"
    ):
        return False
    kind = type(value)
    name, module = kind.__name__, kind.__module__.partition(".")[0]
    if "render" in name.lower() or "viewer" in name.lower():
        return False
    return module not in ("logging", "threading", "pygame", "glfw", "_thread", "weakref", "Box2D")


def _is_plain(value: Any) -> bool:
    if isinstance(value, (*_ATOMS, np.ndarray)):
        return not isinstance(value, np.ndarray) or value.dtype.kind in "biufcSU"
    if type(value) in (list, tuple, set, frozenset, deque):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return False


def _is_text(value: Any) -> bool:
    """Whether a container holds text and integers alone."""
    if type(value) is dict:
        return _is_text(list(value)) and _is_text(list(value.values()))
    if type(value) in (list, tuple, set, frozenset):
        return all(type(x) in (str, int, bool) or _is_text(x) for x in value)
    return False


def _equal(a: Any, b: Any) -> bool:
    """Whether two containers are equal, where the second one holds text and integers alone."""
    try:
        return type(a) is type(b) and a == b
    except ValueError:  # the first one holds arrays by now
        return False


def _entries(value: Any) -> int:
    """The number of entries of a container; of an array so many as its size stands for."""
    if isinstance(value, np.ndarray):
        return value.size * TABLE // BIG
    if isinstance(value, dict):
        return sum(1 + _entries(v) for v in value.values())
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return sum(1 + _entries(v) for v in value)
    return 0


def _same(a: Any, b: Any) -> bool:
    """Whether two plain values are the same, bit by bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple, deque)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(v, b[k]) for k, v in a.items())
    return bool(a == b) or (a != a and b != b)  # two NaN are the same here


def _random_state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state() if hasattr(generator, "get_state") else generator.getstate()


def _set_random_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)
