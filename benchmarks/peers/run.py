"""Trains peers on our data and writes their results as cells beside ours. Run by
`make peer-rows SUITE=offline`; it installs nothing.

A seed that has finished is kept: a run that was cut off continues with the next one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.peers import messages
from benchmarks.peers.rows import ROWS, PeerRow
from imitbench.core import rollout
from imitbench.core.types import Env, Key
from imitbench.data import loading
from imitbench.envs.registry import TASKS
from imitbench.results.cells import housekeeping, store
from imitbench.results.publish import derive
from imitbench.runs import plan, runner
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, cell_key
from imitbench.training.evaluation import Eval, append_evaluation
from imitbench.utils import machine
from imitbench.utils.files import atomic_write

# The interpreter of a peer's environment; Stable-Baselines3 is in our own.
ENVIRONMENTS = {"d3rlpy": ".venv/d3rlpy/bin/python", "imitation": ".venv/imitation/bin/python"}


class Peer:
    """A peer's process.

    Args:
        script: the process, a script in this folder.
        python: its interpreter.
    """

    def __init__(self, script: Path, python: str):
        if not Path(python).exists():
            raise SystemExit(f"{python} is not there: run `make peers`, and see what it says")
        self._process = subprocess.Popen(
            [python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.version: str = self._answer().words["version"]

    def ask(self, do: str, words: Mapping[str, Any] = {}, **arrays: np.ndarray) -> messages.Message:
        """Sends a message and waits for the answer."""
        assert self._process.stdin is not None
        messages.send(self._process.stdin, {"do": do, **words}, **arrays)  # type: ignore[arg-type]
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def _answer(self) -> messages.Message:
        assert self._process.stdout is not None
        answer = messages.receive(self._process.stdout)  # type: ignore[arg-type]
        if answer is None:
            self.close()
            raise SystemExit("the peer's process ended: see its message above")
        return answer


SECONDS = ("train_seconds", "evaluate_seconds")


class SeedResult(NamedTuple):
    """All evaluations of one seed."""

    episodes: list[dict[str, np.ndarray]]  # [B] by name, for each evaluation
    train_seconds: float
    evaluate_seconds: float


def find_cell(row: PeerRow, profile: Any) -> Cell:
    """The cell of ours that a row stands beside; in a profile without its number of demonstrations
    the one with another number."""
    found = [
        cell
        for cell in load_suite(row.suite).profiles[profile]
        if (cell.task, cell.name) == (row.task, row.beside)
        and (not cell.demos or cell.source.grade == row.grade)
        and cell.source.behaviour is None
    ]
    found = [cell for cell in found if cell.demos == row.demos] or found
    if len(found) != 1:
        raise SystemExit(f"{row.name}: {len(found)} cells of {row.suite} fit, expected one")
    return found[0]


def identity_of(row: PeerRow, job: plan.Job, version: str) -> dict[str, Any]:
    """The identity of a row: that of our cell with the peer's name, version and settings."""
    ours = {k: v for k, v in job.identity.items() if k != "version"}
    peer = {"package": row.package, "version": version}
    config = json.loads(json.dumps(row.settings))
    return ours | {"method": row.name, "label": row.name, "config": config, "peer": peer}


def run_seed(
    row: PeerRow, job: plan.Job, peer: Peer, rows: dict[str, np.ndarray], seed: int,
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


def demonstrations(job: plan.Job) -> tuple[list[dict[str, np.ndarray]], Any]:
    """The rows of each seed, without padding, and the header of the data set."""
    cell = job.cell
    demos, header = loading.load_demonstrations(
        cell.data, job.env, job.seeds, configs=[cell.config]
    )
    if not cell.demos:
        return [{} for _ in job.seeds], header
    names = ("obs", "action", "reward", "next_obs", "terminated", "truncated", "weight")
    arrays = {k: np.asarray(getattr(demos, k)) for k in names}
    if arrays["weight"].ndim == 1:
        arrays = {k: np.repeat(v[None], len(job.seeds), axis=0) for k, v in arrays.items()}
    out = []
    for s in range(len(job.seeds)):
        real = arrays["weight"][s] > 0
        out.append({k: v[s][real] for k, v in arrays.items() if k != "weight"})
    return out, header


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


def _evaluations(job: plan.Job, seeds: Sequence[SeedResult]) -> Eval:
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


def run_row(row: PeerRow, profile: str, root: Path, peer: Peer) -> Path:
    """Trains a row's seeds that have not finished, and writes its cell.

    Args:
        row: the row.
        profile: the suite's profile.
        root: the folder of the suite's results.
        peer: the peer's process.

    Returns:
        The folder of the cell.
    """
    cell = find_cell(row, profile)
    cells = load_suite(row.suite).profiles[profile]  # type: ignore[index]
    job = plan.prepare(row.suite, profile, [cell])[0]
    identity = identity_of(row, job, peer.version)
    key = cell_key(identity)
    final = store.cells_folder(root) / key
    if final.exists():
        print(f"{key}: finished before, skipped", file=sys.stderr)
        return final
    rows, header = demonstrations(job)
    done, evaluate = [], evaluator(job.env, peer, cell.eval_episodes)
    eval_keys = plan.eval_keys(job.seeds, validation=False)
    for seed, data, eval_key in zip(job.seeds, rows, eval_keys, strict=True):
        path = store.partial_folder(root, key) / f"seed-{seed}.npz"
        if not path.exists():
            store_seed(path, run_seed(row, job, peer, data, seed, partial(evaluate, eval_key)))
        done.append(load_seed(path))
    cost = dataclasses.asdict(job.algo.cost)
    if row.grad_steps is not None:
        cost |= {"grad_steps": row.grad_steps, "grad_step_offset": 0}
    info = {
        "identity": identity,
        "finished": True,
        "order": cells.index(cell),
        "engine": job.env.engine,
        "device": machine.device(),
        "environment_digest": job.environment_digest,
        "versions": machine.versions() | {row.package: peer.version},
        "git_commit": machine.git_commit(),
        "seconds": _seconds(done),
        "cost": {k: v for k, v in cost.items() if v is not None},
        "demo_steps": loading.demonstrated_steps(cell.data, job.env),
        "has_success": rollout.has_success(job.env),
        "diverged_seeds": [],
        "demonstrations": dataclasses.asdict(header) if header else None,
        "asked_expert": None,
        "finished_at": housekeeping.finishing_time(root),
    }
    with runner.results_lock(root):
        store.write(root, key, info, _evaluations(job, done))
    shutil.rmtree(store.partial_folder(root, key), ignore_errors=True)
    return final


def main(words: Sequence[str] | None = None) -> None:
    """Runs all rows of a suite."""
    parser = argparse.ArgumentParser(description="Trains peers beside the cells of a suite.")
    parser.add_argument("suite", choices=sorted({r.suite for r in ROWS}))
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--only", nargs="*", default=[], help="names of rows; all by default")
    given = parser.parse_args(words)
    suffix = "" if given.profile == "cpu" else f".{given.profile}"
    root = given.results / f"{given.suite}{suffix}"
    for row in ROWS:
        if row.suite == given.suite and (not given.only or row.name in given.only):
            script = Path(__file__).with_name(f"{row.package}_worker.py")
            peer = Peer(script, ENVIRONMENTS.get(row.package, sys.executable))
            run_row(row, given.profile, root, peer)
            peer.close()
    derive(root)


if __name__ == "__main__":
    main()
