"""What an expert's answers are worth: BC, DAgger and DART with equally many of them, and how
mistakes add up over time.

On the tightrope (`imitbench/envs/rope.py`) BC and DAgger have the same number of labelled steps
for every length of an episode; `python -m benchmarks.compounding` fits how their regret grows with
it. On the other tasks DAgger and DART begin with a sixth of the answers and ask for as many in each
of five rounds; BC has one, three and six sixths. Claims: `targets/dagger.py`.
"""

from dataclasses import dataclass
from typing import Any

from imitbench import experts
from imitbench.algos.cloning import bc, dagger, dart
from imitbench.data.source import DemoSource
from imitbench.envs.tightrope import HORIZONS
from imitbench.suites.schema import Cell, Suite

ROUNDS = 5


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    answers: int  # on the tightrope, in steps
    rope_seeds: int
    rope_episodes: int  # of an evaluation
    tasks: tuple[tuple[str, int], ...]  # and episodes shown in a sixth
    hidden: tuple[int, ...]
    steps: int  # gradient steps of an update of the clone
    fits: int  # of these a round
    seeds: int
    eval_episodes: int
    expert: experts.Kind = "learned"  # of these tasks


def cells(s: Size) -> tuple[Cell, ...]:
    rope = [cell for horizon in HORIZONS for cell in _rope(horizon, s)]
    return (*rope, *(cell for task, sixth in s.tasks for cell in _queries(task, sixth, s)))


def _clone(s: Size, hidden: tuple[int, ...], batch: int) -> bc.Config:
    return bc.Config(hidden=hidden, batch=batch, validation=0.0, steps=s.steps)


def _rope(horizon: int, s: Size) -> list[Cell]:
    """A fifth of the answers before the first of DAgger's four rounds."""
    task, episodes = f"Tightrope-{horizon}", s.answers // horizon
    clone = _clone(s, (64, 64), 128)
    rounds = dagger.Config(clone=clone, episodes=episodes // 5, fits=s.fits)
    common: dict[str, Any] = {
        "grad_steps": 4 * s.fits * s.steps, "seeds": s.rope_seeds, "num_evals": 1,
        "eval_episodes": s.rope_episodes, "source": DemoSource(pool=2 * episodes),
    }  # fmt: skip
    return [
        Cell(task, episodes, "bc", clone, **common),
        Cell(task, episodes // 5, "dagger", rounds, **common),
    ]


def _queries(task: str, sixth: int, s: Size) -> list[Cell]:
    clone = _clone(s, s.hidden, 256)
    rounds: dict[str, Any] = {
        "clone": clone, "episodes": sixth, "fits": s.fits, "capacity": 6 * sixth * 1000,
    }  # fmt: skip
    common: dict[str, Any] = {
        "grad_steps": ROUNDS * s.fits * s.steps, "seeds": s.seeds, "num_evals": ROUNDS,
        "eval_episodes": s.eval_episodes, "source": DemoSource(pool=12 * sixth, expert=s.expert),
    }  # fmt: skip
    return [
        *(Cell(task, sixths * sixth, "bc", clone, **common) for sixths in (1, 3, 6)),
        Cell(task, sixth, "dagger", dagger.Config(**rounds), **common),
        Cell(task, sixth, "dart", dart.Config(**rounds), **common),
    ]


SMOKE = Size(
    answers=800, rope_seeds=2, rope_episodes=2, tasks=(("PointMass", 1),), hidden=(8,), steps=2,
    fits=1, seeds=2, eval_episodes=1, expert="scripted",
)  # fmt: skip
CPU = Size(
    answers=4_000, rope_seeds=20, rope_episodes=500,
    tasks=(("FetchPush", 10), ("FetchPickAndPlace", 10), ("Hopper", 1)), hidden=(256, 256),
    steps=200, fits=10, seeds=5, eval_episodes=20,
)  # fmt: skip
FULL = Size(
    answers=4_000, rope_seeds=50, rope_episodes=2_000,
    tasks=(("FetchPush", 20), ("FetchPickAndPlace", 20), ("Hopper", 2)), hidden=(256, 256),
    steps=500, fits=20, seeds=10, eval_episodes=200,
)  # fmt: skip
SUITE = Suite(
    name="dagger",
    about="How mistakes add up, and what the expert's answers are worth to BC, DAgger and DART.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
