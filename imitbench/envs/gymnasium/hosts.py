"""Instances of an environment that serve many episodes at once, as numpy functions.

The state of an episode is a row of numbers. `SnapshotHost` keeps the whole state of the environment
in it: any instance can go on from it, so a few instances serve all episodes. `ReplayHost` keeps
seed and actions: the instance that took the last step goes on, and any other one has to repeat the
episode first.
"""

from __future__ import annotations

import collections
import itertools
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np

from imitbench.envs.gymnasium.probing import Findings, Outcome
from imitbench.envs.gymnasium.snapshots import Snapshots
from imitbench.utils.machine import available_cpus

MAX_INSTANCES = 1024  # of an environment whose episodes are repeated


class Results(NamedTuple):
    """Arrays for the results of N episodes."""

    states: np.ndarray  # [N, W] uint32
    obs: np.ndarray  # [N, O] float32
    numbers: np.ndarray  # [N, 3] float32: reward, terminated, success


class Host(Protocol):
    """Serves many episodes at once."""

    words: int  # W, the length of a state

    def reset(self, seeds: np.ndarray, needed: np.ndarray, results: Results) -> None:
        """Starts episodes.

        Args:
            seeds: [N] uint32.
            needed: [N] bool; the results of the others stay as they are.
            results: for the results.
        """
        ...

    def step(
        self, states: np.ndarray, going: np.ndarray, actions: np.ndarray, results: Results
    ) -> None:
        """Steps episodes.

        Args:
            states: [N, W] uint32.
            going: [N] bool: not terminated; the results of the others stay as they are.
            actions: [N, A] in [-1, 1], or [N, 1] choices.
            results: for the results.
        """
        ...


def _write(outcome: Outcome, i: int, results: Results) -> None:
    results.obs[i] = outcome.obs
    results.numbers[i] = outcome.reward, outcome.terminated, outcome.success or 0.0


class _Instance(NamedTuple):
    env: Any
    snapshots: Snapshots
    blank: np.ndarray  # [W] the state in which every instance is reset


class SnapshotHost:
    """A host whose states are whole.

    Environments of MuJoCo are stepped by as many threads as there are CPUs; others hold Python's
    lock all the time, and get one.

    Args:
        found: the environment.
    """

    def __init__(self, found: Findings):
        assert found.kept is not None
        self._found, self._kept = found, found.kept
        self._threads = available_cpus() if found.uses_mujoco else 1
        self._pool: ThreadPoolExecutor | None = None
        self._free: queue.LifoQueue[_Instance] = queue.LifoQueue()
        self._lock = threading.Lock()
        instance = self._make()
        self.words = instance.snapshots.words
        self._blank = instance.blank
        self._free.put(instance)

    def reset(self, seeds: np.ndarray, needed: np.ndarray, results: Results) -> None:
        """Starts episodes, see `Host`."""

        def one(instance: _Instance, i: int) -> None:
            # What an instance did before must not matter.
            instance.snapshots.load(self._blank)
            _write(self._found.reset(instance.env, int(seeds[i])), i, results)
            instance.snapshots.save(results.states[i])

        self._for_each(np.flatnonzero(needed), one)

    def step(
        self, states: np.ndarray, going: np.ndarray, actions: np.ndarray, results: Results
    ) -> None:
        """Steps episodes, see `Host`."""

        def one(instance: _Instance, i: int) -> None:
            instance.snapshots.load(states[i])
            _write(self._found.step(instance.env, actions[i]), i, results)
            instance.snapshots.save(results.states[i])

        self._for_each(np.flatnonzero(going), one)

    def _for_each(self, rows: np.ndarray, work: Callable[[_Instance, int], None]) -> None:
        """Does the work for each row, shared by the threads."""
        workers = min(self._threads, len(rows))
        if workers <= 1:
            self._serve(rows, work)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "gymnasium")
        parts = [self._pool.submit(self._serve, part, work) for part in np.array_split(rows, workers)]
        for part in parts:
            part.result()

    def _serve(self, rows: np.ndarray, work: Callable[[_Instance, int], None]) -> None:
        if not len(rows):
            return
        try:
            instance = self._free.get_nowait()
        except queue.Empty:
            instance = self._make()
        try:
            for i in rows:
                work(instance, int(i))
        finally:
            self._free.put(instance)

    def _make(self) -> _Instance:
        with self._lock:
            env = self._found.registered.make()
            env.reset(seed=0)
            snapshots = self._kept.of(env)
            blank = np.empty(snapshots.words, np.uint32)
            snapshots.save(blank)
            return _Instance(env, snapshots, blank)


