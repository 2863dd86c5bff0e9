"""A host whose states are whole snapshots of the environment."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from imitbench.envs.gymnasium.findings import Findings
from imitbench.envs.gymnasium.hosts import Results, write
from imitbench.envs.gymnasium.snapshots import Snapshots
from imitbench.utils.machine import available_cpus


class _Instance(NamedTuple):
    env: Any
    snapshots: Snapshots


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
        self._blank = np.empty(self.words, np.uint32)  # the state in which instances are reset
        instance.snapshots.save(self._blank)
        self._free.put(instance)

    def reset(self, seeds: np.ndarray, needed: np.ndarray, results: Results) -> None:
        """Starts episodes, see `Host`."""

        def one(instance: _Instance, i: int) -> None:
            # What an instance did before must not matter.
            instance.snapshots.load(self._blank)
            write(self._found.reset(instance.env, int(seeds[i])), i, results)
            instance.snapshots.save(results.states[i])

        self._for_each(np.flatnonzero(needed), one)

    def step(
        self, states: np.ndarray, going: np.ndarray, actions: np.ndarray, results: Results
    ) -> None:
        """Steps episodes, see `Host`."""

        def one(instance: _Instance, i: int) -> None:
            instance.snapshots.load(states[i])
            write(self._found.step(instance.env, actions[i]), i, results)
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
        parts = [
            self._pool.submit(self._serve, part, work) for part in np.array_split(rows, workers)
        ]
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
            return _Instance(env, self._kept.of(env))
