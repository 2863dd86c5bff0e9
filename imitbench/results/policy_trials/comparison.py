"""Which of two policies is better, from the outcomes of their episodes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from imitbench.results import stats
from imitbench.results.policy_trials.trials import Trials
from imitbench.results.stats import sequential
from imitbench.utils.errors import UserError

ALPHA = 0.05


class PolicyPair(NamedTuple):
    """The comparison of two policies by success, or by return where success is unknown."""

    a: str
    b: str
    measure: str  # success or return
    pairs: int  # episodes from the same initial states; 0 where they are not known
    a_mean: stats.Estimate
    b_mean: stats.Estimate
    lead: stats.Mean  # of a over b: positive where a is higher
    # Two-sided, for a number of episodes fixed beforehand: McNemar's exact test of pairs, Barnard's
    # without pairs, the t test of returns.
    p: float
    p_adjusted: float = float("nan")  # over all pairs of policies (Holm)
    wins: int = 0  # pairs in which a alone succeeded
    losses: int = 0  # pairs in which b alone succeeded
    # Evidence against "both succeed equally often" that may be looked at after every pair; nan
    # without pairs or success.
    e_value: float = float("nan")
    pairs_needed: int | None = None  # how many more would decide; 0: decided, None: not known
    paired_by: str = ""  # what names the initial states, where episodes are paired
    alone: tuple[int, int] = (0, 0)  # episodes of a, and of b, from a state that the other lacks

    @property
    def difference(self) -> stats.Estimate:
        """The lead with its 95% interval; of success within [-1, 1]."""
        value, low, high = self.lead.interval()
        if self.measure == "success":
            low, high = max(low, -1.0), min(high, 1.0)
        return stats.Estimate(value, low, high)

    @property
    def decided(self) -> bool:
        """Whether the evidence decides, however often one looked."""
        return self.e_value >= 1 / ALPHA


def compare_policies(trials: Sequence[Trials]) -> list[PolicyPair]:
    """Compares every two policies.

    Args:
        trials: the outcomes of two policies or more.

    Returns:
        A comparison for every two.

    Raises:
        UserError: there is one policy alone, two have one name, are of different tasks or
            environments, or have no measure in common.
    """
    names = [t.policy for t in trials]
    if len(names) < 2:
        raise UserError(f"one policy alone ({', '.join(names)}): expected two or more")
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"two policies are called {twice[0]!r}: rename one")
    found = [_compare(a, b) for a, b in itertools.combinations(trials, 2)]
    adjusted = stats.holm([pair.p for pair in found])
    return [pair._replace(p_adjusted=p) for pair, p in zip(found, adjusted, strict=True)]


def _compare(a: Trials, b: Trials) -> PolicyPair:
    if a.task and b.task and a.task != b.task:
        raise UserError(
            f"{a.policy} is of {a.task}, {b.policy} of {b.task}: expected one task for both"
        )
    if a.environment and b.environment and a.environment != b.environment:
        raise UserError(
            f"{a.policy} ran in {a.environment}, {b.policy} in {b.environment}: the physics are "
            "not the same; expected one environment for both"
        )
    common = _common_states(a, b)
    pair = _compare_measures(a, b, common)
    if common is None:
        return pair
    known = [len(t.states or ()) for t in (a, b)]
    return pair._replace(
        paired_by=a.states_from, alone=(known[0] - pair.pairs, known[1] - pair.pairs)
    )


def _compare_measures(
    a: Trials, b: Trials, common: tuple[list[int], list[int]] | None
) -> PolicyPair:
    """Compares by success where both have it, else by returns."""
    if a.success is not None and b.success is not None:
        if common is None:
            return _compare_unpaired(a.policy, b.policy, a.success, b.success)
        return _compare_paired(a.policy, b.policy, a.success, b.success, common)
    if a.returns is None or b.returns is None:
        raise UserError(f"{a.policy} and {b.policy} have no measure in common: success or return")
    x, y = stats.over_seeds(a.returns), stats.over_seeds(b.returns)
    lead, pairs = stats.difference(x, y), 0
    if common is not None:
        lead, pairs = stats.over_seeds(a.returns[common[0]] - b.returns[common[1]]), len(common[0])
    names = a.policy, b.policy
    return PolicyPair(*names, "return", pairs, x.interval(), y.interval(), lead, lead.p)


def _compare_unpaired(a: str, b: str, x: np.ndarray, y: np.ndarray) -> PolicyPair:
    sizes, rates = (len(x), len(y)), (float(x.mean()), float(y.mean()))
    lead = stats.difference(stats.over_seeds(x), stats.over_seeds(y))
    lead = stats.with_binomial_error(lead, rates, sizes)
    p = sequential.barnard((int(x.sum()), int(y.sum())), sizes)
    return PolicyPair(a, b, "success", 0, _rate(x), _rate(y), lead, p)


def _compare_paired(
    a: str, b: str, x: np.ndarray, y: np.ndarray, common: tuple[list[int], list[int]]
) -> PolicyPair:
    u, v = x[common[0]], y[common[1]]
    wins, losses, pairs = int((u & ~v).sum()), int((v & ~u).sum()), len(u)
    lead = stats.over_seeds(u.astype(float) - v)
    lead = stats.with_binomial_error(lead, (float(u.mean()), float(v.mean())), (pairs, pairs))
    p = sequential.mcnemar(wins, losses)
    return PolicyPair(
        a, b, "success", pairs, _rate(x), _rate(y), lead, p,
        wins=wins,
        losses=losses,
        e_value=math.exp(min(sequential.log_e_value(wins, losses), 700.0)),
        pairs_needed=sequential.pairs_needed(wins, losses, pairs, ALPHA),
    )  # fmt: skip


def _rate(success: np.ndarray) -> stats.Estimate:
    """The rate of success with Wilson's interval."""
    return stats.Estimate(float(success.mean()), *stats.wilson(int(success.sum()), len(success)))