class ReplayHost:
    """A host whose states are the seed and the actions of the episode.

    Args:
        found: the environment.
    """

    def __init__(self, found: Findings):
        self._found = found
        self._horizon = found.registered.horizon
        self._action = 1 if found.action.discrete else found.action.size
        # A mark of the last step (two words), the seed, the number of steps, the actions.
        self.words = 4 + self._horizon * self._action
        self._live: collections.OrderedDict[int, Any] = collections.OrderedDict()
        self._free: list[Any] = []
        self._marks = itertools.count(int.from_bytes(os.urandom(7), "little"))
        self._lock = threading.Lock()
        self.repeated_steps = 0

    def reset(self, seeds: np.ndarray, needed: np.ndarray, results: Results) -> None:
        """Starts episodes, see `Host`."""
        with self._lock:
            for i in np.flatnonzero(needed):
                env = self._take()
                _write(self._found.reset(env, int(seeds[i])), i, results)
                state = results.states[i]
                state[:] = 0
                state[2] = seeds[i]
                self._remember(state, env)

    def step(
        self, states: np.ndarray, going: np.ndarray, actions: np.ndarray, results: Results
    ) -> None:
        """Steps episodes, see `Host`."""
        with self._lock:
            for i in np.flatnonzero(going):
                self._step(states[i], actions[i], int(i), results)

    def _step(self, before: np.ndarray, action: np.ndarray, i: int, results: Results) -> None:
        t = int(before[3])
        env = self._live.pop(_mark(before), None)
        if env is None:
            env = self._take()
            self._found.reset(env, int(before[2]))
            for k in range(t):
                self._found.step(env, self._recorded(before, k))
            self.repeated_steps += t
        outcome = self._found.step(env, action)
        _write(outcome, i, results)
        state = results.states[i]
        state[:] = before
        if t >= self._horizon:  # beyond the limit, which no rollout goes
            self._release(env)
            return
        self._actions(state)[t] = np.ascontiguousarray(action).view(np.uint32)
        state[3] = t + 1
        if outcome.terminated or t + 1 == self._horizon:
            self._release(env)
        else:
            self._remember(state, env)

    def _actions(self, state: np.ndarray) -> np.ndarray:
        return state[4:].reshape(self._horizon, self._action)

    def _recorded(self, state: np.ndarray, k: int) -> np.ndarray:
        kind = np.int32 if self._found.action.discrete else np.float32
        return self._actions(state)[k].view(kind)

    def _take(self) -> Any:
        """An instance that no episode needs; else that of the oldest step."""
        if self._free:
            return self._free.pop()
        if len(self._live) < MAX_INSTANCES:
            return self._found.registered.make()
        env = self._live.popitem(last=False)[1]
        if not self._found.fresh:
            return env
        env.close()
        return self._found.registered.make()

    def _release(self, env: Any) -> None:
        if self._found.fresh:
            env.close()
        else:
            self._free.append(env)

    def _remember(self, state: np.ndarray, env: Any) -> None:
        mark = next(self._marks)
        state[:2] = mark & 0xFFFFFFFF, mark >> 32 & 0xFFFFFFFF
        self._live[_mark(state)] = env


def _mark(state: np.ndarray) -> int:
    return int(state[0]) | int(state[1]) << 32
