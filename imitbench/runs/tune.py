"""A search for settings, on validation seeds and initial states, with all its trials reported.

Trials that differ in plain numbers alone are trained by one program, compiled once: their values
are an axis of what it trains, as the seeds are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos
from imitbench.core import rollout
from imitbench.core.types import Algorithm, Env, Key, Transition
from imitbench.data import loading
from imitbench.results import stats
from imitbench.runs import plan, vmapped_config
from imitbench.suites import overrides
from imitbench.suites.schema import Cell, count_updates
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils.files import atomic_write, lock_folder
from imitbench.utils.json_schema import read_json


def groups(config: Any, words: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Trials that one program can train: those that differ in floating-point settings alone.

    Raises:
        UserError: a setting that does not exist, or a value that it cannot have.
    """
    found: dict[str, list[int]] = {}
    names = list(dict.fromkeys(w.partition("=")[0] for trial in words for w in trial))
    for i, trial in enumerate(words):
        made = overrides.apply(config, trial)  # checks every value before any work
        at = [vmapped_config.get_setting(made, n) for n in names]
        fixed = [x for x in at if not isinstance(x, float)]
        found.setdefault(json.dumps(fixed), []).append(i)
    return list(found.values())


class Trial(NamedTuple):
    """What came of one."""

    words: tuple[str, ...]
    scores: list[float]  # of the validation seeds, at the last evaluation
    diverged: list[int]  # of these seeds, those that did

    @property
    def estimate(self) -> stats.Estimate:
        return stats.estimate(np.array(self.scores))


def search(
    cell: Cell,
    words: Sequence[tuple[str, ...]],
    root: Path,
    progress: Callable[[int], Progress] = Progress,
) -> tuple[Path, list[Trial]]:
    """Trains every trial on the cell's task and budget; those of an earlier call are kept, and a
    cut-off one goes on.

    Args:
        cell: its seeds are validation seeds; its config is what the trials change.
        root: where the search gets a folder of its own, in which `trials.json` grows.

    Raises:
        UserError: a setting that does not exist, or a value that it cannot have.
    """
    parts = groups(cell.config, words)
    cell = dataclasses.replace(cell, validation=True)
    (job,) = plan.prepare("tune", "cpu", [cell])
    configs = [overrides.apply(cell.config, trial) for trial in words]
    odd = []
    for config in configs:
        loading.check(cell.data, config, job.env)
        odd += algos.settings_warnings(cell.method, config, job.env.spec)
    for line in dict.fromkeys(odd):
        print(line, file=sys.stderr, flush=True)
    text = json.dumps([job.identity, words], sort_keys=True)
    folder = root / f"{cell.task}-{cell.method}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    with lock_folder(folder):
        path = folder / "trials.json"
        done = read_json(path, "a search's trials", "remove it") if path.exists() else {}
        seeds = job.identity["seeds"]
        rows, _ = loading.load_demonstrations(
            cell.data, job.env, seeds, configs=[cell.config, *configs]
        )
        parts = [p for part in parts for p in _together(job, rows, [words[i] for i in part])]
        with progress(len(parts) * cell.num_evals) as shown:
            for part in parts:
                if all(json.dumps(w) in done for w in part):
                    continue
                for trial in _train(job, rows, part, folder, shown):
                    done[json.dumps(trial.words)] = trial._asdict()
                with atomic_write(path) as temporary:
                    temporary.write_text(json.dumps(done, indent=1) + "\n")
    found = [done[json.dumps(w)] for w in words]
    return path, [Trial(tuple(x["words"]), x["scores"], x["diverged"]) for x in found]


class _Program(NamedTuple):
    algo: Algorithm
    demos: vmapped_config.DemosWithSettings
    keys: Key


def _program(job: plan.Job, rows: Transition, words: Sequence[tuple[str, ...]]) -> _Program:
    """One for trials that differ in floating-point settings; a lone one has its values fixed."""
    cell, seeds = job.cell, job.identity["seeds"]
    made = [overrides.apply(cell.config, trial) for trial in words]
    names = dict.fromkeys(w.partition("=")[0] for trial in words for w in trial)
    free = (
        [n for n in names if isinstance(vmapped_config.get_setting(made[0], n), float)]
        if len(words) > 1
        else []
    )
    values = [{n: vmapped_config.get_setting(m, n) for n in free} for m in made]
    algo = vmapped_config.vmapped_method(cell.method, made[0], job.env, job.expert)
    keys = jnp.stack([jax.random.key(s) for _ in words for s in seeds])
    return _Program(algo, vmapped_config.tile_over_trials(rows, values, len(seeds)), keys)


def _together(
    job: plan.Job, rows: Transition, words: list[tuple[str, ...]]
) -> list[list[tuple[str, ...]]]:
    """All in one program, where it can be built before the values are known; else each alone."""
    if len(words) == 1 or vmapped_config.traceable(*_program(job, rows, words)):
        return [words]
    return [[w] for w in words]


def _train(
    job: plan.Job, rows: Transition, words: list[tuple[str, ...]], folder: Path, shown: Progress
) -> list[Trial]:
    cell, seeds = job.cell, job.identity["seeds"]
    algo, demos, keys = _program(job, rows, words)
    updates = count_updates(cell, algo.cost)
    partial = folder / "partial" / hashlib.sha256(json.dumps(words).encode()).hexdigest()[:10]
    shown.start(cell.task, f"{cell.method}, {len(words)} trials", updates)
    _, ev = resumable.train_resumable(
        partial, algo, demos, keys, shown, env=job.env, num_updates=updates,
        num_evals=cell.num_evals, eval_episodes=cell.eval_episodes,
        eval_key=plan.eval_key(cell.validation),
    )  # fmt: skip
    shutil.rmtree(partial, ignore_errors=True)
    return _judged(words, seeds, job.env, ev)


def _judged(
    words: Sequence[tuple[str, ...]], seeds: Sequence[int], env: Env, ev: loop.Eval
) -> list[Trial]:
    """Success, any and final together, where the task has it; else the return. A diverged seed
    counts as nothing, or as the worst of all trials."""
    solved = rollout.has_success(env)
    score = (ev.success_any + ev.success_final)[:, -1] / 2 if solved else ev.returns[:, -1]
    healthy = score[~ev.diverged]
    worst = 0.0 if solved or not healthy.size else float(healthy.min())
    score = np.where(ev.diverged, worst, score).reshape(len(words), -1)
    diverged = ev.diverged.reshape(len(words), -1)
    return [
        Trial(w, [float(x) for x in own], [s for s, bad in zip(seeds, lost, strict=True) if bad])
        for w, own, lost in zip(words, score, diverged, strict=True)
    ]
