"""The reinforcement learners on two locomotion tasks, beside published returns.

Each learner has the settings of the implementation whose returns stand beside its own: PPO those of
CleanRL, but for eight environments of 256 steps in place of one of 2,048 and twice the weight of
the value's error, and those of Tianshou (whose learning rate falls to 0 over 3 million steps, so
that it ends early here), SAC those of jaxrl, TD3 and DDPG those of Tianshou; and TRPO those of
Tianshou but for a constant learning rate of its critic and a line search that halves. Addresses and
numbers: `imitbench/suites/published/learners.py`. The cpu profile gives the off-policy learners few
steps, because two cores make a few hundred of their gradient steps a second.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.common import off_policy
from imitbench.algos.rl import ddpg, ppo, sac, td3, trpo
from imitbench.suites.schema import Cell, Suite

TASKS = ("Hopper", "HalfCheetah")
TIANSHOU_UPDATES = 1465  # of 2,048 steps: 3 million environment steps


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    on_policy_steps: int
    """Environment steps of PPO and TRPO; with CleanRL's settings PPO's learning rate falls to 0
    over them."""
    off_policy_steps: int
    """Environment steps of SAC, TD3 and DDPG."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    sac_warmup: int = 10_000
    """Environment steps of SAC before it learns."""
    warmup: int = 25_000
    """Environment steps of TD3 and DDPG before they learn."""
    rounds: int = 1_000
    """Environment steps in an update of SAC, TD3 and DDPG."""
    steps_per_update: int = 2_048
    """Environment steps in an update of PPO; TRPO's has half of them."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: each learner on each task."""
    return tuple(
        Cell(
            task=task,
            demos=0,
            method=method,
            label=label,
            config=config,
            env_steps=env_steps,
            seeds=s.seeds,
            num_evals=s.num_evals,
            eval_episodes=s.eval_episodes,
        )
        for label, (method, config, env_steps) in _methods(s).items()
        for task in TASKS
    )


def _methods(s: Size) -> dict[str, tuple[str, Any, int]]:
    """Method, settings and environment steps, by label."""
    length = s.steps_per_update // 8
    cleanrl = ppo.Config(length=length, lr_decay_updates=s.on_policy_steps // s.steps_per_update)
    tianshou = replace(
        ppo.TIANSHOU, length=s.steps_per_update // 64, lr_decay_updates=TIANSHOU_UPDATES
    )
    on_policy = {
        "ppo": ("ppo", cleanrl),
        "ppo-tianshou": ("ppo", tianshou),
        "trpo": (
            "trpo",
            trpo.Config(
                envs=16,
                length=s.steps_per_update // 32,
                log_std=-0.5,
                epochs=20,
                minibatches=1,
                lr=1e-3,
            ),
        ),
    }
    off = q_learners(s.rounds, s.warmup, s.sac_warmup)
    return {label: (*both, s.on_policy_steps) for label, both in on_policy.items()} | {
        label: (*both, s.off_policy_steps) for label, both in off.items()
    }


def q_learners(rounds: int, warmup: int, sac_warmup: int) -> dict[str, tuple[str, Any]]:
    """SAC, TD3 and DDPG with the settings of the published returns.

    Args:
        rounds: rounds of an update.
        warmup: environment steps of TD3 and DDPG before they learn.
        sac_warmup: the same of SAC.

    Returns:
        Method and settings, by label.
    """
    replay = off_policy.Config(rounds=rounds, warmup=warmup)
    sac_config = sac.Config(
        replay=replace(replay, warmup=sac_warmup), target_entropy=-0.5, orthogonal=True
    )
    return {
        "sac": ("sac", sac_config),
        "td3": ("td3", td3.Config(replay=replay, initial_weights="uniform")),
        "ddpg": ("ddpg", ddpg.Config(replay=replay, lr=1e-3, initial_weights="uniform")),
    }


SUITE = Suite(
    name="learners",
    about="PPO, TRPO, SAC, TD3 and DDPG on Hopper and HalfCheetah, beside published returns.",
    profiles={
        "smoke": cells(
            Size(512, 40, 2, 2, 1, sac_warmup=20, warmup=20, rounds=10, steps_per_update=256)
        ),
        "cpu": cells(Size(1_024_000, 50_000, 5, 25, 10)),
        "full": cells(Size(1_024_000, 1_000_000, 10, 50, 10)),
    },
)
