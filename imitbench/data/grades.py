"""Grades of demonstrations: how good the demonstrator is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import envs, experts
from imitbench.core.types import Env, Policy, Spec, UserError, pick
from imitbench.data import cache, demos
from imitbench.data.demos import Demos
from imitbench.experts import scripted


class Grade(NamedTuple):
    """Who demonstrates, and the settings of the collection unless the user gives others."""

    parts: tuple[str, ...]  # grades of the experts; each shows an equal share, in this order
    noise: float = 0.0
    only_success: bool = True  # a medium demonstrator's failures are part of its grade
    uniform: float = 0.0  # probability of a uniform action
    clean: bool = True  # labels are what the expert meant, not what was executed


class Shown(NamedTuple):
    """A demonstrator."""

    name: str
    policy: Callable[[Spec], Policy]  # of the task's
    path: Path | None = None  # of a learned expert's file


GRADES = {
    "expert": Grade(("expert",)),
    "medium": Grade(("medium",), only_success=False),
    "noisy": Grade(("expert",), noise=0.2),
    # The imperfect demonstrations of Fujimoto et al. 2019 (arXiv:1812.02900).
    "imperfect": Grade(("expert",), noise=0.3, only_success=False, uniform=0.3, clean=False),
    "mixed": Grade(("expert", "medium"), only_success=False),
    # Nothing but actions of 0: what imitating them is paid, no expert has taught.
    "still": Grade(("still",), only_success=False),
    # What a learner sees in training: `imitbench.harness.experience` makes it, no expert does.
    "replay": Grade((), only_success=False),
}


def settled(grade: str, noise: float | None, only_success: bool | None) -> tuple[float, bool]:
    """Noise and filter of a collection, the grade's own where they are None.

    Raises:
        UserError: an unknown grade, noise 0 for a noisy one, or any for a replay.
    """
    own = GRADES[pick("grade", grade, GRADES)]
    if not own.parts and (noise or only_success):
        raise UserError(f"grade {grade!r} keeps everything as it was: no noise, no filter")
    if own.noise and noise is not None and noise <= 0:
        raise UserError(f"noise={noise}: grade {grade} expects more than 0; or ask for 'expert'")
    return (
        own.noise if noise is None else noise,
        own.only_success if only_success is None else only_success,
    )


def demonstrators(task: str, grade: str, kind: experts.Kind = "auto") -> list[Shown]:
    """Those who show a grade of a task, each an equal share; none for a replay.

    Raises:
        UserError: an unknown grade, an expert that the task does not have, or a kind of one where
            no expert shows the grade.
    """
    parts = GRADES[pick("grade", grade, GRADES)].parts
    if parts == ("still",):
        if kind != "auto":
            raise UserError(f"expert={kind}: no expert shows grade still; leave it out")
        return [Shown("zero actions", _still)]
    found = [experts.find(task, part, kind) for part in parts]
    return [
        Shown(e.kind, lambda spec, e=e: experts.load(task, e.grade, e.kind, spec=spec), e.path)
        for e in found
    ]


def _still(spec: Spec) -> Policy:
    shape, kind = ((), jnp.int32) if spec.discrete else ((spec.action_size,), jnp.float32)
    return lambda key, obs: jnp.zeros((*obs.shape[:-1], *shape), kind)


def collect_grade(
    env: Env,
    episodes: int,
    *,
    grade: str = "expert",
    kind: experts.Kind = "auto",
    seed: int = 0,
    noise: float | None = None,
    only_success: bool | None = None,
) -> Demos:
    """`collect` with the task's own experts. A mixed set is expert episodes (one more of them where
    the number is odd), then medium ones.

    Args:
        kind: scripted or learned experts; auto takes the scripted one where there is one.
        noise, only_success: as in `collect`; None for the grade's own.

    Raises:
        UserError: an unknown grade, an expert that the task does not have, or a bad argument.
    """
    std, filtered = settled(grade, noise, only_success)
    found = demonstrators(env.name, grade, kind)
    if not found:
        raise UserError(f"grade {grade!r} is no expert's: `imitbench demos` makes it")
    if episodes < len(found):
        raise UserError(f"episodes={episodes}: expected {len(found)} or more for grade {grade}")
    parts = []
    for i, shown in enumerate(found):
        parts.append(
            demos.collect(
                env,
                shown.policy(env.spec),
                (episodes + len(found) - 1 - i) // len(found),
                seed=_part_seed(seed, i),
                noise=std,
                uniform=GRADES[grade].uniform,
                clean=GRADES[grade].clean,
                only_success=filtered,
                expert_name=shown.name,
            )
        )
    return _join(parts, grade, seed)


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


def cached(
    task: str,
    engine: str,
    episodes: int,
    *,
    grade: str = "expert",
    kind: experts.Kind = "auto",
    seed: int = 0,
    noise: float | None = None,
    only_success: bool | None = None,
) -> Demos:
    """`collect_grade`, kept in the user's cache."""
    env = envs.make(task, engine)
    std, filtered = settled(grade, noise, only_success)
    request = {
        "task": task, "engine": env.engine, "episodes": episodes, "grade": grade, "seed": seed,
        "noise": std, "only_success": filtered, "kind": kind, "scripted": scripted.VERSION,
    }  # fmt: skip
    weights = [e.path for e in demonstrators(task, grade, kind) if e.path]
    return cache.kept(
        cache.name_of(request, engine, weights),
        env.spec,
        lambda: collect_grade(
            env, episodes, grade=grade, kind=kind, seed=seed, noise=std, only_success=filtered
        ),
    )
