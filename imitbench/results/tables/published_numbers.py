"""Our returns at the environment steps of published ones (`imitbench.suites.published`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imitbench.results import effort, stats
from imitbench.results.cells.cell import Result
from imitbench.suites.published.schema import Published
from imitbench.utils.errors import UserError


def difference(published: Published, ours: stats.Mean) -> stats.Mean:
    """Our return minus a published one, over fresh runs of both (Welch).

    Args:
        published: a published return.
        ours: from `our_return`.
    """
    error = published.std / math.sqrt(published.seeds)
    return stats.difference(ours, stats.Mean(published.value, error, published.seeds - 1))


def our_return(published: Published, results: Sequence[Result]) -> stats.Mean | None:
    """Estimates our return after the same number of environment steps as a published one.

    It is that of the evaluation at this step, or lies on the straight line between the evaluation
    before it and the one after it.

    Args:
        published: a published return.
        results: finished cells.

    Returns:
        The mean over seeds; None where no online run of the task and method came that far.

    Raises:
        UserError: two cells fit.
    """
    name = (published.task, published.method)
    online = [r for r in results if effort.is_online(r)]
    cells = [r for r in online if (r.identity["task"], r.identity["label"]) == name]
    if len(cells) > 1:
        raise UserError(
            f"{len(cells)} cells of {' '.join(name)} stand beside one published return: expected "
            "one; give them different labels"
        )
    if not cells:
        return None
    returns = effort.after_env_steps(cells[0], "return", published.env_steps)
    return None if returns is None else stats.over_seeds(returns)
