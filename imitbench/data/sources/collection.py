"""Data sets by source: collected with the task's experts, or recorded from a learner's training."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import jax
import numpy as np

from imitbench import envs
from imitbench.core.types import Env
from imitbench.data import demonstrations
from imitbench.data.header import Header
from imitbench.data.rows import Demos
from imitbench.data.sources import cache, clip_demos, image_demos
from imitbench.data.sources.grades import GRADES, collection_settings, demonstrators
from imitbench.data.sources.replay import load_replay
from imitbench.data.sources.source import DemoSource
from imitbench.experts import scripted
from imitbench.experts.external import ExternalExpert
from imitbench.experts.hidden import full_task
from imitbench.utils.errors import UserError


def collect_from(env: Env, source: DemoSource) -> Demos:
    """Collects a data set with the task's experts.

    A mixed set holds expert episodes (one more of them where the number is odd), then medium ones.

    Args:
        env: the task's environment.
        source: the number of episodes (`pool`), the experts, the noise and the seed.

    Returns:
        The data set, of `source.pool` episodes.

    Raises:
        UserError: the grade is unknown, the task has no such expert, or an argument is out of
            range.
    """
    noise, only_success = collection_settings(source.grade, source.noise, source.only_success)
    if source.grade == "clip":
        return clip_demos.collect(env, source.pool, seed=source.seed)
    people, grade = demonstrators(env.name, source.grade, source.expert), GRADES[source.grade]
    if not people:
        raise UserError(
            f"grade={source.grade}: no expert demonstrates it; `imitbench demos` records such data"
        )
    if source.pool < len(people):
        raise UserError(
            f"episodes={source.pool}: expected {len(people)} or more for grade {source.grade}"
        )
    parts = []
    for i, person in enumerate(people):
        parts.append(
            demonstrations.collect(
                env,
                person.policy(env.spec),
                (source.pool + len(people) - 1 - i) // len(people),
                seed=_part_seed(source.seed, i),
                noise=noise,
                uniform=grade.uniform,
                clean=grade.clean,
                only_success=only_success,
                expert_name=person.name,
            )
        )
    return _join(parts, source.grade, source.seed)


def load_pool(task: str, engine: str, source: DemoSource) -> Demos:
    """Loads the data set of a source from the user's cache; collects it where it is not there.

    Args:
        task: the task's name; `source.task` comes before it.
        engine: `auto`, `native` or `mjx`.
        source: the source. For grade `replay`, `pool` is the learner's budget of environment steps,
            in units of the time limit.

    Returns:
        The data set, of `source.pool` episodes, or more for grade `replay`.

    Raises:
        UserError: the grade is unknown, the task has no such expert, or an argument is out of
            range.
    """
    if source.dataset is not None:
        return source.dataset.demos
    task = source.task or task
    if envs.make(task, engine).spec.image is not None and not source.has_own_expert:
        return _pool_with_images(task, engine, dataclasses.replace(source, stream=False))
    noise, only_success = collection_settings(source.grade, source.noise, source.only_success)
    if source.grade == "replay":
        return load_replay(task, engine, source.pool, seed=source.seed)
    env, expert = envs.make(task, engine), source.expert
    is_own = isinstance(expert, ExternalExpert)
    if is_own and expert.in_memory:
        return _collect_in_memory(task, engine, source)
    request = {
        "task": task, "engine": env.engine, "episodes": source.pool, "grade": source.grade,
        "seed": source.seed, "noise": noise, "only_success": only_success,
        "kind": expert.identity() if is_own else expert,
        "scripted": scripted.VERSION,
    }  # fmt: skip
    weights = [e.path for e in demonstrators(task, source.grade, expert) if e.path]
    name = cache.name_of(request, engine, weights)
    return cache.load_or_make(name, env.spec, lambda: collect_from(env, source))


@functools.lru_cache(maxsize=1)
def _pool_with_images(task: str, engine: str, source: DemoSource) -> Demos:
    """The full task's demonstrations with the images of their poses; the last ones are kept."""
    env = envs.make(task, engine)
    pool = load_pool(full_task(task), engine, dataclasses.replace(source, task=""))
    return image_demos.with_images(pool, env)


@functools.lru_cache(maxsize=1)
def _collect_in_memory(task: str, engine: str, source: DemoSource) -> Demos:
    """Demonstrations of an expert that other processes do not have; the last ones are kept here."""
    return collect_from(envs.make(task, engine), source)


def _part_seed(seed: int, i: int) -> int:
    """Parts start from different initial states; the first one uses the user's seed."""
    return seed if i == 0 else int(np.random.SeedSequence([seed, i]).generate_state(1)[0] >> 1)


def _join(parts: Sequence[Demos], grade: str, seed: int) -> Demos:
    """Joins the parts, one after the other, under one header."""
    headers = [part.header for part in parts]
    if len(parts) == 1:
        return parts[0].replace(header=dataclasses.replace(headers[0], grade=grade))
    rows = jax.tree.map(lambda *x: np.concatenate(x), *(part.rows for part in parts))
    header = dataclasses.replace(
        headers[0],
        expert=" + ".join(dict.fromkeys(h.expert for h in headers)),
        seed=seed,
        episodes=sum(h.episodes for h in headers),
        attempted=sum(h.attempted for h in headers),
        grade=grade,
        success_any=_weighted_mean(headers, [h.success_any for h in headers]),
        success_final=_weighted_mean(headers, [h.success_final for h in headers]),
        mean_return=_weighted_mean(headers, [h.mean_return for h in headers]),
    )
    return Demos(rows, header, np.concatenate([part.lengths for part in parts]))


def _weighted_mean(headers: Sequence[Header], values: Sequence[float | None]) -> float | None:
    """Mean of one value for each header over all attempted episodes; None where one is None."""
    weights = [h.attempted for h in headers]
    known = [v * w for v, w in zip(values, weights, strict=True) if v is not None]
    return sum(known) / sum(weights) if len(known) == len(values) else None
