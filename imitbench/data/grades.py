"""Grades of demonstrations: how good the demonstrator is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp

from imitbench import experts
from imitbench.core.types import Policy, Spec
from imitbench.utils.errors import UserError, pick


class Grade(NamedTuple):
    """Who demonstrates, and the settings of the collection unless the user gives others."""

    parts: tuple[str, ...]  # grades of the experts; each shows an equal share, in this order
    noise: float = 0.0
    only_success: bool = True  # a medium demonstrator's failures are part of its grade
    uniform: float = 0.0  # probability of a uniform action
    clean: bool = True  # labels are what the expert meant, not what was executed


class Demonstrator(NamedTuple):
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
    # What a learner sees in training: `imitbench.data.replay` makes it, no expert does.
    "replay": Grade((), only_success=False),
}


def collection_settings(
    grade: str, noise: float | None, only_success: bool | None
) -> tuple[float, bool]:
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


def demonstrators(task: str, grade: str, kind: experts.Kind = "auto") -> list[Demonstrator]:
    """Those who show a grade of a task, each an equal share; none for a replay.

    Raises:
        UserError: an unknown grade, an expert that the task does not have, or a kind of one where
            no expert shows the grade.
    """
    parts = GRADES[pick("grade", grade, GRADES)].parts
    if parts == ("still",):
        if kind != "auto":
            raise UserError(f"expert={kind}: no expert shows grade still; leave it out")
        return [Demonstrator("zero actions", _still)]
    found = [experts.find_expert(task, part, kind) for part in parts]
    return [
        Demonstrator(
            e.kind, lambda spec, e=e: experts.load(task, e.grade, e.kind, spec=spec), e.path
        )
        for e in found
    ]


def _still(spec: Spec) -> Policy:
    shape, kind = ((), jnp.int32) if spec.discrete else ((spec.action_size,), jnp.float32)
    return lambda key, obs: jnp.zeros((*obs.shape[:-1], *shape), kind)
