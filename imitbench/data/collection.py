"""Data sets by their source: the task's experts, or a learner in its training."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from imitbench import envs
from imitbench.core.types import Env
from imitbench.data import cache, demonstrations
from imitbench.data.demonstrations import Demos
from imitbench.data.grades import GRADES, collection_settings, demonstrators
from imitbench.data.replay import replay
from imitbench.data.source import DemoSource
from imitbench.experts import scripted
from imitbench.utils.errors import UserError


def collect_from(env: Env, source: DemoSource) -> Demos:
    """Collects a data set with the task's own experts.

    A mixed set holds expert episodes (one more of them where the number is odd), then medium ones.

    Args:
        env: the task's environment.
        source: how many episodes (`pool`), by whom, with what noise and seed.

    Raises:
        UserError: an unknown grade, an expert that the task does not have, or a bad argument.
    """
    std, filtered = collection_settings(source.grade, source.noise, source.only_success)
    people, grade = demonstrators(env.name, source.grade, source.expert), GRADES[source.grade]
    if not people:
        raise UserError(
            f"grade={source.grade}: no expert shows it; `imitbench demos` collects such data"
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
                noise=std,
                uniform=grade.uniform,
                clean=grade.clean,
                only_success=filtered,
                expert_name=person.name,
            )
        )
    return _join(parts, source.grade, source.seed)


def load_pool(task: str, engine: str, source: DemoSource) -> Demos:
    """The data set of a source, from the user's cache where it is there.

    Args:
        task: its name.
        engine: `auto`, `native` or `mjx`.
        source: for grade `replay`, `pool` is the learner's budget, in episodes that last until the
            time limit.

    Raises:
        UserError: an unknown grade, one that the task does not have, or a bad argument.
    """
    std, filtered = collection_settings(source.grade, source.noise, source.only_success)
    if source.grade == "replay":
        return replay(task, engine, source.pool, seed=source.seed)
    env = envs.make(task, engine)
    request = {
        "task": task, "engine": env.engine, "episodes": source.pool, "grade": source.grade,
        "seed": source.seed, "noise": std, "only_success": filtered, "kind": source.expert,
        "scripted": scripted.VERSION,
    }  # fmt: skip
    weights = [e.path for e in demonstrators(task, source.grade, source.expert) if e.path]
    name = cache.name_of(request, engine, weights)
    return cache.load_or_make(name, env.spec, lambda: collect_from(env, source))


def _part_seed(seed: int, i: int) -> int:
    """Parts start from states of their own; the first keeps the user's seed."""
    return seed if i == 0 else int(np.random.SeedSequence([seed, i]).generate_state(1)[0] >> 1)


def _join(parts: list[Demos], grade: str, seed: int) -> Demos:
    """The parts one after the other, under one header."""
    if len(parts) == 1:
        return parts[0]._replace(header=dataclasses.replace(parts[0].header, grade=grade))
    steps = jax.tree.map(lambda *x: np.concatenate(x), *(p.steps for p in parts))
    headers = [p.header for p in parts]
    attempted = sum(h.attempted for h in headers)

    def mean(name: str) -> float | None:
        values = [getattr(h, name) for h in headers]
        if None in values:
            return None
        return sum(v * h.attempted for v, h in zip(values, headers, strict=True)) / attempted

    header = dataclasses.replace(
        headers[0],
        expert=" + ".join(dict.fromkeys(h.expert for h in headers)),
        seed=seed,
        episodes=sum(h.episodes for h in headers),
        attempted=attempted,
        grade=grade,
        **{k: mean(k) for k in ("success_any", "success_final", "mean_return")},
    )
    return Demos(steps, header)
