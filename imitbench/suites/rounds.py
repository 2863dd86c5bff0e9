"""How DAgger and DART spend as many gradient steps as BC."""

from __future__ import annotations

from typing import Any

from imitbench.algos.cloning import bc


def share_steps(
    clone: bc.Config, grad_steps: int, *, start_fits: int, updates: int, rounds: int
) -> tuple[dict[str, Any], int]:
    """Shares gradient steps between the demonstrations alone and the updates after them.

    Args:
        clone: settings of the supervised learner.
        grad_steps: gradient steps in all.
        start_fits: updates of the clone before the first round.
        updates: updates of the method, in which it has the other steps in equal parts.
        rounds: the updates that collect.

    Returns:
        Settings of DAgger or DART, and the gradient steps of all updates, which are the budget of
        the cell.
    """
    fits = (grad_steps // clone.steps - start_fits) // updates
    settings = {"clone": clone, "fits": fits, "start_fits": start_fits, "rounds": rounds}
    return settings, updates * fits * clone.steps
