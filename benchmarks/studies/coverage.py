"""How often intervals hold the true value: simulated runs with effects of seeds and of states.

`python -m benchmarks.studies.coverage` writes `docs/assets/coverage.md`: minutes on one core.

An episode succeeds with a probability whose log odds are a constant, plus an effect of its training
seed, plus an effect of its initial state; both are normal. The quantity of interest is the rate
over fresh seeds and fresh states.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.special

from imitbench.results import stats
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils.files import atomic_write

Interval = tuple[float, float]


class Effects(NamedTuple):
    """Standard deviations of the log odds of success."""

    seeds: float
    states: float


NO_EFFECTS, SMALL_EFFECTS, LARGE_EFFECTS = Effects(0.0, 0.0), Effects(0.5, 1.0), Effects(1.0, 2.0)
ALL_EFFECTS = (NO_EFFECTS, SMALL_EFFECTS, LARGE_EFFECTS, Effects(0.0, 3.0), Effects(1.5, 1.0))
RATES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98)
PAIRS = ((0.02, 0.1), (0.5, 0.6), (0.9, 0.98), (0.05, 0.5))
SIZES = ((5, 50), (5, 200), (10, 50), (10, 200))  # seeds, states
KINDS = ("own states", "shared states", "bootstrap, own states", "bootstrap, shared states")
RETURNS = ("normal", "lognormal 0.4", "lognormal 0.7")


def rates(
    rate: float,
    effects: Effects,
    seeds: int,
    states: int,
    runs: int,
    kinds: Collection[str] = KINDS,
) -> dict[str, float]:
    """The coverage of 95% intervals of a success rate.

    Args:
        rate: the true one, in (0, 1).
        effects: of seeds and states.
        seeds: S.
        states: B, initial states of each seed.
        runs: simulated runs.
        kinds: of `KINDS`.

    Returns:
        By the kind of interval: the share of runs whose interval holds the rate.
    """
    rng = np.random.default_rng(0)
    odds = _log_odds(rate, effects)
    count = seeds * states

    def own() -> np.ndarray:
        return _outcomes(rng, odds, effects, seeds, states, shared=False)

    def shared() -> np.ndarray:
        return _outcomes(rng, odds, effects, seeds, states, shared=True)

    def ours(y: np.ndarray) -> Interval:
        return stats.rate_interval(stats.over_seeds(y.mean(axis=1)), count)[1:]

    def crossed(y: np.ndarray) -> Interval:
        return stats.rate_interval(stats.crossed(y), count)[1:]

    cases = (own, ours), (shared, crossed), (own, _bootstrap), (shared, _bootstrap)
    return _coverages(cases, kinds, rate, runs)


def differences(
    a: float,
    b: float,
    effects: Effects,
    seeds: int,
    states: int,
    runs: int,
    kinds: Collection[str] = KINDS,
) -> dict[str, float]:
    """The coverage of 95% intervals of the difference of two rates, paired by seed and state.

    Args:
        a: the true rate of one method.
        b: the true rate of the other; its seeds have other effects, its states the same.
        effects: of seeds and states.
        seeds: S.
        states: B, initial states of each seed.
        runs: simulated runs.
        kinds: of `KINDS`.

    Returns:
        By the kind of interval: the share of runs whose interval holds a - b.
    """
    rng = np.random.default_rng(0)
    odds = [_log_odds(rate, effects) for rate in (a, b)]

    def difference(shared: bool) -> np.ndarray:
        state = effects.states * rng.standard_normal((1 if shared else seeds, states))
        x, y = (_succeed(rng, o, effects, seeds, state) for o in odds)
        return x - y

    def over_seeds(y: np.ndarray) -> Interval:
        return stats.over_seeds(y.mean(axis=1)).interval()[1:]

    def crossed(y: np.ndarray) -> Interval:
        return stats.crossed(y).interval()[1:]

    def own() -> np.ndarray:
        return difference(shared=False)

    def shared() -> np.ndarray:
        return difference(shared=True)

    cases = (own, over_seeds), (shared, crossed), (own, _bootstrap), (shared, _bootstrap)
    return _coverages(cases, kinds, a - b, runs)


def returns(kind: str, seeds: int, runs: int) -> dict[str, float]:
    """The coverage of 95% intervals of a mean return.

    Args:
        kind: the distribution over seeds: normal, or lognormal with a standard deviation of the
            log.
        seeds: S.
        runs: simulated runs.

    Returns:
        By the kind of interval: the share of runs whose interval holds the mean.
    """
    rng = np.random.default_rng(0)
    deviation = float(kind.split()[1]) if " " in kind else 0.0
    mean = float(np.exp(deviation**2 / 2)) if deviation else 0.0

    def sample() -> np.ndarray:
        z = rng.standard_normal((seeds, 1))
        return np.exp(deviation * z) if deviation else z

    def student(y: np.ndarray) -> Interval:
        return stats.over_seeds(y[:, 0]).interval()[1:]

    return {
        "Student's t": _coverage(sample, student, mean, runs),
        "bootstrap": _coverage(sample, _bootstrap, mean, runs),
    }


def _log_odds(rate: float, effects: Effects) -> float:
    """The constant with which the rate over all seeds and states is the given one."""
    z, weights = np.polynomial.hermite_e.hermegauss(201)
    spread = np.hypot(*effects) * z
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = weights @ scipy.special.expit(middle + spread) / weights.sum()
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2


def _outcomes(
    rng: np.random.Generator, odds: float, effects: Effects, seeds: int, states: int, shared: bool
) -> np.ndarray:
    """[S, B] outcomes, 0 or 1."""
    state = effects.states * rng.standard_normal((1 if shared else seeds, states))
    return _succeed(rng, odds, effects, seeds, state)


def _succeed(
    rng: np.random.Generator, odds: float, effects: Effects, seeds: int, state: np.ndarray
) -> np.ndarray:
    seed = effects.seeds * rng.standard_normal((seeds, 1))
    chance = scipy.special.expit(odds + seed + state)
    return (rng.random((seeds, state.shape[1])) < chance).astype(float)


def _bootstrap(y: np.ndarray) -> Interval:
    """The percentile bootstrap over seeds."""
    resampled = stats.bootstrap([y.mean(axis=1)], stats.mean, resamples=500)
    low, high = stats.percentile_interval(resampled)
    return float(low), float(high)


def _coverages(
    cases: Sequence[tuple[Callable[[], np.ndarray], Callable[[np.ndarray], Interval]]],
    kinds: Collection[str],
    true: float,
    runs: int,
) -> dict[str, float]:
    """The coverage of each case, one for each of `KINDS`, of which `kinds` are chosen."""
    chosen = {k: case for k, case in zip(KINDS, cases, strict=True) if k in kinds}
    return {kind: _coverage(*case, true, runs) for kind, case in chosen.items()}


def _coverage(
    sample: Callable[[], np.ndarray],
    interval: Callable[[np.ndarray], Interval],
    true: float,
    runs: int,
) -> float:
    hits = 0
    for _ in range(runs):
        low, high = interval(sample())
        hits += low - 1e-12 <= true <= high + 1e-12
    return hits / runs


def tables(runs: int) -> str:
    """All three tables, in Markdown.

    Args:
        runs: simulated runs of each case.
    """
    cases = [(effects, *size) for effects in ALL_EFFECTS for size in SIZES]
    of_rates = [[f"{r}", *_row(rates(r, *c, runs), *c)] for r in RATES for c in cases]
    of_pairs = [
        [f"{a}, {b}", *_row(differences(a, b, *c, runs), *c)] for a, b in PAIRS for c in cases
    ]
    of_returns = [
        [kind, str(seeds), *(f"{x:.3f}" for x in returns(kind, seeds, runs).values())]
        for kind in RETURNS
        for seeds in (5, 10)
    ]
    columns = ("Seed effect", "State effect", "Seeds x states", *(k.capitalize() for k in KINDS))
    parts = (
        ("Success rates", ("Rate", *columns), of_rates),
        ("Differences of success rates", ("Rates", *columns), of_pairs),
        ("Returns", ("Over seeds", "Seeds", "Student's t", "Bootstrap"), of_returns),
    )
    return "\n".join(f"### {t}\n\n{markdown_table(head, rows)}\n" for t, head, rows in parts)


def _row(found: dict[str, float], effects: Effects, seeds: int, states: int) -> list[str]:
    sizes = [f"{effects.seeds:g}", f"{effects.states:g}", f"{seeds} x {states}"]
    return [*sizes, *(f"{x:.3f}" for x in found.values())]


def main(path: Path, runs: int = 2000) -> None:
    """Writes the tables.

    Args:
        path: the Markdown file.
        runs: simulated runs of each case.
    """
    text = tables(runs)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"written: {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/assets/coverage.md"))
