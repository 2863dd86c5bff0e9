"""AWR beside other reinforcement learners, its ablations, and methods on fixed data.

Online: AWR, RWR, PPO, SIL, SAC, TD3 and DDPG on locomotion tasks; AWR without its baseline, without
its weight clipping, without its replay and with other values of lambda on the first task. Fixed
data: AWR, RWR, BC, MARWIL, IQL, TD3+BC and BCQ on expert, medium and mixed demonstrations, and on
the experience of SAC.

Published returns and claims: `imitbench/suites/published/awr.py`. In the cpu profile the methods
that take a gradient step for each environment step have fewer environment steps, because two cores
make a few hundred gradient steps a second.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.offline import bcq, fixed_data, iql, marwil, offline_awr, offline_rwr, td3_bc
from imitbench.algos.rl import awr, ddpg, ppo, rwr, sac, sil, td3
from imitbench.data.source import Behaviour, DemoSource
from imitbench.suites.schema import Cell, Suite

# Step sizes of the policy, from the official code.
POLICY_LR = {
    "Ant": 5e-5, "HalfCheetah": 5e-5, "Hopper": 1e-4, "Humanoid": 1e-5, "Walker2d": 2.5e-5,
}  # fmt: skip
POLICY_STD = {"Ant": 0.2}  # standard deviation of the policy; 0.4 on the other tasks
GRADES = ("expert", "medium", "mixed")


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    online_tasks: tuple[str, ...]
    """Tasks of the online learners; the ablations of AWR run on the first one."""
    long_env_steps: int
    """Environment steps of AWR, RWR, PPO and SIL."""
    short_env_steps: int
    """Environment steps of SAC, TD3 and DDPG, and of the SAC whose experience others learn from."""
    offline_tasks: tuple[str, ...]
    """Tasks of the methods on fixed data."""
    demos: int
    """Episodes of demonstrations."""
    grad_steps: int
    """Gradient steps on fixed data, for all methods but AWR and RWR."""
    regression_updates: int
    """Updates of AWR and RWR on fixed data."""
    steps_per_update: int
    """Gradient steps of an update on fixed data, and rounds of an update with replay."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    warmup: int
    """Environment steps of SAC, TD3 and DDPG before they learn."""
    hidden: tuple[int, ...]
    """Hidden layers of the Q-learners and of the methods on fixed data."""
    small: bool = False
    """Small settings for AWR, RWR, PPO and SIL, for the smoke profile."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: online learners first, then methods on fixed data."""
    common: dict[str, Any] = {
        "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
    }  # fmt: skip
    online = [cell for task in s.online_tasks for cell in _online(task, s, common)]
    return (*online, *(cell for task in s.offline_tasks for cell in _offline(task, s, common)))


def _regression_settings(task: str, s: Size) -> dict[str, Any]:
    """Settings of AWR and RWR on a task."""
    settings: dict[str, Any] = {"policy_lr": POLICY_LR[task], "std": POLICY_STD.get(task, 0.4)}
    small = {"policy_steps": 3, "value_steps": 2, "hidden": (8,)}
    return settings | (small if s.small else {})


def _sac(s: Size) -> sac.Config:
    replay = off_policy.Config(
        rounds=s.steps_per_update, warmup=s.warmup, capacity=s.short_env_steps
    )
    return sac.Config(replay=replay, hidden=s.hidden)


