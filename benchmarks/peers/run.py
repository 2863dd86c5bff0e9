"""Trains peers on our data and writes their results as cells beside ours. Run by
`make peer-rows SUITE=offline`; it installs nothing.

A seed that has finished is kept: a run that was cut off continues with the next one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import seeds
from benchmarks.peers.process import Peer
from benchmarks.peers.rows import ROWS, PeerRow
from imitbench.cli.locations import folder_name
from imitbench.core.types import Transition
from imitbench.data import loading
from imitbench.results.cells import housekeeping, store
from imitbench.results.publish import derive
from imitbench.runs import plan, runner
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, cell_key

# The interpreter of a peer's environment; Stable-Baselines3 is in our own.
ENVIRONMENTS = {"d3rlpy": ".venv/d3rlpy/bin/python", "imitation": ".venv/imitation/bin/python"}

MOST_SEEDS = 5  # of a row: no claim is about one


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


def rows_by_seed(job: plan.Job, demos: Transition) -> list[dict[str, np.ndarray]]:
    """The rows of each seed, without padding."""
    if not job.cell.demos:
        return [{} for _ in job.seeds]
    names = ("obs", "action", "reward", "next_obs", "terminated", "truncated", "weight")
    arrays = {k: np.asarray(getattr(demos, k)) for k in names}
    if arrays["weight"].ndim == 1:
        arrays = {k: np.repeat(v[None], len(job.seeds), axis=0) for k, v in arrays.items()}
    out = []
    for s in range(len(job.seeds)):
        real = arrays["weight"][s] > 0
        out.append({k: v[s][real] for k, v in arrays.items() if k != "weight"})
    return out


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
    ours = find_cell(row, profile)
    cell = replace(ours, seeds=min(ours.seeds, MOST_SEEDS))
    cells = load_suite(row.suite).profiles[profile]  # type: ignore[index]
    job = plan.prepare(row.suite, profile, [cell])[0]
    identity = identity_of(row, job, peer.version)
    key = cell_key(identity)
    final = store.cells_folder(root) / key
    if final.exists():
        print(f"{key}: finished before, skipped", file=sys.stderr)
        return final
    data = loading.load_demonstrations(cell.data, job.env, job.seeds, configs=[cell.config])
    done, evaluate = [], seeds.evaluator(job.env, peer, cell.eval_episodes)
    eval_keys = plan.eval_keys(job.seeds, validation=False)
    for seed, rows, eval_key in zip(
        job.seeds, rows_by_seed(job, data.rows), eval_keys, strict=True
    ):
        path = store.partial_folder(root, key) / f"seed-{seed}.npz"
        if not path.exists():
            result = seeds.run_seed(row, job, peer, rows, seed, partial(evaluate, eval_key))
            seeds.store_seed(path, result)
        done.append(seeds.load_seed(path))
    ev = seeds.evaluations_of(job, done)
    info = runner.cell_info(job._replace(identity=identity, index=cells.index(ours)), data, ev)
    info["versions"] = info["versions"] | {row.package: peer.version}
    info |= {"asked_expert": None, "finished_at": housekeeping.finishing_time(root)}
    if row.grad_steps is not None:
        info["cost"] |= {"grad_steps": row.grad_steps, "grad_step_offset": 0}
    with runner.results_lock(root):
        store.write(root, key, info, ev)
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
    root = given.results / folder_name(given.suite, given.profile)
    for row in ROWS:
        if row.suite == given.suite and (not given.only or row.name in given.only):
            script = Path(__file__).with_name(f"{row.package}_worker.py")
            peer = Peer(script, ENVIRONMENTS.get(row.package, sys.executable))
            run_row(row, given.profile, root, peer)
            peer.close()
    derive(root)


if __name__ == "__main__":
    main()
