"""AWR by trial and error beside RWR, PPO, SIL, SAC, TD3 and DDPG; its ablations; and the methods
that weigh or clone fixed data, on data of several grades.

Published returns: `targets/awr.py`. The cpu profile gives the methods that take a gradient step for
each environment step fewer of these, because two cores make a few hundred gradient steps a second.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.offline import bcq, fixed_data, iql, marwil, offline_awr, offline_rwr, td3_bc
from imitbench.algos.rl import awr, ddpg, off_policy, ppo, rwr, sac, sil, td3
from imitbench.data.behaviour import Behaviour
from imitbench.data.source import DemoSource
from imitbench.suites.schema import Cell, Suite

# The policy's step size, of the official code.
POLICY_LR = {
    "Ant": 5e-5, "HalfCheetah": 5e-5, "Hopper": 1e-4, "Humanoid": 1e-5, "Walker2d": 2.5e-5,
}  # fmt: skip
STD = {"Ant": 0.2}  # of the policy; 0.4 elsewhere
GRADES = ("expert", "medium", "mixed")


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    tasks: tuple[str, ...]  # by trial and error
    steps: int  # environment steps of AWR, RWR, PPO and SIL
    replayed: int  # ... of SAC, TD3 and DDPG, and of the replay that others learn from
    fixed: tuple[str, ...]  # tasks of the fixed data
    demos: int  # episodes
    grad_steps: int  # on fixed data, without AWR and RWR
    updates: int  # of AWR and RWR on fixed data
    each: int  # gradient steps of an update on fixed data; rounds of one with replay
    seeds: int
    num_evals: int
    eval_episodes: int
    warmup: int
    hidden: tuple[int, ...]  # of the Q-learners
    small: bool = False  # AWR and PPO shrunk too


def cells(s: Size) -> tuple[Cell, ...]:
    common: dict[str, Any] = {
        "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
    }  # fmt: skip
    out = [cell for task in s.tasks for cell in _online(task, s, common)]
    return (*out, *(cell for task in s.fixed for cell in _fixed(task, s, common)))


def _rule(task: str, s: Size) -> dict[str, Any]:
    """Settings of AWR and RWR on a task."""
    rule: dict[str, Any] = {"policy_lr": POLICY_LR[task], "std": STD.get(task, 0.4)}
    return rule | ({"policy_steps": 3, "value_steps": 2, "hidden": (8,)} if s.small else {})


def _sac(s: Size) -> sac.Config:
    replay = off_policy.Config(rounds=s.each, warmup=s.warmup, capacity=s.replayed)
    return sac.Config(replay=replay, hidden=s.hidden)


def _online(task: str, s: Size, common: dict[str, Any]) -> list[Cell]:
    length = 32 if s.small else 256
    walk: dict[str, Any] = {"length": length, "capacity": 8 * length if s.small else 50_000}
    own = awr.Config(**_rule(task, s), **walk)
    on_policy = ppo.Config(length=length, lr_decay_updates=s.steps // (8 * length))
    long: dict[str, tuple[str, Any]] = {
        "awr": ("awr", own),
        "rwr": ("rwr", rwr.Config(**_rule(task, s), **walk)),
        "ppo": ("ppo", on_policy),
        "sil": ("sil", sil.Config(on_policy)),
    }
    if task == s.tasks[0]:
        long |= {
            "awr-no-baseline": ("awr", replace(own, baseline=False)),
            "awr-no-clip": ("awr", replace(own, max_weight=float("inf"))),
            "awr-lambda-0": ("awr", replace(own, td_lambda=0.0)),
            "awr-lambda-1": ("awr", replace(own, td_lambda=1.0)),
            "awr-on-policy": ("awr", replace(own, capacity=own.envs * own.length)),
        }
    like = _sac(s)
    short: dict[str, tuple[str, Any]] = {
        "sac": ("sac", like),
        "td3": ("td3", td3.Config(replay=like.replay, hidden=s.hidden)),
        "ddpg": ("ddpg", ddpg.Config(replay=like.replay, hidden=s.hidden)),
    }
    return [
        Cell(task, 0, method, config, env_steps=steps, label=label, **common)
        for methods, steps in ((long, s.steps), (short, s.replayed))
        for label, (method, config) in methods.items()
    ]


def _fixed(task: str, s: Size, common: dict[str, Any]) -> list[Cell]:
    data = fixed_data.Config(steps=s.each)
    rule = _rule(task, s)
    weighed = {
        "awr": ("offline_awr", offline_awr.Config(**rule)),
        "rwr": ("offline_rwr", offline_rwr.Config(**rule)),
    }
    by_steps = {
        "bc": ("bc", bc.Config(batch=256, validation=0.0, hidden=s.hidden, steps=s.each)),
        "marwil": ("marwil", marwil.Config(batch=256, hidden=s.hidden, steps=s.each)),
        "iql": ("iql", iql.Config(data=replace(iql.Config().data, steps=s.each), hidden=s.hidden)),
        "td3_bc": (
            "td3_bc",
            td3_bc.Config(data=replace(data, normalise_obs=True), hidden=s.hidden),
        ),
        "bcq": (
            "bcq",
            bcq.Config(
                data=replace(data, batch=100), hidden=s.hidden, vae_hidden=s.hidden,
                act_proposals=32,
            ),
        ),
    }  # fmt: skip
    sources = [
        *(DemoSource(pool=2 * s.demos, expert="learned", grade=g) for g in GRADES),
        DemoSource(behaviour=Behaviour("sac", _sac(s), "replay of sac")),
    ]
    out = []
    for source in sources:
        # As many time limits as the learner had.
        demos = s.replayed // 1000 if source.behaviour else s.demos
        for label, (method, config) in (by_steps | weighed).items():
            total = s.grad_steps
            if label in weighed:
                total = s.updates * (config.policy_steps + config.value_steps)
            out.append(
                Cell(
                    task, demos, method, config, grad_steps=total, label=label, source=source,
                    **common,
                )
            )  # fmt: skip
    return out


SMOKE = Size(
    tasks=("Hopper",), steps=512, replayed=1000, fixed=("Hopper",), demos=2, grad_steps=8,
    updates=2, each=4, seeds=2, num_evals=2, eval_episodes=1, warmup=995, hidden=(8,), small=True,
)  # fmt: skip
CPU = Size(
    tasks=("Hopper", "HalfCheetah"), steps=204_800, replayed=20_000, fixed=("Hopper",), demos=25,
    grad_steps=5_000, updates=10, each=250, seeds=5, num_evals=5, eval_episodes=10, warmup=5_000,
    hidden=(256, 256),
)  # fmt: skip
FULL = Size(
    tasks=("Hopper", "HalfCheetah", "Walker2d", "Ant", "Humanoid"), steps=1_024_000,
    replayed=1_000_000, fixed=("Hopper", "HalfCheetah", "Walker2d"), demos=50, grad_steps=500_000,
    updates=500, each=1000, seeds=5, num_evals=20, eval_episodes=32, warmup=10_000,
    hidden=(256, 256),
)  # fmt: skip
SUITE = Suite(
    name="awr",
    about="AWR and its relatives, by trial and error and on fixed data.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
