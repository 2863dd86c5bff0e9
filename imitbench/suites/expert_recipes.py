"""Recipes of the learned experts (`imitbench experts train`) and the learners whose experience is
the data of grade replay. Data, not code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imitbench.algos.rl import ddpg_demos, off_policy, ppo, sac
from imitbench.data.replay_learners import GOAL_REPLAY, GOAL_SETTINGS, hindsight_ddpg


@dataclass(frozen=True)
class Recipe:
    """How the expert of a task is trained."""

    task: str
    method: str
    config: Any
    updates: int
    evals: int
    seeds: int = 1
    eval_episodes: int = 10
    engine: str = "auto"
    demos: int = 0
    """Successful episodes of the task's scripted law that the method is shown."""


def _ppo(task: str, updates: int, evals: int, seeds: int = 1, **settings: object) -> Recipe:
    config = ppo.Config(lr_decay_updates=updates, **settings)  # type: ignore[arg-type]
    return Recipe(task, "ppo", config, updates, evals, seeds)


def _soft(task: str, updates: int, evals: int, grad_steps: int) -> Recipe:
    """SAC with 16 environments, so that a gradient step sees more than one new step, and half the
    usual minibatch: gradient steps are most of the time on two cores."""
    replay = off_policy.Config(envs=16, grad_steps=grad_steps, rounds=1000, batch=128)
    return Recipe(task, "sac", sac.Config(replay=replay), updates, evals, eval_episodes=5)


def _shown(task: str, updates: int, demos: int = 100) -> Recipe:
    """DDPG with hindsight goals that is shown episodes of the scripted law (Nair et al. 2018). On
    Push a run without them was at 10% after 64,000 steps, one with them at 88%."""
    replay = off_policy.Config(rounds=500, capacity=400_000, **GOAL_REPLAY)
    config = ddpg_demos.Config(
        replay=replay, hidden=(256, 256, 256), noise=0.1, uniform=0.1, tau=0.01, **GOAL_SETTINGS
    )
    return Recipe(task, "ddpg_demos", config, updates, updates, eval_episodes=50, demos=demos)


RECIPES = {
    r.task: r
    for r in (
        Recipe("FetchReach", "ddpg", hindsight_ddpg(), 10, 10, eval_episodes=20),
        _shown("FetchPush", 30),
        _shown("FetchPickAndPlace", 12),
        _shown("FetchSlide", 14, demos=200),
        _ppo("Hopper", 500, 50),
        _ppo("Walker2d", 1000, 50),
        _soft("HalfCheetah", 50, 25, grad_steps=12),
        _soft("Ant", 66, 33, grad_steps=12),
        _soft("Humanoid", 50, 25, grad_steps=8),
        _ppo("Reacher", 500, 25),
    )
}
