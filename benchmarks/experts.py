"""Recipes of the learned experts (`imitbench experts train`) and the learners whose experience is
the data of grade replay. Data, not code."""

from typing import Any

from imitbench.algos import _offpolicy, ddpg, ddpg_demos, ppo, sac
from imitbench.harness.forge import Recipe


def _ppo(task: str, updates: int, evals: int, seeds: int = 1, **settings: object) -> Recipe:
    config = ppo.Config(lr_decay_updates=updates, **settings)  # type: ignore[arg-type]
    return Recipe(task, "ppo", config, updates, evals, seeds)


def _soft(task: str, updates: int, evals: int, grad_steps: int) -> Recipe:
    """SAC with 16 environments, so that a gradient step sees more than one new step, and half the
    usual minibatch: gradient steps are most of the time on two cores."""
    replay = _offpolicy.Config(envs=16, grad_steps=grad_steps, rounds=1000, batch=128)
    return Recipe(task, "sac", sac.Config(replay=replay), updates, evals, eval_episodes=5)


# Of every learner of goals, close to Plappert et al. 2018 (arXiv:1802.09464): hindsight goals,
# returns between -1 / (1 - discount) and 0, a penalty on large actions.
REPLAYED: dict[str, Any] = {
    "envs": 16, "grad_steps": 4, "warmup": 1_600, "her": 4.0, "normalise_obs": True,
}  # fmt: skip
GOALS: dict[str, Any] = {
    "lr": 1e-3, "discount": 0.98, "action_l2": 1.0, "value_range": (-50.0, 0.0),
}  # fmt: skip


def _her(rounds: int = 100) -> ddpg.Config:
    """DDPG with hindsight goals and much exploration."""
    replay = _offpolicy.Config(rounds=rounds, **REPLAYED)
    return ddpg.Config(replay=replay, hidden=(256, 256), noise=0.2, uniform=0.3, tau=0.05, **GOALS)


def _shown(task: str, updates: int, demos: int = 100) -> Recipe:
    """DDPG with hindsight goals that is shown episodes of the scripted law (Nair et al. 2018). On
    Push a run without them was at 10% after 64,000 steps, one with them at 88%."""
    replay = _offpolicy.Config(rounds=500, capacity=400_000, **REPLAYED)
    config = ddpg_demos.Config(
        replay=replay, hidden=(256, 256, 256), noise=0.1, uniform=0.1, tau=0.01, **GOALS
    )
    return Recipe(task, "ddpg_demos", config, updates, updates, eval_episodes=50, demos=demos)


RECIPES = {
    r.task: r
    for r in (
        Recipe("FetchReach", "ddpg", _her(), 10, 10, eval_episodes=20),
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

# Of every task that has goals, and of the others.
REPLAY = {
    "goals": ("ddpg", _her(rounds=10)),
    "returns": ("sac", sac.Config(replay=_offpolicy.Config(rounds=100))),
}
