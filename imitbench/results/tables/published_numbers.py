"""Our returns at the environment steps of published ones (`imitbench.suites.published`)."""

from __future__ import annotations

from collections.abc import Sequence

from imitbench.results import stats
from imitbench.results.cell import Result
from imitbench.suites.published.schema import Published
from imitbench.utils.errors import UserError


def our_return(published: Published, results: Sequence[Result]) -> stats.Estimate | None:
    """Estimates our return after the same number of environment steps as a published one.

    It is that of the evaluation at this step, or lies on the straight line between the evaluation
    before it and the one after it.

    Args:
        published: a published return.
        results: finished cells.

    Returns:
        The estimate over seeds; None where no online run of the task and method came that far.

    Raises:
        UserError: two cells fit.
    """
    name = (published.task, published.method)
    online = [r for r in results if r.curve["env_steps"].to_numpy().any()]
    cells = [r for r in online if (r.identity["task"], r.identity["label"]) == name]
    if len(cells) > 1:
        raise UserError(
            f"{len(cells)} cells of {' '.join(name)} stand beside one published return: expected "
            "one; give them different labels"
        )
    if not cells:
        return None
    by_step = cells[0].curve.pivot(index="env_steps", columns="seed", values="return").sort_index()
    steps = by_step.index.to_numpy(float)
    step = published.env_steps
    if not steps[0] <= step <= steps[-1]:
        return None
    after = int(steps.searchsorted(step))
    before = max(after - 1, 0)
    share = (step - steps[before]) / max(steps[after] - steps[before], 1.0)
    returns = by_step.to_numpy()
    return stats.estimate(returns[before] + share * (returns[after] - returns[before]))
