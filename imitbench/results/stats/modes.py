"""The variety of the ways in which a policy solves a task."""

from __future__ import annotations

import numpy as np

from imitbench.utils.errors import UserError


def mode_entropy(modes: np.ndarray, success: np.ndarray, count: int) -> float:
    """The entropy of the modes among successful episodes, to the base of their number.

    -sum_k p_k log p_k / log count, with the share p_k of mode k, as in D3IL (Jia et al. 2024,
    arXiv:2402.14606, section 4). From n episodes it is too small by about
    (count - 1) / (2 n log count), on average (Miller 1955).

    Args:
        modes: [N] 0 to count - 1; -1 for an episode that shows none, which does not count.
        success: [N] bool.
        count: the number of modes, 2 or more.

    Returns:
        In [0, 1]: 0 where all episodes have the same mode, 1 where all modes are equally frequent;
        nan where no episode counts.

    Raises:
        UserError: a mode is no whole number in [-1, count), the lengths differ, or `count` is below
            2.
    """
    modes, success = _checked(modes, success, count)
    shares = _shares(modes, success, count)
    return float("nan") if shares is None else _entropy(shares)


def mode_entropy_given_start(
    modes: np.ndarray, success: np.ndarray, start: np.ndarray, count: int
) -> float:
    """The mean over initial states of the entropy of the modes from there.

    A deterministic policy has 0 in a task without randomness, whatever its entropy over all
    initial states is.

    Args:
        modes: [N] as for `mode_entropy`.
        success: [N] bool.
        start: [N] the number of the initial state of each episode.
        count: the number of modes, 2 or more.

    Returns:
        In [0, 1]. Initial states from which no episode counts are left out; nan where that is so
        for all.

    Raises:
        UserError: as `mode_entropy`.
    """
    modes, success = _checked(modes, success, count)
    start = np.asarray(start)
    if start.shape != modes.shape:
        raise UserError(f"start has shape {start.shape}: expected {modes.shape}, that of the modes")
    found = [_shares(modes[start == s], success[start == s], count) for s in np.unique(start)]
    known = [_entropy(shares) for shares in found if shares is not None]
    return float(np.mean(known)) if known else float("nan")


def _checked(modes: np.ndarray, success: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    modes, success = np.asarray(modes), np.asarray(success)
    if count < 2:
        raise UserError(f"count={count}: expected 2 or more modes")
    if modes.ndim != 1 or modes.shape != success.shape:
        raise UserError(
            f"modes of shape {modes.shape} and success of shape {success.shape}: expected both [N]"
        )
    wrong = ~((modes >= -1) & (modes < count) & (modes == np.floor(modes)))
    if wrong.any():
        raise UserError(
            f"mode {modes[wrong][0]:g} of episode {np.flatnonzero(wrong)[0]}: expected whole "
            f"numbers from -1 to {count - 1}; evaluate the episodes again where modes are missing"
        )
    return modes.astype(int), success.astype(bool)


def _shares(modes: np.ndarray, success: np.ndarray, count: int) -> np.ndarray | None:
    counted = modes[success & (modes >= 0)]
    return np.bincount(counted, minlength=count) / len(counted) if len(counted) else None


def _entropy(shares: np.ndarray) -> float:
    present = shares[shares > 0]
    return float(-np.sum(present * np.log(present)) / np.log(len(shares))) + 0.0
