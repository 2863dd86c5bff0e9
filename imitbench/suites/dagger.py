"""BC, DAgger and DART with the same number of expert actions, and errors that add up over time.

On the tightrope (`imitbench/envs/toys/tightrope.py`) BC and DAgger have the same number of expert
actions for every length of an episode; `python -m benchmarks.studies.compounding_error` fits how
their regret grows with the length. On the other tasks DAgger and DART begin with a sixth of the
expert actions and ask for another sixth in each of five rounds; BC has one, three and six sixths.
All have the same number of gradient steps, with a learning rate that falls to 0. DAgger and DART
take part of theirs before the first round, and part after the last one. Claims:
`imitbench/suites/published/dagger.py`.
"""

from dataclasses import dataclass
from typing import Any

from imitbench import experts
from imitbench.algos.cloning import bc, dagger, dart
from imitbench.data.sources.source import DemoSource
from imitbench.envs.toys.tightrope import HORIZONS
from imitbench.suites.rounds import share_steps
from imitbench.suites.schema import Cell, Suite

ROUNDS = 5
UPDATES = 10  # of DAgger and DART; those after the last round fit what was collected


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    tightrope_actions: int
    """Expert actions on each tightrope."""
    tightrope_seeds: int
    """Training seeds on the tightropes."""
    tightrope_episodes: int
    """Episodes of each seed and evaluation on the tightropes."""
    tasks: tuple[tuple[str, int], ...]
    """The other tasks, each with the number of episodes that is a sixth of the expert actions."""
    hidden: tuple[int, ...]
    """Hidden layers of the clones on the other tasks."""
    steps: int
    """Gradient steps of an update of the clone."""
    fits: int
    """Updates of the clone before the first round, a multiple of 10; BC has four times as many on a
    tightrope, and five times as many on the other tasks."""
    seeds: int
    """Training seeds on the other tasks."""
    eval_episodes: int
    """Episodes of each seed and evaluation on the other tasks."""
    expert: experts.Kind = "learned"
    """The kind of expert on the other tasks."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: tightropes first, then the other tasks."""
    tightropes = [cell for horizon in HORIZONS for cell in _tightrope(horizon, s)]
    return (*tightropes, *(cell for task, sixth in s.tasks for cell in _task(task, sixth, s)))


def _clone(hidden: tuple[int, ...], batch: int, steps: int, grad_steps: int) -> bc.Config:
    return bc.Config(
        hidden=hidden, batch=batch, validation=0.0, steps=steps, lr_decay_steps=grad_steps
    )


def _rounds(s: Size, clone: bc.Config, rounds: int, grad_steps: int) -> tuple[dict[str, Any], int]:
    """Settings of DAgger and DART with `grad_steps` in all, and how many of them are in updates."""
    return share_steps(clone, grad_steps, start_fits=s.fits, updates=UPDATES, rounds=rounds)


def _tightrope(horizon: int, s: Size) -> list[Cell]:
    """DAgger has a fifth of the expert actions before the first of its four rounds."""
    task, episodes = f"Tightrope-{horizon}", s.tightrope_actions // horizon
    grad_steps = 4 * s.fits * s.steps
    clone = _clone((64, 64), 128, s.steps, grad_steps)
    settings, in_updates = _rounds(s, clone, 4, grad_steps)
    config = dagger.Config(episodes=episodes // 5, **settings)
    common: dict[str, Any] = {
        "seeds": s.tightrope_seeds, "num_evals": 1,
        "eval_episodes": s.tightrope_episodes, "source": DemoSource(pool=2 * episodes),
    }  # fmt: skip
    return [
        Cell(task, episodes, "bc", clone, grad_steps=grad_steps, **common),
        Cell(task, episodes // 5, "dagger", config, grad_steps=in_updates, **common),
    ]


def _task(task: str, sixth: int, s: Size) -> list[Cell]:
    grad_steps = ROUNDS * s.fits * s.steps
    clone = _clone(s.hidden, 256, s.steps, grad_steps)
    settings, in_updates = _rounds(s, clone, ROUNDS, grad_steps)
    settings |= {"episodes": sixth, "capacity": 6 * sixth * 1000}
    common: dict[str, Any] = {
        "seeds": s.seeds, "num_evals": ROUNDS,
        "eval_episodes": s.eval_episodes, "source": DemoSource(pool=12 * sixth, expert=s.expert),
    }  # fmt: skip
    return [
        *(
            Cell(task, sixths * sixth, "bc", clone, grad_steps=grad_steps, **common)
            for sixths in (1, 3, 6)
        ),
        Cell(task, sixth, "dagger", dagger.Config(**settings), grad_steps=in_updates, **common),
        Cell(task, sixth, "dart", dart.Config(**settings), grad_steps=in_updates, **common),
    ]


SMOKE = Size(
    tightrope_actions=800, tightrope_seeds=2, tightrope_episodes=2, tasks=(("PointMass", 1),),
    hidden=(8,), steps=1, fits=10, seeds=2, eval_episodes=1, expert="scripted",
)  # fmt: skip
CPU = Size(
    tightrope_actions=4_000, tightrope_seeds=20, tightrope_episodes=500,
    tasks=(("FetchPush", 10), ("FetchPickAndPlace", 10), ("Hopper", 1)), hidden=(256, 256),
    steps=200, fits=10, seeds=5, eval_episodes=20,
)  # fmt: skip
FULL = Size(
    tightrope_actions=4_000, tightrope_seeds=50, tightrope_episodes=2_000,
    tasks=(("FetchPush", 20), ("FetchPickAndPlace", 20), ("Hopper", 2)), hidden=(256, 256),
    steps=500, fits=20, seeds=10, eval_episodes=200,
)  # fmt: skip
SUITE = Suite(
    name="dagger",
    about="BC, DAgger and DART with equally many expert actions, and errors that add up over time.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
