"""Imitation from observations alone, and across bodies.

Two locomotion tasks, four trajectories of a learned expert, one step in 20 of each, as in the suite
`gail`. DAC and GAIL compare observations with actions; DACfO and GAIfO compare them with the next
observations, and BCO labels them, so that none of the three uses a demonstrated action. BC is the
usual baseline with actions.

In the other half the demonstrations are those of another body: of the original HalfCheetah, for a
learner with half a torso. An action of the one does something else to the other. GAIL compares
observations with actions, with the next observations (`gaifo`), or alone (`gail-state`); BC and BCO
stand beside it. The full profile adds an Ant, one of whose legs is disabled, and DAC.
Claims: `imitbench/suites/published/observations.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import dac, gail
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig, Inputs
from imitbench.algos.cloning import bc, bco, inverse_dynamics
from imitbench.algos.common import off_policy
from imitbench.algos.rl import ppo
from imitbench.data.sources.source import DemoSource
from imitbench.suites.schema import Cell, Suite

TASKS = ("Hopper", "HalfCheetah")
COMPARED: dict[str, Inputs] = {"": "state-action", "fo": "transition", "-state": "state"}


@dataclass(frozen=True)
class Shift:
    """A learner in one body, and demonstrations of another."""

    task: str
    """The task of the learner."""
    source: str
    """The task of the demonstrations."""


CHEETAH = Shift("HalfCheetah-short", "HalfCheetah")
ANT = Shift("Ant-disabled", "Ant")


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    tasks: tuple[str, ...]
    """Tasks without a shift."""
    shifts: tuple[Shift, ...]
    """Pairs of bodies."""
    demos: int
    """Demonstrations of each seed."""
    on_policy_steps: int
    """Environment steps of GAIL."""
    off_policy_steps: int
    """Environment steps of DAC and BCO."""
    off_policy_shifts: bool
    """Whether DAC learns across bodies, too."""
    warmup: int
    """Environment steps of DAC before it learns."""
    rounds: int
    """Rounds in an update of DAC."""
    length: int
    """Steps of each of eight environments in an update of GAIL and of BCO."""
    grad_steps: int
    """Gradient steps of BC."""
    steps_per_update: int
    """Gradient steps of an update of BC, and of BCO's in a round, ten of which are in a round."""
    seeds: int
    """Training seeds."""
    on_policy_seeds: int
    """Training seeds of GAIL, whose cells are cheap and whose returns differ most, and of BC."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""

    def common(self, shift: Shift | None = None) -> dict[str, Any]:
        """Fields that the cells of a task share."""
        source = DemoSource(pool=5 * self.demos, expert="learned", stride=20)
        if shift:
            source = replace(source, task=shift.source)
        return {
            "demos": self.demos,
            "seeds": self.seeds,
            "num_evals": self.num_evals,
            "eval_episodes": self.eval_episodes,
            "source": source,
        }


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    out = []
    for task in s.tasks:
        out += _cloning(task, s, s.common())
        for suffix in ("", "fo"):
            out += [_gail(task, suffix, s, s.common()), _dac(task, suffix, s, s.common())]
    for shift in s.shifts:
        common = s.common(shift)
        out += _cloning(shift.task, s, common)
        for suffix in COMPARED:
            out.append(_gail(shift.task, suffix, s, common))
            out += [_dac(shift.task, suffix, s, common)] * s.off_policy_shifts
    return tuple(out)


def _cloning(task: str, s: Size, common: dict[str, Any]) -> list[Cell]:
    """BC, and BCO with the environment steps of DAC, a fifth of which are random."""
    clone = bc.Config(batch=256, validation=0.0, steps=s.steps_per_update)
    rounds = s.off_policy_steps // (8 * s.length)
    config = bco.Config(
        clone=clone,
        inverse=inverse_dynamics.Config(steps=10 * s.steps_per_update),
        length=s.length,
        random_rounds=max(1, rounds // 5),
        capacity=s.off_policy_steps,
    )
    clone = replace(clone, lr_decay_steps=s.grad_steps)
    more: dict[str, Any] = common | {"seeds": s.on_policy_seeds}
    return [
        Cell(task, method="bc", config=clone, grad_steps=s.grad_steps, **more),
        Cell(task, method="bco", config=config, env_steps=s.off_policy_steps, **common),
    ]


def _gail(task: str, suffix: str, s: Size, common: dict[str, Any]) -> Cell:
    config = gail.Config(
        ppo=ppo.Config(length=s.length), discriminator=DiscriminatorConfig(inputs=COMPARED[suffix])
    )
    unit = 8 * s.length * s.num_evals  # of which a budget is a multiple
    env_steps = max(1, round(s.on_policy_steps / unit)) * unit
    label = "gaifo" if suffix == "fo" else "gail" + suffix
    common = common | {"seeds": s.on_policy_seeds}
    return Cell(task, method="gail", config=config, env_steps=env_steps, label=label, **common)


def _dac(task: str, suffix: str, s: Size, common: dict[str, Any]) -> Cell:
    base = dac.Config()
    replay = off_policy.Config(
        rounds=s.rounds, warmup=s.warmup, batch=100, capacity=s.off_policy_steps
    )
    config = replace(
        base,
        td3=replace(base.td3, replay=replay),
        discriminator=replace(base.discriminator, inputs=COMPARED[suffix]),
    )
    steps, label = s.off_policy_steps, "dac" + suffix
    return Cell(task, method="dac", config=config, env_steps=steps, label=label, **common)


SMOKE = Size(
    tasks=("Hopper",), shifts=(CHEETAH,), demos=1, on_policy_steps=512, off_policy_steps=512,
    off_policy_shifts=False, warmup=500, rounds=16, length=32, grad_steps=8, steps_per_update=2,
    seeds=2, on_policy_seeds=2, num_evals=2, eval_episodes=1,
)  # fmt: skip
CPU = Size(
    tasks=TASKS, shifts=(CHEETAH,), demos=4, on_policy_steps=307_200, off_policy_steps=51_200,
    off_policy_shifts=False, warmup=1_000, rounds=256, length=256, grad_steps=10_000,
    steps_per_update=100, seeds=5, on_policy_seeds=10, num_evals=5, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    tasks=(*TASKS, "Walker2d", "Ant"), shifts=(CHEETAH, ANT), demos=4,
    on_policy_steps=3_072_000, off_policy_steps=307_200, off_policy_shifts=True, warmup=10_000,
    rounds=512, length=256, grad_steps=20_000, steps_per_update=200, seeds=10, on_policy_seeds=10,
    num_evals=10, eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="observations",
    about="DAC, GAIL and cloning without demonstrated actions, and with another body's.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
