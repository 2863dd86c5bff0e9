"""Headers of data sets: what a data set holds and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Header:
    """The contents and the origin of a data set."""

    task: str
    expert: str
    """Who demonstrated: `scripted`, `learned`, a method, a file."""
    engine: str
    """The physics engine, or `unknown`."""
    seed: int
    """The seed of the collection."""
    episodes: int
    """Episodes in the data set."""
    attempted: int
    """Episodes that were run; the ones that `only_success` removed count too."""
    noise: float
    """Standard deviation of the Gaussian noise on the executed actions, in action units."""
    only_success: bool
    """Whether episodes that did not succeed at their last step were removed."""
    success_any: float | None
    """Share of the attempted episodes that reach the goal at any step; None without a success
    signal."""
    success_final: float | None
    """Share of the attempted episodes that succeed at their last step."""
    mean_return: float
    """Mean return of the attempted episodes, undiscounted."""
    grade: str = "expert"
    """How good the demonstrator is (`imitbench.data.sources.grades`)."""
    uniform: float = 0.0
    """Probability that a uniform action replaces the expert's."""


def make_header(
    task: str,
    returns: Any,
    success: tuple[Any, Any] | None,
    *,
    expert: str,
    engine: str,
    grade: str,
    seed: int = 0,
    episodes: int | None = None,
    noise: float = 0.0,
    uniform: float = 0.0,
    only_success: bool = False,
) -> Header:
    """Builds the header of a data set from the outcomes of its episodes.

    Args:
        task: the task's name.
        returns: [K] undiscounted returns of all K attempted episodes.
        success: [K] bool twice, success at any step and success at the last step; None for a task
            without a success signal.
        expert: the name of the demonstrator.
        engine: the physics engine, or `unknown`.
        grade: the grade of the demonstrator.
        seed: the seed of the collection.
        episodes: how many of the attempted episodes are in the data set; None: all of them.
        noise: standard deviation of the noise on the executed actions.
        uniform: probability of a uniform action.
        only_success: whether episodes without success at their last step were removed.

    Returns:
        The header; its rates and its mean return are over all attempted episodes.
    """
    success_any, success_final = (None, None) if success is None else map(_mean, success)
    return Header(
        task=task,
        expert=expert,
        engine=engine,
        seed=seed,
        episodes=len(returns) if episodes is None else episodes,
        attempted=len(returns),
        noise=noise,
        only_success=only_success,
        success_any=success_any,
        success_final=success_final,
        mean_return=_mean(returns),
        grade=grade,
        uniform=uniform,
    )


def _mean(values: Any) -> float:
    return float(np.mean(values))


def describe(header: Header) -> str:
    """Describes a data set in one line, for the console.

    Args:
        header: the data set's header.

    Returns:
        Task, number of episodes, demonstrator, success and return.
    """
    h, success = header, ""
    if h.success_any is not None and h.success_final is not None:
        success = f"success any {h.success_any:.1%}, final {h.success_final:.1%}, "
    uniform = f", uniform actions {h.uniform:.0%}" if h.uniform else ""
    return (
        f"{h.task}: {h.episodes} episodes of {h.attempted} run (grade {h.grade}, {h.expert} "
        f"expert, engine {h.engine}, seed {h.seed}, action noise {h.noise:g}{uniform}); {success}"
        f"return {h.mean_return:.2f}"
    )
