"""A search for settings on validation seeds and validation initial states.

All trials are reported. Trials that differ in floating-point settings alone are trained by one
program, which is compiled once: their values are an axis of its inputs, like the seeds.
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
from imitbench.experts import reference_scores
from imitbench.results import stats
from imitbench.runs import plan, vmapped_config
from imitbench.suites import overrides
from imitbench.suites.schema import Cell, count_updates
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils.errors import plain_errors
from imitbench.utils.files import atomic_write, lock_folder
from imitbench.utils.json_schema import read_json

Words = tuple[str, ...]
"""The changed settings of a trial, "field=value" each."""


class Trial(NamedTuple):
    """The result of a trial."""

    words: Words
    scores: list[float]  # of each validation seed at the last evaluation; higher is better
    diverged: list[int]  # the validation seeds that diverged

    @property
    def estimate(self) -> stats.Estimate:
        """The mean score with its interval."""
        return stats.over_seeds(np.array(self.scores)).interval()

    @property
    def all_diverged(self) -> bool:
        """Whether every seed diverged."""
        return len(self.diverged) == len(self.scores)


def group_trials(config: Any, trials: Sequence[Words]) -> list[list[Words]]:
    """Groups trials that one program can train: they differ in floating-point settings alone.

    Args:
        config: the settings that the trials change.
        trials: the changed settings of each trial.

    Returns:
        The groups.

    Raises:
        UserError: a setting is unknown, or a value is not allowed.
    """
    groups: dict[str, list[Words]] = {}
    names = _names(trials)
    for words in trials:
        changed = overrides.apply(config, words)
        values = [vmapped_config.get_setting(changed, name) for name in names]
        fixed = [value for value in values if not isinstance(value, float)]
        groups.setdefault(json.dumps(fixed), []).append(words)
    return list(groups.values())


def _names(trials: Sequence[Words]) -> list[str]:
    """The settings that the trials change."""
    return list(dict.fromkeys(word.partition("=")[0] for words in trials for word in words))


def search(
    cell: Cell,
    trials: Sequence[Words],
    root: Path,
    progress: Callable[[int], Progress] = Progress,
) -> tuple[Path, list[Trial]]:
    """Trains each trial on the task and the budget of a cell.

    Finished trials of an earlier call are kept, and an interrupted one continues.

    Args:
        cell: the cell; its seeds are validation seeds, and the trials change its config.
        trials: the changed settings of each trial.
        root: the folder of searches; this search has its own folder in it.
        progress: makes the display from the number of evaluations.

    Returns:
        The file `trials.json` with the results, and the results in the order of `trials`.

    Raises:
        UserError: a setting is unknown, a value is not allowed, or the cell cannot run.
    """
    groups = group_trials(cell.config, trials)
    (job,) = plan.prepare("tune", "cpu", [dataclasses.replace(cell, validation=True)])
    cell = job.cell
    configs = [overrides.apply(cell.config, words) for words in trials]
    _check(job, configs)
    text = json.dumps([job.identity, trials], sort_keys=True)
    folder = root / f"{cell.task}-{cell.method}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    path = folder / "trials.json"
    with lock_folder(folder):
        stored = read_json(path, "a search's trials", "remove it") if path.exists() else {}
        done = {k: Trial(tuple(x["words"]), x["scores"], x["diverged"]) for k, x in stored.items()}
        has_success = rollout.has_success(job.env)
        rows = loading.load_demonstrations(
            cell.data, job.env, job.seeds, configs=[cell.config, *configs]
        ).rows
        groups = [part for group in groups for part in _split(job, rows, group)]
        with progress(len(groups) * cell.num_evals) as display:
            for group in groups:
                if all(json.dumps(words) in done for words in group):
                    continue
                for trial in _train(job, rows, group, folder, display):
                    done[json.dumps(trial.words)] = trial
                scored = _score_diverged(list(done.values()), job.seeds, cell.task, has_success)
                stored = {k: t._asdict() for k, t in zip(done, scored, strict=True)}
                with atomic_write(path) as temporary:
                    temporary.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    results = [done[json.dumps(words)] for words in trials]
    return path, _score_diverged(results, job.seeds, cell.task, has_success)


def _score_diverged(
    trials: Sequence[Trial], seeds: Sequence[int], task: str, has_success: bool
) -> list[Trial]:
    """Gives all diverged seeds of a search one score, whichever trials one program trained.

    It is success 0, or the random policy's return. Where that is not known, it is the lowest return
    of the other seeds of all trials; nan where there are none.
    """
    scores = np.array([t.scores for t in trials])
    diverged = np.array([[seed in t.diverged for seed in seeds] for t in trials])
    references = reference_scores.table()
    if has_success:
        failed = 0.0
    elif task in references:
        failed = references[task]["random"]
    else:
        failed = np.min(scores, where=~diverged, initial=np.inf)
        failed = failed if np.isfinite(failed) else np.nan
    scores = np.where(diverged, failed, scores)
    return [t._replace(scores=row) for t, row in zip(trials, scores.tolist(), strict=True)]


def _check(job: plan.Job, configs: Sequence[Any]) -> None:
    """Checks the data of every trial, and prints the warnings about the settings and the data."""
    warnings = []
    for config in configs:
        loading.check(job.cell.data, config, job.env)
        warnings += algos.settings_warnings(job.cell.method, config, job.env.spec)
    # Warnings about data come second, because the data may have to be collected.
    warnings += loading.warnings(job.cell.data, job.cell.method, job.env, configs)
    for line in dict.fromkeys(warnings):
        print(line, file=sys.stderr, flush=True)


class _Program(NamedTuple):
    """The inputs of a training program; leaves [trials * S, ...]."""

    algo: Algorithm
    demos: vmapped_config.DemosWithSettings
    keys: Key


def _program(job: plan.Job, rows: Transition, group: Sequence[Words]) -> _Program:
    """The program of a group of trials; the settings of a lone trial are constants in it."""
    configs = [overrides.apply(job.cell.config, words) for words in group]
    names = [
        name
        for name in _names(group)
        if len(group) > 1 and isinstance(vmapped_config.get_setting(configs[0], name), float)
    ]
    settings = [
        {name: vmapped_config.get_setting(config, name) for name in names} for config in configs
    ]
    algo = vmapped_config.vmapped_method(job.cell.method, configs[0], job.env, job.expert)
    keys = jnp.stack([jax.random.key(seed) for _ in group for seed in job.seeds])
    return _Program(algo, vmapped_config.tile_over_trials(rows, settings, len(job.seeds)), keys)


def _split(job: plan.Job, rows: Transition, group: list[Words]) -> list[list[Words]]:
    """The group itself if its program can be built before the values are known; else each trial
    alone."""
    if len(group) == 1 or vmapped_config.is_traceable(*_program(job, rows, group)):
        return [group]
    return [[words] for words in group]


def _train(
    job: plan.Job, rows: Transition, group: list[Words], folder: Path, display: Progress
) -> list[Trial]:
    """Trains a group of trials by one program."""
    cell = job.cell
    algo, demos, keys = _program(job, rows, group)
    updates = count_updates(cell, algo.cost)
    digest = hashlib.sha256(json.dumps(group).encode()).hexdigest()[:10]
    checkpoints = folder / "partial" / digest
    eval_keys = jnp.concatenate([plan.eval_keys(job.seeds, cell.validation)] * len(group))
    display.start(cell.task, f"{cell.method}, {len(group)} trials", updates, cell.num_evals)
    with plain_errors():
        _, ev = resumable.train_resumable(
            checkpoints, algo, demos, keys, display, env=job.env, num_updates=updates,
            num_evals=cell.num_evals, eval_episodes=cell.eval_episodes, eval_keys=eval_keys,
            obs_noise=cell.obs_noise,
        )  # fmt: skip
    shutil.rmtree(checkpoints, ignore_errors=True)
    return _score_trials(group, job.seeds, job.env, ev)


def _score_trials(
    group: Sequence[Words], seeds: Sequence[int], env: Env, ev: loop.Eval
) -> list[Trial]:
    """Scores the trials of a group.

    The score is the mean of both success rates (any and final) where the task has them, else the
    return. That of a diverged seed means nothing: `_score_diverged` replaces it.

    Args:
        group: the changed settings of each trial.
        seeds: the S validation seeds.
        env: the task's environment.
        ev: the evaluations, [trials * S, E].
    """
    has_success = rollout.has_success(env)
    last = (ev.success_any + ev.success_final)[:, -1] / 2 if has_success else ev.returns[:, -1]
    scores = last.reshape(len(group), -1)
    diverged = ev.diverged.reshape(len(group), -1)
    return [
        Trial(
            words,
            [float(x) for x in scores_of_trial],
            [seed for seed, lost in zip(seeds, lost_seeds, strict=True) if lost],
        )
        for words, scores_of_trial, lost_seeds in zip(group, scores, diverged, strict=True)
    ]
