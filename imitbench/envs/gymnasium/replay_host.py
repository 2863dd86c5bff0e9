"""A host whose states are the seed and the actions of an episode."""

from __future__ import annotations

import collections
import itertools
import os
import threading
from typing import Any

import numpy as np

from imitbench.envs.gymnasium.findings import Findings
from imitbench.envs.gymnasium.hosts import Results, write

MAX_INSTANCES = 1024


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

    def reset(self, seeds: np.ndarray, needed: np.ndarray, results: Results) -> None:
        """Starts episodes, see `Host`."""
        with self._lock:
            for i in np.flatnonzero(needed):
                env = self._take()
                write(self._found.reset(env, int(seeds[i])), int(i), results)
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
        outcome = self._found.step(env, action)
        write(outcome, i, results)
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
