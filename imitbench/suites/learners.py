"""PPO and SAC on two locomotion tasks, beside published returns.

Published returns: `imitbench/suites/published/learners.py`. The cpu profile gives SAC few steps,
because two cores make about 150 of its gradient steps a second.
"""

from imitbench.algos.common import off_policy
from imitbench.algos.rl import ppo, sac
from imitbench.suites.schema import Cell, Suite

TASKS = ("Hopper", "HalfCheetah")


def cells(
    ppo_steps: int,
    sac_steps: int,
    seeds: int,
    num_evals: int,
    eval_episodes: int,
    length: int = 256,
    replay: off_policy.Config | None = None,
) -> tuple[Cell, ...]:
    """Builds the cells of a profile: both learners on each task.

    Args:
        ppo_steps: environment steps of PPO; its step size falls to 0 over them.
        sac_steps: environment steps of SAC.
        seeds: training seeds.
        num_evals: evaluations at equal distances.
        eval_episodes: episodes of each seed and evaluation.
        length: steps of each of PPO's 8 environments in an update.
        replay: the replay of SAC; None: its default.
    """
    decay = ppo_steps // (8 * length)
    methods = (
        ("ppo", ppo.Config(length=length, lr_decay_updates=decay), ppo_steps),
        ("sac", sac.Config(replay=replay or off_policy.Config()), sac_steps),
    )
    return tuple(
        Cell(
            task=task,
            demos=0,
            method=method,
            config=config,
            env_steps=steps,
            seeds=seeds,
            num_evals=num_evals,
            eval_episodes=eval_episodes,
        )
        for method, config, steps in methods
        for task in TASKS
    )


SUITE = Suite(
    name="learners",
    about="PPO and SAC on Hopper and HalfCheetah, beside published returns.",
    profiles={
        "smoke": cells(
            512, 40, 2, 2, 1, length=32, replay=off_policy.Config(rounds=10, warmup=20, batch=16)
        ),
        "cpu": cells(1_024_000, 50_000, 5, 25, 10),
        "full": cells(1_024_000, 1_000_000, 10, 50, 10),
    },
)
