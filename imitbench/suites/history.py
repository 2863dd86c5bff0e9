"""Policies that see the past, where it helps and where it misleads.

Velocities are hidden on Hopper, Walker2d and HalfCheetah, so one observation does not tell the
state. On MountainCar the previous action tells nothing that position and velocity do not, but it
predicts the expert's next action. On HalfCheetah with a hidden target speed the expert knows what
the policy has to find out. BC has the same number of gradient steps everywhere; DAgger has as many
in all, and begins with a sixth of BC's expert actions. On MountainCar BC also has that sixth alone.
Claims: `imitbench/suites/published/history.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imitbench.algos.cloning import bc, dagger
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.data.sources.source import DemoSource
from imitbench.suites.rounds import share_steps
from imitbench.suites.schema import Cell, Suite

ROUNDS, UPDATES = 5, 10  # of DAgger; the updates after the rounds fit what was collected
STACK, LONG = 3, 10  # observations that a stack sees; that a GRU and a transformer see

MEMORIES: dict[str, memory_config.Config] = {
    "bc": memory_config.Config(),
    "bc, stack": memory_config.Config(history=STACK),
    "bc, differences": memory_config.Config(history=STACK, differences=True),
    "bc, gru": memory_config.Config(history=LONG, encoder="gru"),
    "bc, transformer": memory_config.Config(history=LONG, encoder="transformer", layers=1),
    "bc, actions": memory_config.Config(past_actions=True),
    "bc, stack, actions": memory_config.Config(history=STACK, past_actions=True),
    "bc, stack, actions, dropout": memory_config.Config(
        history=STACK, past_actions=True, dropout=0.5
    ),
    "bc, stack, past": memory_config.Config(history=STACK, past_targets=STACK),
}
"""The memories of BC by the labels of their cells."""
SHORT = ("bc", "bc, stack", "bc, differences", "bc, gru", "bc, actions")
"""The rows of BC where velocities are hidden."""
ROUND_ROWS = ("bc", "bc, stack")
"""The memories of DAgger where velocities are hidden."""
TARGET_ROWS = tuple(label for label in MEMORIES if label != "bc, transformer")
"""The rows of BC where the target speed is hidden."""
TARGET_ROUND_ROWS = ("bc", "bc, stack, actions")
"""The memories of DAgger where the target speed is hidden."""
WITH_TRANSFORMER = "HalfCheetah-no-velocity"
"""The robot with a row of the transformer, which takes four times as long as the GRU."""


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    hidden: tuple[int, ...]
    """Hidden layers."""
    steps: int
    """Gradient steps of an update."""
    grad_steps: int
    """Gradient steps on the robots, 60 times a multiple of `steps`."""
    tasks: tuple[tuple[str, int], ...]
    """The robots with hidden velocities, and the demonstrations for DAgger's start; BC has six
    times as many."""
    target: tuple[tuple[str, int], ...]
    """The task with a hidden target speed, and its demonstrations for DAgger's start; BC has six
    times as many."""
    cars: int
    """Demonstrations of MountainCar for DAgger's start; BC has as many, and six times as many."""
    car_steps: int
    """Gradient steps on MountainCar, 60 times a multiple of `steps`."""
    seeds: int
    """Training seeds on the robots."""
    car_seeds: int
    """Training seeds on MountainCar."""
    eval_episodes: int
    """Episodes of each seed and evaluation on the robots."""
    car_episodes: int
    """Episodes of each seed and evaluation on MountainCar."""
    batch: int = 128
    """Rows of a minibatch."""

    def clone(self, memory: memory_config.Config, grad_steps: int) -> bc.Config:
        """BC's settings."""
        return bc.Config(
            lr_decay_steps=grad_steps, batch=self.batch, hidden=self.hidden, validation=0.2,
            steps=self.steps, memory=memory,
        )  # fmt: skip


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile."""
    robots = [
        cell for task, sixth in s.tasks for cell in _rounds(s, task, sixth, _rows(task), ROUND_ROWS)
    ]
    target = [
        cell
        for task, sixth in s.target
        for cell in _rounds(s, task, sixth, TARGET_ROWS, TARGET_ROUND_ROWS)
    ]
    cars = [cell for task in ("MountainCar", "MountainCar-confounded") for cell in _car(s, task)]
    return (*robots, *target, *cars)


def _rows(task: str) -> tuple[str, ...]:
    """The memories of BC on a robot with hidden velocities."""
    return (*SHORT, "bc, transformer") if task == WITH_TRANSFORMER else SHORT


def _rounds(
    s: Size, task: str, sixth: int, labels: tuple[str, ...], learners: tuple[str, ...]
) -> list[Cell]:
    """BC with six sixths of the expert actions, DAgger with one and five rounds.

    Args:
        s: the size.
        task: the task.
        sixth: demonstrations before DAgger's rounds.
        labels: the memories of BC.
        learners: the memories of DAgger.
    """
    common: dict[str, Any] = {
        "seeds": s.seeds, "eval_episodes": s.eval_episodes, "source": DemoSource(pool=12 * sixth),
    }  # fmt: skip
    found = [
        Cell(
            task, 6 * sixth, "bc", s.clone(MEMORIES[label], s.grad_steps), num_evals=5,
            grad_steps=s.grad_steps, label=label, **common,
        )
        for label in labels
    ]  # fmt: skip
    for label in learners:
        config, in_updates = _dagger(s, MEMORIES[label], s.grad_steps, sixth, 1000)
        name = label.replace("bc", "dagger")
        cell = Cell(
            task, sixth, "dagger", config, num_evals=5, grad_steps=in_updates, label=name, **common
        )
        found.append(cell)
    return found


def _dagger(
    s: Size, memory: memory_config.Config, grad_steps: int, sixth: int, horizon: int
) -> tuple[dagger.Config, int]:
    """DAgger with a sixth of the episodes before its rounds, and its gradient steps in updates."""
    clone = s.clone(memory, grad_steps)
    start = grad_steps // s.steps // 6
    settings, in_updates = share_steps(
        clone, grad_steps, start_fits=start, updates=UPDATES, rounds=ROUNDS
    )
    capacity = 6 * sixth * horizon
    return dagger.Config(episodes=sixth, capacity=capacity, **settings), in_updates


def _car(s: Size, task: str) -> list[Cell]:
    common: dict[str, Any] = {
        "seeds": s.car_seeds, "eval_episodes": s.car_episodes, "num_evals": 5,
        "source": DemoSource(pool=24 * s.cars),
    }  # fmt: skip
    config, in_updates = _dagger(s, memory_config.Config(), s.car_steps, s.cars, 200)
    clones = [
        Cell(
            task, demos, "bc", s.clone(memory_config.Config(), s.car_steps),
            grad_steps=s.car_steps, **common,
        )
        for demos in (s.cars, 6 * s.cars)
    ]  # fmt: skip
    return [*clones, Cell(task, s.cars, "dagger", config, grad_steps=in_updates, **common)]


SMOKE = Size(
    hidden=(8,), steps=1, grad_steps=60, tasks=(("Hopper-no-velocity", 1),),
    target=(), cars=1, car_steps=60, seeds=2, car_seeds=2, eval_episodes=1, car_episodes=2,
    batch=16,
)  # fmt: skip
CPU = Size(
    hidden=(256, 256), steps=100, grad_steps=12_000,
    tasks=(("Hopper-no-velocity", 4), ("Walker2d-no-velocity", 4), ("HalfCheetah-no-velocity", 4)),
    target=(("HalfCheetah-target", 4),), cars=1, car_steps=6_000, seeds=5, car_seeds=10,
    eval_episodes=10, car_episodes=50, batch=64,
)  # fmt: skip
FULL = Size(
    hidden=(256, 256), steps=200, grad_steps=60_000,
    tasks=(("Hopper-no-velocity", 4), ("Walker2d-no-velocity", 4), ("HalfCheetah-no-velocity", 4)),
    target=(("HalfCheetah-target", 4),), cars=1, car_steps=24_000, seeds=10, car_seeds=20,
    eval_episodes=50, car_episodes=200, batch=256,
)  # fmt: skip
SUITE = Suite(
    name="history",
    about="Policies that see the past: hidden velocities, a hidden target, misleading actions.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
