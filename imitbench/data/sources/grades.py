"""Grades of demonstrations: how good the demonstrator is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench import experts
from imitbench.core.types import Actor, Key, Policy, Spec
from imitbench.data.demonstrations import check_disturbance
from imitbench.experts.external import ExternalExpert
from imitbench.utils.errors import UserError, pick


class Grade(NamedTuple):
    """A grade: the experts that demonstrate, and the default settings of the collection."""

    parts: tuple[str, ...]
    """Grades of the experts; each demonstrates an equal share of the episodes, in this order."""
    noise: float = 0.0
    """Standard deviation of the Gaussian noise on the executed actions."""
    only_success: bool = True
    """Keep only episodes that succeed; the failures of a medium expert belong to its grade."""
    uniform: float = 0.0
    """Probability that a uniform action replaces the expert's."""
    clean: bool = True
    """Intended actions are those before noise; False: those that were executed."""


class Demonstrator(NamedTuple):
    """One of the experts that demonstrate."""

    name: str
    """The kind of expert (`scripted`, `learned`, `player`, `random actions` or `zero actions`), or
    the name of a user's."""
    policy: Callable[[Spec], Actor | Policy]
    """Builds its policy for the task's `Spec`."""
    path: Path | None = None
    """The file of a learned expert."""


GRADES = {
    "expert": Grade(("expert",)),
    "medium": Grade(("medium",), only_success=False),
    "noisy": Grade(("expert",), noise=0.2),
    # The imperfect demonstrations of Fujimoto et al. 2019 (arXiv:1812.02900).
    "imperfect": Grade(("expert",), noise=0.3, only_success=False, uniform=0.3, clean=False),
    "mixed": Grade(("expert", "medium"), only_success=False),
    # As the policies behind D4RL's data (arXiv:2004.07219): one state, several actions.
    "stochastic": Grade(("expert",), noise=0.1, only_success=False, clean=False),
    "stochastic-medium": Grade(("medium",), noise=0.1, only_success=False, clean=False),
    "stochastic-mixed": Grade(("expert", "medium"), noise=0.1, only_success=False, clean=False),
    # Undirected data, for methods that take goals from what was reached: uniformly random actions,
    # and a demonstrator that goes anywhere but to the task's goal.
    "random": Grade(("random",), only_success=False),
    "play": Grade(("play",), only_success=False),
    # All actions are 0: a control for imitation rewards that do not depend on the expert.
    "still": Grade(("still",), only_success=False),
    # The experience of a learner (`imitbench.data.sources.replay`); no expert demonstrates.
    "replay": Grade((), only_success=False),
    # The states of the clip of a task of motion imitation (`imitbench.data.sources.clip_demos`).
    "clip": Grade((), only_success=False),
}

UNDIRECTED = {"still": "zero actions", "random": "random actions", "play": "player"}
"""The demonstrators of grades without an expert, by part of the grade."""


def collection_settings(
    grade: str, noise: float | None, only_success: bool | None
) -> tuple[float, bool]:
    """Completes the settings of a collection with the defaults of its grade.

    Args:
        grade: one of `GRADES`.
        noise: standard deviation of the noise on the executed actions; None: the default.
        only_success: whether to keep only episodes that succeed; None: the default.

    Returns:
        The noise, and whether only episodes that succeed are kept.

    Raises:
        UserError: the grade is unknown, the noise is no finite number of 0 or more, it is 0 for a
            noisy grade, or the grade `replay` or `clip` gets noise or a filter.
    """
    defaults = GRADES[pick("grade", grade, GRADES)]
    if noise is not None:
        check_disturbance("noise", noise)
    if not defaults.parts and (noise or only_success):
        raise UserError(
            f"noise={noise}, only_success={only_success}: grade {grade!r} keeps all episodes as "
            "they were; leave both out"
        )
    if defaults.noise and noise == 0:
        raise UserError(
            f"noise={noise}: grade {grade!r} expects more than 0; use grade 'expert' for none"
        )
    return (
        defaults.noise if noise is None else noise,
        defaults.only_success if only_success is None else only_success,
    )


def demonstrators(
    task: str, grade: str, kind: experts.Kind | ExternalExpert = "auto"
) -> list[Demonstrator]:
    """Finds the experts that demonstrate a grade of a task.

    Args:
        task: the task's name.
        grade: one of `GRADES`.
        kind: scripted or learned experts; auto takes the scripted one where there is one. Or an
            expert of the user.

    Returns:
        The demonstrators, who share the episodes equally; none for grades `replay` and `clip`.

    Raises:
        UserError: the grade is unknown, the task has no such expert, or `kind` does not apply to
            the grade.
    """
    parts = GRADES[pick("grade", grade, GRADES)].parts
    if isinstance(kind, ExternalExpert):
        if parts != ("expert",):
            raise UserError(
                f"grade {grade!r} is not demonstrated by expert {kind.name} alone: use grade "
                "expert, noisy, imperfect or stochastic"
            )
        return [Demonstrator(kind.label, lambda spec: kind.actor)]
    if parts and parts[0] in UNDIRECTED:
        if kind != "auto":
            raise UserError(
                f"kind {kind!r} does not apply to grade {grade!r} ({UNDIRECTED[parts[0]]}); drop it"
            )
        return [_undirected(task, parts[0])]
    chosen = [experts.find_expert(task, part, kind) for part in parts]
    return [
        Demonstrator(
            e.kind, lambda spec, e=e: experts.load_actor(task, e.grade, e.kind, spec=spec), e.path
        )
        for e in chosen
    ]


def _undirected(task: str, part: str) -> Demonstrator:
    """The demonstrator of a grade without an expert."""
    if part == "play":
        player = experts.find_player(task)
        return Demonstrator(UNDIRECTED[part], lambda spec: player)
    return Demonstrator(UNDIRECTED[part], zero_policy if part == "still" else random_policy)


def random_policy(spec: Spec) -> Policy:
    """Builds the policy whose actions are uniformly random.

    Args:
        spec: the task's.

    Returns:
        (key, obs [..., O]) -> actions [..., A] in [-1, 1], or integers [...] where actions are
        discrete.
    """

    def act(key: Key, obs: jax.Array) -> jax.Array:
        lead = obs.shape[:-1]
        if spec.discrete:
            return jax.random.randint(key, lead, 0, spec.action_size)
        return jax.random.uniform(key, (*lead, spec.action_size), minval=-1.0, maxval=1.0)

    return act


def zero_policy(spec: Spec) -> Policy:
    """Builds the policy whose actions are all 0.

    Args:
        spec: the task's.

    Returns:
        (key, obs [..., O]) -> zeros [..., A], or integers [...] where actions are discrete.
    """
    shape = () if spec.discrete else (spec.action_size,)
    dtype = jnp.int32 if spec.discrete else jnp.float32

    def act(key: Key, obs: jax.Array) -> jax.Array:
        return jnp.zeros((*obs.shape[:-1], *shape), dtype)

    return act
