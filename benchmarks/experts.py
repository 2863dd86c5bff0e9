"""Recipes of the learned experts (`imitbench experts train`) and the learners whose experience is
the data of grade replay. Data, not code."""

from imitbench.algos import _offpolicy, ddpg, ppo, sac
from imitbench.harness.forge import Recipe


def _ppo(task: str, updates: int, evals: int, seeds: int = 1, **settings: object) -> Recipe:
    config = ppo.Config(lr_decay_updates=updates, **settings)  # type: ignore[arg-type]
    return Recipe(task, "ppo", config, updates, evals, seeds)


def _her(
    hidden: tuple[int, ...], tau: float, rounds: int = 100, warmup: int = 1_600
) -> ddpg.Config:
    """DDPG with hindsight goals, close to Plappert et al. 2018 (arXiv:1802.09464): returns between
    -1 / (1 - discount) and 0, a penalty on large actions, much exploration."""
    replay = _offpolicy.Config(
        envs=16,
        grad_steps=4,
        rounds=rounds,
        warmup=warmup,
        batch=256,
        her=4.0,
        normalise_obs=True,
    )
    return ddpg.Config(
        replay=replay,
        hidden=hidden,
        lr=1e-3,
        discount=0.98,
        noise=0.2,
        uniform=0.3,
        tau=tau,
        action_l2=1.0,
        value_range=(-50.0, 0.0),
    )


RECIPES = {
    r.task: r
    for r in (
        Recipe("FetchReach", "ddpg", _her((256, 256), 0.05), 10, 10, eval_episodes=20),
        Recipe("FetchPush", "ddpg", _her((256, 256, 256), 0.01), 500, 50, eval_episodes=20),
        _ppo("Hopper", 500, 50),
        _ppo("Walker2d", 1000, 50),
        _ppo("HalfCheetah", 3000, 60, seeds=2),
        _ppo("Ant", 1000, 50),
    )
}

# Of every task that has goals, and of the others.
REPLAY = {
    "goals": ("ddpg", _her((256, 256), 0.05, rounds=10)),
    "returns": ("sac", sac.Config(replay=_offpolicy.Config(rounds=100))),
}