def _common_states(a: Trials, b: Trials) -> tuple[list[int], list[int]] | None:
    """The rows of both from the same initial states; None where fewer than two are known."""
    if a.states is None or b.states is None:
        return None
    rows = {state: i for i, state in enumerate(b.states)}
    common = [(i, rows[state]) for i, state in enumerate(a.states) if state in rows]
    return ([i for i, _ in common], [j for _, j in common]) if len(common) > 1 else None


def sentence(pair: PolicyPair) -> str:
    """Says in one sentence what a comparison shows.

    Args:
        pair: the comparison.

    Returns:
        The sentence, without a full stop.
    """
    a, b = (pair.a, pair.b) if pair.lead.value >= 0 else (pair.b, pair.a)
    if pair.decided:
        return f"{a} succeeds more often than {b}: decided after {pair.pairs} pairs"
    if pair.p_adjusted <= ALPHA:
        verb = "succeeds more often" if pair.measure == "success" else "has a higher return"
        more = f"; else about {pair.pairs_needed} more pairs are needed" * bool(pair.pairs_needed)
        return f"{a} {verb} than {b}, if the number of episodes was fixed beforehand{more}"
    more = f"; about {pair.pairs_needed} more pairs needed" if pair.pairs_needed else ""
    return f"no difference is shown between {pair.a} and {pair.b}{more}"


def pairing(pair: PolicyPair) -> str:
    """Says in one sentence which episodes were compared.

    Args:
        pair: the comparison.

    Returns:
        The sentence, without a full stop.
    """
    a, b = pair.a, pair.b
    if not pair.pairs:
        return (
            f"{a} and {b} have no pairs: with names of the initial states, the same for both, in a "
            "column initial_state (or state, seed, episode), episodes would be paired"
        )
    text = f"{pair.pairs} pairs" + (f", by {pair.paired_by}" if pair.paired_by else "")
    if pair.measure == "success":
        text += f": {a} alone succeeded in {pair.wins}, {b} alone in {pair.losses}"
    lonely = [f"{n} of {name}" for n, name in zip(pair.alone, (a, b), strict=True) if n]
    if lonely:
        text += f"; {' and '.join(lonely)} without a partner count in their own mean alone"
    return text
