"""How many demonstrations GAIL, DAC and BC need, and what episodes' lengths alone teach.

As in Ho and Ermon 2016 (arXiv:1606.03476): trajectories of a learned expert, one step in 20 of
each, on tasks that end when the robot falls. Two controls there, and where episodes never end early
(`-fh`): one is paid 1 a step, one is shown nothing but actions of 0. PPO in place of TRPO, and TRPO
beside it with 4 trajectories on one task, where AIRL, SQIL and GAIL's code on the reverse
Kullback-Leibler divergence (f-VIM) stand, too. On Reacher, whose episodes never end early, the
trajectories are shown whole. The off-policy methods have fewer environment steps: a tenth of them
in the full profile; in the cpu profile, which has 307,200 of GAIL's steps, a third. There DAC runs
with 4 trajectories alone, on two tasks, and DAgger on all. That has BC's gradient steps, and an
expert who labels every step of as many trajectories again in each of five rounds: a hundred times
what the others are shown. Claims: `targets/gail.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import airl, dac, discriminator, gail, gail_trpo, sqil
from imitbench.algos.cloning import bc, dagger
from imitbench.algos.rl import off_policy, ppo, td3, trpo
from imitbench.data.source import DemoSource
from imitbench.envs.locomotion import HORIZON
from imitbench.suites.schema import Cell, Suite

TASKS = ("Hopper", "HalfCheetah", "Walker2d", "Ant")
ROUNDS = 5  # of DAgger


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    tasks: tuple[str, ...]
    control: str  # the task of the control, of its never-ending form, and of GAIL's relatives
    demos: tuple[int, ...]
    relatives: int  # demonstrations of GAIL's relatives
    env_steps: int  # of GAIL
    replayed: int  # of the off-policy methods
    beside: tuple[int, ...]  # demonstrations of DAC and DAgger
    dac: tuple[str, ...]  # the tasks of DAC
    reach: tuple[int, ...]  # demonstrations on Reacher
    warmup: int  # of these without learning
    grad_steps: int  # of BC
    each: int  # of these, and of the replayed, an update
    seeds: int
    num_evals: int
    eval_episodes: int
    every: int = 20
    length: int = 256


def cells(s: Size) -> tuple[Cell, ...]:
    learner = ppo.Config(length=s.length)
    adversary = gail.Config(ppo=learner, discriminator=discriminator.DiscriminatorConfig())
    clone = bc.Config(hidden=(256, 256), batch=256, validation=0.0, steps=s.each)
    common: dict[str, Any] = {
        "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
        "source": DemoSource(pool=2 * max(s.demos), expert="learned", stride=s.every),
    }  # fmt: skip

    replay = off_policy.Config(rounds=s.each, warmup=s.warmup, batch=100, capacity=s.replayed)
    off = dac.Config(td3=td3.Config(replay=replay, lr=1e-3))
    soft = sqil.Config(replay=replace(replay, batch=128))
    seldom: dict[str, Any] = common | {"num_evals": min(ROUNDS, s.num_evals)}
    fits = max(1, s.grad_steps // s.each // ROUNDS)
    seeking = replace(adversary.discriminator, divergence="reverse-kl")

    def by_gail(task: str, demos: int, config: Any, label: str, method: str = "gail") -> Cell:
        return Cell(task, demos, method, config, env_steps=s.env_steps, label=label, **common)

    def replayed(task: str, demos: int, method: str, config: Any) -> Cell:
        return Cell(task, demos, method, config, env_steps=s.replayed, **common)

    out, most = [], max(s.demos)
    for task in s.tasks:
        for demos in s.demos:
            out.append(Cell(task, demos, "bc", clone, grad_steps=s.grad_steps, **common))
            out.append(by_gail(task, demos, adversary, "gail"))
            if demos in s.beside:
                if task in s.dac:
                    out.append(replayed(task, demos, "dac", off))
                room = (1 + ROUNDS) * demos * HORIZON
                asks = dagger.Config(clone=clone, episodes=demos, fits=fits, capacity=room)
                out.append(Cell(task, demos, "dagger", asks, grad_steps=s.grad_steps, **seldom))
        if task == s.control:
            paid = replace(adversary, constant=True)
            endless = f"{task}-fh"
            out.append(by_gail(task, most, paid, "gail-constant"))
            out.append(by_gail(endless, most, adversary, "gail"))
            out.append(by_gail(endless, most, paid, "gail-constant"))
            # Those who show inaction have short episodes on the one and whole ones on the other.
            idle = DemoSource(pool=2 * most, grade="still", stride=s.every)
            out += [
                replace(by_gail(t, most, adversary, "gail"), source=idle) for t in (task, endless)
            ]
            natural = gail_trpo.Config(trpo=trpo.Config(length=s.length))
            other = airl.Config(ppo=learner)
            out += [
                by_gail(task, s.relatives, natural, "gail_trpo", "gail_trpo"),
                by_gail(task, s.relatives, other, "airl", "airl"),
                by_gail(task, s.relatives, replace(adversary, discriminator=seeking), "f-vim-rkl"),
                replayed(task, s.relatives, "sqil", soft),
            ]
    whole = {"source": replace(common["source"], stride=1)}
    for demos in s.reach:
        cloned = Cell("Reacher", demos, "bc", clone, grad_steps=s.grad_steps, **common | whole)
        out += [cloned, replace(by_gail("Reacher", demos, adversary, "gail"), **whole)]
    return tuple(out)


SMOKE = Size(
    tasks=("Hopper",), control="Hopper", demos=(1,), relatives=1, env_steps=512, replayed=16,
    beside=(1,), dac=("Hopper",), reach=(1,), warmup=8, grad_steps=8, each=4, seeds=2, num_evals=2,
    eval_episodes=1, length=32,
)  # fmt: skip
CPU = Size(
    tasks=TASKS, control="Hopper", demos=(1, 4, 11, 18, 25), relatives=4, env_steps=307_200,
    replayed=100_000, beside=(4,), dac=("Hopper", "Walker2d"), reach=(4,), warmup=1_000,
    grad_steps=10_000, each=250, seeds=5, num_evals=5, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    tasks=TASKS, control="Hopper", demos=(1, 4, 11, 18, 25), relatives=4, env_steps=3_072_000,
    replayed=300_000, beside=(1, 4, 11, 18, 25), dac=TASKS, reach=(4, 11, 18), warmup=10_000,
    grad_steps=20_000, each=500, seeds=10, num_evals=20, eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="gail",
    about="GAIL and BC with few demonstrations, and GAIL's reward without an expert.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
