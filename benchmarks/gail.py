"""How many demonstrations GAIL and BC need, and what episodes' lengths alone teach.

As in Ho and Ermon 2016 (arXiv:1606.03476): trajectories of a learned expert, one step in 20 of
each, on tasks that end when the robot falls; the control that is paid 1 a step there, and where
episodes never end early (`-fh`). PPO in place of TRPO. The cpu profile has two tasks and 307,200
environment steps. Claims: `targets/gail.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos import _discriminator, bc, gail, ppo
from imitbench.harness.suite import Cell, DemoSource, Suite


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    tasks: tuple[str, ...]
    control: str  # the task of the control, and of its never-ending form
    demos: tuple[int, ...]
    env_steps: int  # of GAIL
    grad_steps: int  # of BC
    each: int  # of these an update
    seeds: int
    num_evals: int
    eval_episodes: int
    every: int = 20
    length: int = 256


def cells(s: Size) -> tuple[Cell, ...]:
    learner = ppo.Config(length=s.length)
    adversary = gail.Config(ppo=learner, discriminator=_discriminator.Rule())
    clone = bc.Config(hidden=(256, 256), batch=256, validation=0.0, steps=s.each)
    common: dict[str, Any] = {
        "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
        "source": DemoSource(pool=2 * max(s.demos), expert="learned", every=s.every),
    }  # fmt: skip

    def by_gail(task: str, demos: int, config: gail.Config, label: str) -> Cell:
        return Cell(task, demos, "gail", config, env_steps=s.env_steps, label=label, **common)

    out, most = [], max(s.demos)
    for task in s.tasks:
        for demos in s.demos:
            out.append(Cell(task, demos, "bc", clone, grad_steps=s.grad_steps, **common))
            out.append(by_gail(task, demos, adversary, "gail"))
        if task == s.control:
            paid = replace(adversary, constant=True)
            endless = f"{task}-fh"
            out.append(by_gail(task, most, paid, "gail-constant"))
            out.append(by_gail(endless, most, adversary, "gail"))
            out.append(by_gail(endless, most, paid, "gail-constant"))
    return tuple(out)


SMOKE = Size(
    tasks=("Hopper",), control="Hopper", demos=(1,), env_steps=512, grad_steps=8, each=4, seeds=2,
    num_evals=2, eval_episodes=1, length=32,
)  # fmt: skip
CPU = Size(
    tasks=("Hopper", "Walker2d"), control="Hopper", demos=(1, 4, 11, 25), env_steps=307_200,
    grad_steps=10_000, each=250, seeds=5, num_evals=5, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    tasks=("Hopper", "HalfCheetah", "Walker2d", "Ant"), control="Hopper",
    demos=(1, 4, 11, 18, 25), env_steps=3_072_000, grad_steps=20_000, each=500, seeds=10,
    num_evals=20, eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="gail",
    about="GAIL and BC with few demonstrations, and GAIL's reward without an expert.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
