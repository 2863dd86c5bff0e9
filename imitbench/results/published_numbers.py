"""Our returns at the environment steps of the literature's (`imitbench.suites.published`)."""

from __future__ import annotations

from collections.abc import Sequence

from imitbench.results import stats
from imitbench.results.store import Result
from imitbench.suites.published.schema import Published
from imitbench.utils.errors import UserError


def our_return(published: Published, results: Sequence[Result]) -> stats.Estimate | None:
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
