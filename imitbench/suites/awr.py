"""AWR beside other reinforcement learners, and its ablations.

AWR, RWR, PPO and SIL on locomotion tasks, with the learning rates of AWR's official code; AWR
without its baseline, without its weight clipping, without its replay and with other values of
lambda on HalfCheetah, whose seeds differ less than Hopper's. The full profile has SAC, TD3 and
DDPG, too, as the paper's table; in the cpu profile they are in the suite `learners` alone, because
two cores make a few hundred of their gradient steps a second; on Hopper, where no claim is judged,
it has AWR and PPO, whose published returns stand beside them. PPO has the settings of CleanRL, but
for eight environments of 256 steps in place of one of 2,048 and twice the value's weight, and on
HalfCheetah those of Tianshou, too, whose learning rate falls over 3 million steps. SIL has a
constant learning rate, as in its official code, and PPO with one stands beside it. What AWR and RWR
learn from fixed data is in the suite `offline`. Published returns and claims:
`imitbench/suites/published/awr.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.rl import awr, ppo, rwr, sil
from imitbench.suites import learners
from imitbench.suites.schema import Cell, Suite

# Learning rates of the policy, from the official code.
POLICY_LR = {
    "Ant": 5e-5, "HalfCheetah": 5e-5, "Hopper": 1e-4, "Humanoid": 1e-5, "Walker2d": 2.5e-5,
}  # fmt: skip
POLICY_STD = {"Ant": 0.2}  # standard deviation of the policy; 0.4 on the other tasks


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    tasks: tuple[str, ...]
    """The tasks; the ablations of AWR run on the first one."""
    env_steps: int
    """Environment steps."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    length: int = 256
    """Steps of each of 8 environments in an update of AWR, RWR, PPO and SIL."""
    q_learners: bool = False
    """Run SAC, TD3 and DDPG, too."""
    lambdas: tuple[float, ...] = (0.0, 1.0)
    """Other values of lambda in the ablation."""
    decisive: tuple[str, ...] = ()
    """Labels of rows with twice the seeds on the first task, whose effect is small."""
    elsewhere: tuple[str, ...] = ()
    """Labels of the rows on all tasks but the first one; (): all rows."""
    small: bool = False
    """Small networks and few gradient steps for AWR and RWR, for the smoke profile."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    return tuple(
        Cell(
            task=task,
            demos=0,
            method=method,
            label=label,
            config=config,
            env_steps=s.env_steps,
            seeds=2 * s.seeds if task == s.tasks[0] and label in s.decisive else s.seeds,
            num_evals=s.num_evals,
            eval_episodes=s.eval_episodes,
        )
        for task in s.tasks
        for label, (method, config) in _methods(task, s).items()
        if task == s.tasks[0] or not s.elsewhere or label in s.elsewhere
    )


def regression_settings(task: str) -> dict[str, Any]:
    """Settings of AWR and RWR on a task, online and on fixed data, from the official code."""
    return {"policy_lr": POLICY_LR[task], "std": POLICY_STD.get(task, 0.4)}


def _methods(task: str, s: Size) -> dict[str, tuple[str, Any]]:
    """Method and settings, by label."""
    settings: dict[str, Any] = regression_settings(task) | {"length": s.length}
    settings |= {"capacity": 8 * s.length if s.small else 50_000}
    if s.small:
        settings |= {"policy_steps": 3, "value_steps": 2, "hidden": (8,)}
    awr_config = awr.Config(**settings)
    ppo_config = ppo.Config(length=s.length, lr_decay_updates=s.env_steps // (8 * s.length))
    constant = replace(ppo_config, lr_decay_updates=0)
    out: dict[str, tuple[str, Any]] = {
        "awr": ("awr", awr_config),
        "rwr": ("rwr", rwr.Config(**settings)),
        "ppo": ("ppo", ppo_config),
        "ppo-constant-lr": ("ppo", constant),
        "sil": ("sil", sil.Config(constant)),
    }
    if task == s.tasks[0]:
        no_replay = awr_config.envs * awr_config.length
        out |= {
            "awr-no-baseline": ("awr", replace(awr_config, baseline=False)),
            "awr-no-clip": ("awr", replace(awr_config, max_weight=float("inf"))),
            **{f"awr-lambda-{x:g}": ("awr", replace(awr_config, td_lambda=x)) for x in s.lambdas},
            "awr-on-policy": ("awr", replace(awr_config, capacity=no_replay)),
        }
    if task == "HalfCheetah" and not s.small:  # where PPO's own settings are much the weaker ones
        tianshou = replace(ppo.TIANSHOU, lr_decay_updates=learners.TIANSHOU_UPDATES)
        out |= {"ppo-tianshou": ("ppo", tianshou)}
    if s.q_learners:
        out |= learners.q_learners(1_024, learners.Size.warmup, learners.Size.sac_warmup)
    return out


SMOKE = Size(
    tasks=("HalfCheetah",), env_steps=512, seeds=2, num_evals=2, eval_episodes=1, length=32,
    small=True,
)  # fmt: skip
CPU = Size(
    tasks=("HalfCheetah", "Hopper"), env_steps=307_200, seeds=5, num_evals=6, eval_episodes=10,
    lambdas=(1.0,), decisive=("awr", "awr-on-policy", "awr-lambda-1"), elsewhere=("awr", "ppo"),
)  # fmt: skip
FULL = Size(
    tasks=("HalfCheetah", "Hopper", "Walker2d", "Ant", "Humanoid"), env_steps=1_024_000, seeds=5,
    num_evals=20, eval_episodes=32, q_learners=True,
)  # fmt: skip
SUITE = Suite(
    name="awr",
    about="AWR, its ablations and other reinforcement learners.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
