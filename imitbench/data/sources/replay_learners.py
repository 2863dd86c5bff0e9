"""The learners whose experience is the data of grade replay."""

from __future__ import annotations

from typing import Any

from imitbench.algos.common import off_policy
from imitbench.algos.rl import ddpg, sac

# Settings for tasks with goals, after Plappert et al. 2018 (arXiv:1802.09464): hindsight goals,
# returns between -1 / (1 - discount) and 0, and a penalty on large actions. Their targets move by
# 5% after 40 gradient steps; here they move after each, further in all, because budgets are small.
GOAL_REPLAY: dict[str, Any] = {
    "envs": 16, "grad_steps": 4, "warmup": 1_600, "her": 4.0, "normalise_obs": True,
}  # fmt: skip
GOAL_SETTINGS: dict[str, Any] = {
    "lr": 1e-3, "discount": 0.98, "action_l2": 1.0, "value_range": (-50.0, 0.0),
}  # fmt: skip


def hindsight_ddpg(rounds: int = 100) -> ddpg.Config:
    """Returns the settings of DDPG with hindsight goals and much exploration.

    Args:
        rounds: rounds of collecting and learning in an update; each is a step of 16 environments.
    """
    replay = off_policy.Config(rounds=rounds, **GOAL_REPLAY)
    return ddpg.Config(
        replay=replay, hidden=(256, 256), noise=0.2, uniform=0.3, tau=0.05, **GOAL_SETTINGS
    )


REPLAY_LEARNERS = {
    "goals": ("ddpg", hindsight_ddpg(rounds=10)),
    "returns": ("sac", sac.Config(replay=off_policy.Config(rounds=100))),
}
"""Method and settings: one for tasks with goals, one for tasks with returns alone."""
