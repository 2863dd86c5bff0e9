"""What the speed measurements share: the clock, turns, the engine by itself, made-up rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco.rollout import Rollout

from imitbench.core.types import Spec, Transition
from imitbench.physics import PhysicsState
from imitbench.utils.files import atomic_write
from imitbench.utils.machine import available_cpus

ROUNDS = 7


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Work:
    """Something to time, and the environment steps that it does."""

    run: Callable[[], Any]
    steps: int

    def rate(self) -> float:
        """Environment steps per second, once."""
        return self.steps / seconds(self.run)


def in_turns(mine: Callable[[], Any], limit: Callable[[], Any]) -> tuple[float, float]:
    """Median seconds of both, measured alternately; each is called once before."""
    mine()
    limit()
    pairs = np.array([(seconds(mine), seconds(limit)) for _ in range(ROUNDS)])
    return float(np.median(pairs[:, 0])), float(np.median(pairs[:, 1]))


def raw_engine(
    model: mujoco.MjModel, start: PhysicsState, substeps: int, steps: int, mocap: Any = ()
) -> Callable[[], None]:
    """`mujoco.rollout` by itself on as many threads as there are CPUs: what the engine can do.

    Called once for each environment step, as learning needs it, with controls of 0.

    Args:
        start: states with leaves [B, ...], from which each call of the result begins.
        substeps: of MuJoCo in an environment step.
        steps: environment steps of a call.
        mocap: pose of the mocap body [7], where the model has one.
    """
    num, threads = len(start.qpos), available_cpus()
    pool, datas = Rollout(nthread=threads), [mujoco.MjData(model) for _ in range(threads)]
    first = np.concatenate(
        [np.zeros((num, 1)), np.float64(start.qpos), np.float64(start.qvel)], axis=1
    )
    spec = mujoco.mjtState.mjSTATE_CTRL
    control = np.zeros((num, substeps, model.nu))
    if model.nmocap:
        spec |= mujoco.mjtState.mjSTATE_MOCAP_POS | mujoco.mjtState.mjSTATE_MOCAP_QUAT
        control = np.concatenate([control, np.tile(mocap, (num, substeps, 1))], axis=2)

    def run() -> None:
        now = first
        for _ in range(steps):
            out, _ = pool.rollout(
                [model] * num, datas, now, control, control_spec=int(spec), nstep=substeps
            )
            now = out[:, -1]

    return run


def publish(text: Sequence[str], where: Path) -> None:
    """Prints the lines of a page and writes them."""
    print("\n".join(text))
    with atomic_write(where) as path:
        path.write_text("\n".join(text), encoding="utf-8")


def synthetic(spec: Spec, rows: int, seeds: int) -> Transition:
    """Rows of the task's sizes; the numbers do not matter for speed."""
    obs = jax.random.normal(jax.random.key(0), (seeds, rows, spec.obs_size))
    action = jnp.tanh(obs[..., : spec.action_size])
    flag, zero = jnp.zeros((seeds, rows), bool), jnp.zeros((seeds, rows))
    return Transition(obs, action, action, zero, obs, flag, flag, flag, zero + 1)
