"""Recipes of the learned experts, for `imitbench experts train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imitbench.algos.common import off_policy
from imitbench.algos.rl import ddpg_demos, ppo, sac
from imitbench.data.sources.replay_learners import GOAL_REPLAY, GOAL_SETTINGS, hindsight_ddpg


@dataclass(frozen=True)
class Recipe:
    """The training of a task's expert."""

    task: str
    """The task's name."""
    method: str
    """The method that learns the expert."""
    config: Any
    """The settings of the method, its `Config`."""
    updates: int
    """How many updates, a multiple of `evals`."""
    evals: int
    """How many evaluations; each one leaves a snapshot of the policy."""
    seeds: int = 1
    """Training seeds 0, 1, ..., seeds - 1."""
    eval_episodes: int = 10
    """Episodes of each seed and evaluation."""
    engine: str = "auto"
    """The physics engine: auto, native or mjx."""
    demos: int = 0
    """Successful episodes of the task's scripted expert that the method learns from."""
    also_for: tuple[str, ...] = ()
    """Tasks with the same body, whose observations begin with this task's: they get the same
    policy, which ignores the rest."""


def _ppo(task: str, updates: int, evals: int, seeds: int = 1, **settings: object) -> Recipe:
    config = ppo.Config(lr_decay_updates=updates, **settings)  # type: ignore[arg-type]
    return Recipe(task, "ppo", config, updates, evals, seeds)


def _sac(
    task: str, updates: int, evals: int, grad_steps: int, also_for: tuple[str, ...] = ()
) -> Recipe:
    """SAC with 16 environments, so that each gradient step sees several new steps, and half the
    usual minibatch, because gradient steps take most of the time on two cores."""
    replay = off_policy.Config(envs=16, grad_steps=grad_steps, rounds=1000, batch=128)
    config = sac.Config(replay=replay)
    return Recipe(task, "sac", config, updates, evals, eval_episodes=5, also_for=also_for)


def _ddpg_with_demos(task: str, updates: int, demos: int = 100) -> Recipe:
    """DDPG with hindsight goals and demonstrations of the scripted expert (Nair et al. 2018,
    arXiv:1709.10089). On FetchPush, after 64,000 steps, a run without demonstrations succeeded in
    10% of the episodes and one with them in 88%."""
    replay = off_policy.Config(rounds=500, capacity=400_000, **GOAL_REPLAY)
    config = ddpg_demos.Config(
        replay=replay, hidden=(256, 256, 256), noise=0.1, uniform=0.1, tau=0.01, **GOAL_SETTINGS
    )
    return Recipe(task, "ddpg_demos", config, updates, updates, eval_episodes=50, demos=demos)


RECIPES = {
    r.task: r
    for r in (
        Recipe("FetchReach", "ddpg", hindsight_ddpg(), 10, 10, eval_episodes=20),
        _ddpg_with_demos("FetchPush", 30),
        _ddpg_with_demos("FetchPickAndPlace", 12),
        _ddpg_with_demos("FetchSlide", 100, demos=200),
        _ppo("Hopper", 500, 50),
        _sac("Walker2d", 80, 40, grad_steps=12),
        _sac("HalfCheetah", 80, 40, grad_steps=12),
        _sac("Ant-27", 100, 50, grad_steps=12, also_for=("Ant",)),
        _sac("HalfCheetah-short", 80, 40, grad_steps=12),
        _sac("Ant-27-disabled", 100, 50, grad_steps=12, also_for=("Ant-disabled",)),
        _sac("Humanoid", 80, 40, grad_steps=8),
        _sac("HalfCheetah-target-observed", 40, 20, grad_steps=12),
        _ppo("Reacher", 500, 25),
    )
}
