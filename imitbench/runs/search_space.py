"""The space of a search: the values of each setting, and the trials drawn from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from imitbench.utils.errors import UserError


class Range(NamedTuple):
    """The values of a setting, as text."""

    name: str
    draw: Callable[[np.random.Generator], str]
    choices: tuple[str, ...]  # empty for an interval


def parse(word: str) -> Range:
    """Parses the values of a setting.

    Args:
        word: `lr=log:1e-4:1e-2` (uniform in the logarithm), `alpha=uniform:0.01:0.2`, or choices
            `batch=64/256`.

    Returns:
        The values.

    Raises:
        UserError: the text has another form, or the interval is empty.
    """
    name, equals, text = (x.strip() for x in word.partition("="))
    kind, *ends = text.split(":")
    if not equals or not text or (ends and (kind not in ("log", "uniform") or len(ends) != 2)):
        raise UserError(
            f"range {word!r}: expected field=log:LOW:HIGH, field=uniform:LOW:HIGH or field=A/B/C"
        )
    if not ends:
        choices = tuple(text.split("/"))
        return Range(name, lambda rng: choices[rng.integers(len(choices))], choices)
    try:
        low, high = map(float, ends)
    except ValueError:
        raise UserError(f"range {word!r}: expected numbers, not {':'.join(ends)}") from None
    if not (math.isfinite(high - low) and low < high) or (kind == "log" and low <= 0):
        raise UserError(f"range {word!r}: expected LOW below HIGH, both finite; above 0 for log")
    if kind == "uniform":
        return Range(name, lambda rng: f"{rng.uniform(low, high):.4g}", ())
    log_low, log_high = math.log(low), math.log(high)
    return Range(name, lambda rng: f"{math.exp(rng.uniform(log_low, log_high)):.4g}", ())


def trials(ranges: Sequence[Range], number: int, seed: int) -> list[tuple[str, ...]]:
    """Draws the settings of each trial; the first trial changes nothing.

    Args:
        ranges: the values of each setting.
        number: the number of trials; 0: the whole grid of choices, after the first trial.
        seed: decides the draws.

    Returns:
        For each trial its changed settings, "field=value" each.

    Raises:
        UserError: the number is below 0, or the grid has an interval.
    """
    if number < 0:
        raise UserError(f"trials={number}: expected 0 (the whole grid) or more")
    if number == 0:
        if intervals := [r.name for r in ranges if not r.choices]:
            raise UserError(f"{intervals[0]} is an interval, which has no grid: give --trials")
        grid = itertools.product(*([f"{r.name}={c}" for c in r.choices] for r in ranges))
        return [(), *grid]
    rng = np.random.default_rng(seed)
    return [(), *(tuple(f"{r.name}={r.draw(rng)}" for r in ranges) for _ in range(number - 1))]
