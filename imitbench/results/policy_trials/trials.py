"""The outcomes of a policy's episodes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from imitbench.utils.errors import UserError


class Trials(NamedTuple):
    """The outcomes of N episodes of one policy."""

    policy: str
    success: np.ndarray | None  # [N] bool; None where it is unknown
    returns: np.ndarray | None  # [N]; None where they are unknown
    states: tuple[str, ...] | None  # names of the N initial states; None where they are unknown
    task: str = ""  # where it is known
    states_from: str = ""  # what names the initial states, such as "the column episode"
    environment: str = ""  # the engine and the environment's digest, where they are known


def make_trials(
    policy: str,
    success: np.ndarray | None,
    returns: np.ndarray | None,
    states: tuple[str, ...] | None,
    where: str,
    states_from: str = "",
) -> Trials:
    """Checks outcomes.

    Args:
        policy: its name.
        success: [N] bool, or None.
        returns: [N], or None.
        states: names of the initial states, or None.
        where: the file, for messages.
        states_from: what names the initial states, for messages.

    Raises:
        UserError: there are no episodes, neither success nor returns are known, a return is not
            finite, or two episodes have one initial state.
    """
    known = success if success is not None else returns
    if known is None:
        raise UserError(f"{where}: neither success nor return of {policy} is given; add one")
    if not len(known):
        raise UserError(f"{where}: {policy} has no episodes")
    if returns is not None and not np.isfinite(returns).all():
        bad = int(np.flatnonzero(~np.isfinite(returns))[0])
        raise UserError(f"{where}: the return of episode {bad} of {policy} is {returns[bad]}")
    if states is not None:
        state, count = Counter(states).most_common(1)[0]
        if count > 1:
            raise UserError(
                f"{where}: {policy} has {count} episodes from the initial state {state!r}: "
                "expected one of each; name them differently, or leave the column out"
            )
    return Trials(policy, success, returns, states, states_from=states_from)
