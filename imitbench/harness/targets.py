"""The literature's numbers, shown beside a suite's results. Data: `benchmarks/targets/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imitbench.core.types import UserError
from imitbench.harness import stats, suite
from imitbench.harness.store import Result


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


def load(name: str) -> tuple[Published, ...]:
    """The published numbers of a suite; none where `benchmarks/targets/<suite>.py` has none."""
    return suite.target(name, "PUBLISHED", ())


def rates(name: str) -> tuple[tuple[Rate, ...], str]:
    """The published success rates of a suite, and where they come from; none where there are
    none."""
    return suite.target(name, "RATES", ()), suite.target(name, "RATES_SOURCE", "")


def here(published: Published, results: Sequence[Result]) -> stats.Estimate | None:
    """Our return at the same number of environment steps: the evaluation at that step, or the
    straight line between the two around it. None where no run came so far.

    Raises:
        UserError: two cells fit.
    """
    name = (published.task, published.method)
    online = [r for r in results if r.curve["env_steps"].to_numpy().any()]
    found = [r for r in online if (r.identity["task"], r.identity["label"]) == name]
    if len(found) > 1:
        raise UserError(f"{len(found)} cells of {' '.join(name)}: which one is meant?")
    if not found:
        return None
    by_step = found[0].curve.pivot(index="env_steps", columns="seed", values="return").sort_index()
    steps = by_step.index.to_numpy(float)
    at = published.env_steps
    if not steps[0] <= at <= steps[-1]:
        return None
    after = int(steps.searchsorted(at))
    before = max(after - 1, 0)
    share = (at - steps[before]) / max(steps[after] - steps[before], 1.0)
    values = by_step.to_numpy()
    return stats.estimate(values[before] + share * (values[after] - values[before]))
