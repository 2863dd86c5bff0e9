"""Learning from fixed data: BCQ, off-policy DDPG and BC on the four data sets of Fujimoto et al.
2019 (arXiv:1812.02900), beside the behavioural DDPG.

final buffer: all that DDPG with noise 0.5 saw. concurrent: what DDPG with noise 0.1 has seen so
far. imitation: an expert's steps. imperfect: an expert's with noise 0.3 and three uniform actions
in ten. The experts are those that ship, in place of the paper's DDPG. Claims: `targets/bcq.py`.

The cpu profile has fewer steps, narrower networks, and fewer proposals when acting than the paper;
full has the paper's.
"""

from dataclasses import dataclass
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.offline import bcq, fixed_data, offline_ddpg
from imitbench.algos.rl import ddpg, off_policy
from imitbench.data.behaviour import Behaviour
from imitbench.data.source import DemoSource
from imitbench.suites.schema import Cell, Suite

NOISES = {"final buffer": 0.5, "concurrent": 0.1}


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    tasks: tuple[str, ...]
    limits: int  # environment steps of data, in units of the time limit; of expert data as many
    imperfect: int  # episodes of imperfect demonstrations
    warmup: int
    grad_steps: int
    steps: int  # gradient steps of an update, and environment steps of one of the behaviour
    hidden: tuple[int, ...]
    vae_hidden: tuple[int, ...]
    act_proposals: int
    batch: int
    seeds: int
    num_evals: int
    eval_episodes: int


def cells(s: Size) -> tuple[Cell, ...]:
    data = fixed_data.Config(batch=s.batch, steps=s.steps)
    methods = {
        "bc": bc.Config(hidden=s.hidden, batch=s.batch, validation=0.0, steps=s.steps),
        "offline_ddpg": offline_ddpg.Config(data=data, hidden=s.hidden, lr=1e-3),
        "bcq": bcq.Config(
            data=data, hidden=s.hidden, vae_hidden=s.vae_hidden, act_proposals=s.act_proposals
        ),
    }
    common: dict[str, Any] = {
        "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
    }  # fmt: skip
    out = []
    for task in s.tasks:
        sources: dict[DemoSource, int] = {}
        for kind, noise in NOISES.items():
            replay = off_policy.Config(
                rounds=s.steps, warmup=s.warmup, batch=s.batch, capacity=s.limits * 1000
            )
            own = ddpg.Config(replay=replay, noise=noise, hidden=s.hidden, lr=1e-3)
            name = f"ddpg-{noise}"
            out.append(Cell(task, 0, "ddpg", own, env_steps=s.limits * 1000, label=name, **common))
            behaviour = Behaviour("ddpg", own, name)
            sources[DemoSource(behaviour=behaviour, concurrent=kind == "concurrent")] = s.limits
        for grade, episodes in (("expert", s.limits), ("imperfect", s.imperfect)):
            source = DemoSource(pool=2 * episodes, expert="learned", grade=grade)
            sources[source] = episodes
        out += [
            Cell(task, demos, method, c, grad_steps=s.grad_steps, source=source, **common)
            for source, demos in sources.items()
            for method, c in methods.items()
        ]
    return tuple(out)


SMOKE = Size(
    tasks=("Hopper",), limits=1, imperfect=1, warmup=20, grad_steps=8, steps=4, hidden=(8,),
    vae_hidden=(8,), act_proposals=2, batch=8, seeds=2, num_evals=2, eval_episodes=1,
)  # fmt: skip
CPU = Size(
    tasks=("Hopper", "HalfCheetah"), limits=50, imperfect=50, warmup=5_000, grad_steps=12_500,
    steps=250, hidden=(256, 256), vae_hidden=(256, 256), act_proposals=32, batch=100, seeds=5,
    num_evals=5, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    tasks=("Hopper", "HalfCheetah", "Walker2d"), limits=1000, imperfect=100, warmup=25_000,
    grad_steps=1_000_000, steps=1000, hidden=(400, 300), vae_hidden=(750, 750), act_proposals=100,
    batch=100, seeds=5, num_evals=200, eval_episodes=10,
)  # fmt: skip
SUITE = Suite(
    name="bcq",
    about="BCQ, off-policy DDPG and BC on data of a learner and of an expert.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
