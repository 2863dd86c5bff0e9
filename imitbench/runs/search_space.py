"""What settings may be, as words, and the trials drawn from it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from imitbench.utils.errors import UserError


class Range(NamedTuple):
    """What a setting may be."""

    name: str
    draw: Callable[[np.random.Generator], str]
    choices: tuple[str, ...]  # empty for an interval


def parse(word: str) -> Range:
    """`lr=log:1e-4:1e-2`, `alpha=uniform:0.01:0.2`, or choices `batch=64/256`.

    Raises:
        UserError: another form, or an interval that is none.
    """
    name, equals, text = (x.strip() for x in word.partition("="))
    kind, *ends = text.split(":")
    if not equals or not text or (ends and (kind not in ("log", "uniform") or len(ends) != 2)):
        raise UserError(
            f"range {word!r}: expected field=log:LOW:HIGH, field=uniform:LOW:HIGH or field=A/B/C"
        )
    if not ends:
        options = tuple(text.split("/"))
        return Range(name, lambda rng: options[rng.integers(len(options))], options)
    try:
        low, high = map(float, ends)
    except ValueError:
        raise UserError(f"range {word!r}: expected numbers, not {':'.join(ends)}") from None
    if not low < high or (kind == "log" and low <= 0):
        raise UserError(f"range {word!r}: expected LOW below HIGH, and above 0 for log")
    if kind == "uniform":
        return Range(name, lambda rng: f"{rng.uniform(low, high):.4g}", ())
    ends_ = math.log(low), math.log(high)
    return Range(name, lambda rng: f"{math.exp(rng.uniform(*ends_)):.4g}", ())


def trials(ranges: Sequence[Range], number: int, seed: int) -> list[tuple[str, ...]]:
    """Settings as words (field=value) for each trial, the first without any: what is given
    competes, too. `number` 0 takes the whole grid.

    Raises:
        UserError: a grid over an interval, or a number that is none.
    """
    if number < 0:
        raise UserError(f"trials={number}: expected 0 (the whole grid) or more")
    if number == 0:
        if open_ := [r.name for r in ranges if not r.choices]:
            raise UserError(f"{open_[0]} is an interval, which has no grid: give --trials")
        grid = itertools.product(*([f"{r.name}={c}" for c in r.choices] for r in ranges))
        return [(), *grid]
    rng = np.random.default_rng(seed)
    return [(), *(tuple(f"{r.name}={r.draw(rng)}" for r in ranges) for _ in range(number - 1))]
