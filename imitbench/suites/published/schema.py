"""The literature's claims and numbers, as types."""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[str, int, str]  # task, demonstrations, who showed them


@dataclass(frozen=True)
class Claim:
    """`better` scores more than `worse`, by more than `margin`."""

    text: str
    better: str  # labels of cells
    worse: str
    source: str
    margin: float = 0.0  # in units of the measure; below 0: not worse by more than that
    measure: str = "success_any"
    places: tuple[Place, ...] = ()  # where it is judged; everywhere both cells are, by default
    against: str = ""  # the measure of `worse`, where it is another one
    better_at: tuple[Place, ...] = ()
    worse_at: tuple[Place, ...] = ()
    """Where one of the two stands, one for each of `places`, if elsewhere: an online learner has no
    demonstrations."""
    shrinks: tuple[tuple[Place, Place], ...] = ()
    """Pairs of places: the lead is claimed to be larger at the first than at the second."""


@dataclass(frozen=True)
class Published:
    """A mean return that others reported, after a number of the learner's environment steps."""

    task: str
    method: str  # the cell's label
    env_steps: int
    value: float
    spread: str  # with what it is: "± 272 (standard deviation over 3 runs)"
    seeds: int
    source: str  # who, which environment version, where
    url: str


@dataclass(frozen=True)
class Rate:
    """A share of successful episodes that others reported, in percent."""

    task: str
    demos: int
    method: str  # the cell's label
    value: float
    error: float  # standard error