def _online(task: str, s: Size, common: dict[str, Any]) -> list[Cell]:
    length = 32 if s.small else 256
    collection: dict[str, Any] = {"length": length, "capacity": 8 * length if s.small else 50_000}
    settings = _regression_settings(task, s) | collection
    awr_config = awr.Config(**settings)
    ppo_config = ppo.Config(length=length, lr_decay_updates=s.long_env_steps // (8 * length))
    long: dict[str, tuple[str, Any]] = {
        "awr": ("awr", awr_config),
        "rwr": ("rwr", rwr.Config(**settings)),
        "ppo": ("ppo", ppo_config),
        "sil": ("sil", sil.Config(ppo_config)),
    }
    if task == s.online_tasks[0]:
        no_replay = awr_config.envs * awr_config.length
        long |= {
            "awr-no-baseline": ("awr", replace(awr_config, baseline=False)),
            "awr-no-clip": ("awr", replace(awr_config, max_weight=float("inf"))),
            "awr-lambda-0": ("awr", replace(awr_config, td_lambda=0.0)),
            "awr-lambda-1": ("awr", replace(awr_config, td_lambda=1.0)),
            "awr-on-policy": ("awr", replace(awr_config, capacity=no_replay)),
        }
    sac_config = _sac(s)
    short: dict[str, tuple[str, Any]] = {
        "sac": ("sac", sac_config),
        "td3": ("td3", td3.Config(replay=sac_config.replay, hidden=s.hidden)),
        "ddpg": ("ddpg", ddpg.Config(replay=sac_config.replay, hidden=s.hidden)),
    }
    return [
        Cell(task, 0, method, config, env_steps=steps, label=label, **common)
        for methods, steps in ((long, s.long_env_steps), (short, s.short_env_steps))
        for label, (method, config) in methods.items()
    ]


def _offline(task: str, s: Size, common: dict[str, Any]) -> list[Cell]:
    steps, hidden = s.steps_per_update, s.hidden
    data = fixed_data.Config(steps=steps)
    settings = _regression_settings(task, s)
    regression = {
        "awr": ("offline_awr", offline_awr.Config(**settings)),
        "rwr": ("offline_rwr", offline_rwr.Config(**settings)),
    }
    by_steps = {
        "bc": ("bc", bc.Config(batch=256, validation=0.0, hidden=hidden, steps=steps)),
        "marwil": ("marwil", marwil.Config(batch=256, hidden=hidden, steps=steps)),
        "iql": ("iql", iql.Config(data=replace(iql.Config().data, steps=steps), hidden=hidden)),
        "td3_bc": ("td3_bc", td3_bc.Config(data=replace(data, normalise_obs=True), hidden=hidden)),
        "bcq": (
            "bcq",
            bcq.Config(
                data=replace(data, batch=100), hidden=hidden, vae_hidden=hidden, act_proposals=32
            ),
        ),
    }
    sources = [
        *(DemoSource(pool=2 * s.demos, expert="learned", grade=grade) for grade in GRADES),
        DemoSource(behaviour=Behaviour("sac", _sac(s), "replay of sac")),
    ]
    out = []
    for source in sources:
        # The experience of SAC counts in units of the time limit, 1,000 steps.
        demos = s.short_env_steps // 1000 if source.behaviour else s.demos
        for label, (method, config) in (by_steps | regression).items():
            grad_steps = s.grad_steps
            if label in regression:
                grad_steps = s.regression_updates * (config.policy_steps + config.value_steps)
            out.append(
                Cell(
                    task, demos, method, config, grad_steps=grad_steps, label=label, source=source,
                    **common,
                )
            )  # fmt: skip
    return out


SMOKE = Size(
    online_tasks=("Hopper",), long_env_steps=512, short_env_steps=1000, offline_tasks=("Hopper",),
    demos=2, grad_steps=8, regression_updates=2, steps_per_update=4, seeds=2, num_evals=2,
    eval_episodes=1, warmup=995, hidden=(8,), small=True,
)  # fmt: skip
CPU = Size(
    online_tasks=("Hopper", "HalfCheetah"), long_env_steps=204_800, short_env_steps=20_000,
    offline_tasks=("Hopper",), demos=25, grad_steps=5_000, regression_updates=10,
    steps_per_update=250, seeds=5, num_evals=5, eval_episodes=10, warmup=5_000, hidden=(256, 256),
)  # fmt: skip
FULL = Size(
    online_tasks=("Hopper", "HalfCheetah", "Walker2d", "Ant", "Humanoid"),
    long_env_steps=1_024_000, short_env_steps=1_000_000,
    offline_tasks=("Hopper", "HalfCheetah", "Walker2d"), demos=50, grad_steps=500_000,
    regression_updates=500, steps_per_update=1000, seeds=5, num_evals=20, eval_episodes=32,
    warmup=10_000, hidden=(256, 256),
)  # fmt: skip
SUITE = Suite(
    name="awr",
    about="AWR and other weighted-regression methods, online and on fixed data.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
