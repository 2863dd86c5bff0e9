"""Comparing two policies on paired episodes: exact tests, and a test that may stop at any time."""

from __future__ import annotations

import math

import numpy as np
import scipy.special
import scipy.stats


def log_e_value(wins: float, losses: float) -> float:
    """The log of the evidence against "both policies win equally often".

    A test martingale: over the episodes in which just one of two policies succeeds, the ratio of
    the likelihood under a rate drawn from Beta(1/2, 1/2) to that under the rate 1/2. With a wins
    and b losses it is B(a + 1/2, b + 1/2) / B(1/2, 1/2) * 2^(a + b). If both policies win equally
    often it ever exceeds 1 / alpha with probability alpha at most, however often one looks (Ville),
    so a test may stop as soon as it does. Two-sided.

    Args:
        wins: pairs in which the first policy alone succeeded.
        losses: pairs in which the second policy alone succeeded.

    Returns:
        log E; 0 without pairs.
    """
    total = wins + losses
    beta = scipy.special.betaln(wins + 0.5, losses + 0.5) - scipy.special.betaln(0.5, 0.5)
    return float(beta) + total * math.log(2)


def pairs_needed(wins: int, losses: int, pairs: int, alpha: float = 0.05) -> int | None:
    """Estimates how many more pairs would decide, if the outcomes go on as they did.

    Args:
        wins: pairs in which the first policy alone succeeded.
        losses: pairs in which the second policy alone succeeded.
        pairs: all pairs, ties too.
        alpha: the chance of a false decision.

    Returns:
        The number of pairs; 0 where the evidence is there already, None where the wins show no
        direction or more than a million pairs would be needed.
    """
    if log_e_value(wins, losses) >= -math.log(alpha):
        return 0
    if wins == losses:
        return None
    share = max(wins, losses) / (wins + losses)

    def decides(total: int) -> bool:
        return log_e_value(share * total, (1 - share) * total) >= -math.log(alpha)

    low = high = wins + losses
    while not decides(high):
        low, high = high, 2 * high
        if high > 1_000_000:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return math.ceil((high - wins - losses) * pairs / (wins + losses))


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p value of McNemar's test, for a number of pairs fixed beforehand.

    Args:
        wins: pairs in which the first policy alone succeeded.
        losses: pairs in which the second policy alone succeeded.

    Returns:
        The p value of "both win equally often"; 1 without such pairs.
    """
    if wins + losses == 0:
        return 1.0
    return float(scipy.stats.binomtest(wins, wins + losses).pvalue)


def barnard(successes: tuple[int, int], episodes: tuple[int, int]) -> float:
    """The exact two-sided p value of Barnard's test, for unpaired episodes.

    Args:
        successes: of each policy.
        episodes: of each policy.

    Returns:
        The p value of "both succeed equally often".
    """
    failures = np.subtract(episodes, successes)
    if not any(successes) or not failures.any():
        return 1.0
    return float(scipy.stats.barnard_exact(np.array([successes, failures])).pvalue)
