"""One seed of a peer's row: trained by the peer, evaluated in our environment, kept in a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.peers.process import Peer
from benchmarks.peers.rows import PeerRow
from imitbench.core import rollout
from imitbench.core.types import Env, Key
from imitbench.envs.registry import TASKS
from imitbench.runs.plan import Job
from imitbench.training.evaluation import Eval, append_evaluation
from imitbench.utils import machine
from imitbench.utils.files import atomic_write

SECONDS = ("train_seconds", "evaluate_seconds")


class SeedResult(NamedTuple):
    """All evaluations of one seed."""

    episodes: list[dict[str, np.ndarray]]  # [B] by name, for each evaluation
    train_seconds: float
    evaluate_seconds: float


def run_seed(
    row: PeerRow, job: Job, peer: Peer, rows: dict[str, np.ndarray], seed: int,
    evaluate: Callable[[], dict[str, np.ndarray]],
) -> SeedResult:  # fmt: skip
    """Trains and evaluates one seed.

    Args:
        row: the row.
        job: our cell.
        peer: the peer's process.
        rows: its demonstrations [N, ...] by name.
        seed: the training seed.
        evaluate: evaluates the peer's policy.
    """
    words = {
        "seed": seed,
        "method": row.method,
        "settings": row.settings,
        "threads": machine.available_cpus(),
        "gymnasium_id": TASKS[row.task].gymnasium_id,
    }
    peer.ask("begin", words, **rows)
    cell = job.cell
    steps = (cell.env_steps or cell.grad_steps) // cell.num_evals
    evaluations, seconds, evaluate_seconds = [], 0.0, 0.0
    for e in range(1 + cell.num_evals):
        if e:
            started = time.perf_counter()
            peer.ask("train", {"steps": steps})
            seconds += time.perf_counter() - started
        started = time.perf_counter()
        evaluations.append(evaluate())
        evaluate_seconds += time.perf_counter() - started
        mean = evaluations[-1]["return"].mean()
        line = f"{row.name} seed {seed}  {e}/{cell.num_evals} evaluations  return {mean:.1f}"
        print(line, file=sys.stderr, flush=True)
    return SeedResult(evaluations, seconds, evaluate_seconds)


def evaluator(env: Env, peer: Peer, episodes: int) -> Callable[[Key], dict[str, np.ndarray]]:
    """Compiles the evaluation of the policy that the peer has at the time.

    Args:
        env: the task's environment.
        peer: the peer's process.
        episodes: B, the number of episodes.

    Returns:
        A function of the key of the initial states; it returns scores [B] by name, as the
        evaluation of our own methods.
    """
    size = env.spec.action_size

    def ask(obs: jax.Array) -> np.ndarray:
        flat = np.asarray(obs, np.float32).reshape(-1, obs.shape[-1])
        return peer.ask("act", obs=flat).arrays["action"].reshape(*obs.shape[:-1], size)

    def policy(_: Key, obs: jax.Array) -> jax.Array:
        shape = jax.ShapeDtypeStruct((*obs.shape[:-1], size), np.float32)
        return jax.pure_callback(ask, shape, obs, vmap_method="broadcast_all")

    run = jax.jit(lambda key: rollout.summarise(rollout.episodes(env, policy, key, episodes)))
    return lambda key: {k: np.asarray(v) for k, v in run(key).items()}


def load_seed(path: Path) -> SeedResult:
    """Reads the evaluations of a finished seed."""
    with np.load(path) as stored:
        seconds = (float(stored[name]) for name in SECONDS)
        count = int(stored["evaluations"])
        names = [k.removeprefix("0/") for k in stored.files if k.startswith("0/")]
        return SeedResult([{n: stored[f"{e}/{n}"] for n in names} for e in range(count)], *seconds)


def store_seed(path: Path, result: SeedResult) -> None:
    """Writes the evaluations of a finished seed, whole or not at all."""
    arrays: dict[str, Any] = {
        f"{e}/{k}": v for e, scores in enumerate(result.episodes) for k, v in scores.items()
    }
    arrays |= {"evaluations": len(result.episodes)}
    arrays |= {k: getattr(result, k) for k in SECONDS}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def _seconds(seeds: Sequence[SeedResult]) -> dict[str, float]:
    """Wall time by part, over all seeds, which learn one after the other."""
    spent = (round(sum(getattr(s, name) for s in seeds), 3) for name in SECONDS)
    return dict(zip(("train", "evaluate"), spent, strict=True)) | {"compile": 0.0}


def evaluations_of(job: Job, seeds: Sequence[SeedResult]) -> Eval:
    """All evaluations of all seeds, as training collects them."""
    ev, cell = None, job.cell
    seconds = _seconds(seeds)
    nobody = np.zeros(len(seeds), bool)
    for e in range(1 + cell.num_evals):
        scores = {k: np.stack([s.episodes[e][k] for s in seeds]) for k in seeds[0].episodes[e]}
        updates = np.asarray(e * job.num_updates // cell.num_evals)
        ev = append_evaluation(ev, updates, nobody, scores, seconds)  # type: ignore[arg-type]
    assert ev is not None
    return ev
