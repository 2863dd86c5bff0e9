"""Goals from what was reached: hindsight on undirected data, and online.

Fixed data: BC on the goals that the data were collected with, GCBC, GCSL's updates, WGCSL, and
MARWIL, which is WGCSL's predecessor without relabelled goals. They learn from the same episodes,
with the same number of gradient steps and networks of the same widths. The data are random actions,
the experience of a learner (DDPG with hindsight goals, from its first step on), the expert under
noise, and on PointMass-rooms the play of a wanderer. On some data there are also WGCSL with each
factor of its weights alone, and with none (`gcsl-mse`: GCSL as WGCSL's authors have it). A row of
random actions shows where nothing is learned.

Online: GCSL, and DDPG with hindsight goals, with the same number of environment steps. GCSL takes
one gradient step in two environment steps on networks of 256 and 256; its authors take one in each,
on 400 and 300. Claims:
`imitbench/suites/published/goals.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.goal import gcbc, gcsl, offline_gcsl, random_actions, wgcsl
from imitbench.algos.offline import marwil
from imitbench.data.sources.replay_learners import hindsight_ddpg
from imitbench.data.sources.source import DemoSource
from imitbench.suites.schema import Cell, Suite

HARD = ("FetchPush", "FetchPickAndPlace")
"""Tasks for which the authors of WGCSL let the percentile rise slowly, and leave the discount out
on random data."""
TARGET_PERIODS = {"FetchPush": 20, "FetchPickAndPlace": 20, "PointMass-rooms": 1}
"""Gradient steps between two moves of WGCSL's targets; on rooms as many as its authors use on their
own. On FetchReach its default."""


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    data: tuple[tuple[str, str], ...]
    """Task and grade of the fixed data."""
    ablated: tuple[tuple[str, str], ...]
    """Those on which WGCSL runs with single factors and without any, too."""
    episodes: dict[str, tuple[int, int]]
    """Of each grade, or of a grade on one task ("FetchPush replay"): the episodes of the pool, and
    how many of them each seed learns from."""
    online: tuple[tuple[str, int, int], ...]
    """Tasks of the online learners, with their environment steps and evaluations."""
    grad_steps: int
    """Gradient steps of each method on fixed data."""
    steps_per_update: int
    """Gradient steps of an update."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations of methods on fixed data, at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    hidden: tuple[int, ...] = (256, 256)
    """Hidden layers of all networks."""
    envs: int = 4
    """Episodes in a round of GCSL."""
    rounds: int = 20
    """Rounds in an update of GCSL."""
    her_rounds: int = 100
    """Steps of DDPG's 16 environments in an update."""
    explore: int = 10_000
    """Environment steps of GCSL with random actions; it begins to learn after a tenth of them."""
    updates_per_step: float = 0.5
    """Gradient steps of GCSL for each environment step; DDPG has a quarter of one."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: data set by data set, then the online learners."""
    tasks = dict.fromkeys(task for task, _ in s.data)
    fixed = [cell for task, grade in s.data for cell in _fixed_data(task, grade, s)]
    return (*fixed, *(_random(task, s) for task in tasks), *_online(s))


def _evaluation(s: Size) -> dict[str, Any]:
    return {"seeds": s.seeds, "eval_episodes": s.eval_episodes}


def _fixed_data(task: str, grade: str, s: Size) -> list[Cell]:
    pool, demos = s.episodes.get(f"{task} {grade}", s.episodes[grade])
    rows = _methods(s) | {"wgcsl": ("wgcsl", _wgcsl(task, grade, s))}
    if (task, grade) in s.ablated:
        rows |= {label: ("wgcsl", config) for label, config in _factors(task, grade, s).items()}
    return [
        Cell(
            task=task,
            demos=demos,
            method=method,
            label=label,
            config=config,
            grad_steps=s.grad_steps,
            num_evals=s.num_evals,
            source=DemoSource(pool=pool, grade=grade),
            **_evaluation(s),
        )
        for label, (method, config) in rows.items()
    ]


def _methods(s: Size) -> dict[str, tuple[str, Any]]:
    """Method and settings, by label, of all but WGCSL."""
    common: dict[str, Any] = {"batch": 256, "hidden": s.hidden, "steps": s.steps_per_update}
    return {
        "bc": ("bc", bc.Config(validation=0.0, **common)),
        "gcbc": ("gcbc", gcbc.Config(lr=1e-3, **common)),
        "gcsl-data": ("offline_gcsl", offline_gcsl.Config(**common)),
        "marwil": ("marwil", marwil.Config(**common)),
    }


def _wgcsl(task: str, grade: str, s: Size) -> wgcsl.Config:
    """The authors' settings, but for the minibatch, the widths, and the percentile on hard tasks:
    theirs is at its bound after 8,000 gradient steps."""
    hard = task in HARD
    return wgcsl.Config(
        batch=256,
        target_period=TARGET_PERIODS.get(task, wgcsl.Config.target_period),
        hidden=s.hidden,
        steps=s.steps_per_update,
        percentile_step=0.04 if hard else 0.15,
        discount_weight=not (hard and grade == "random"),
    )


def _factors(task: str, grade: str, s: Size) -> dict[str, wgcsl.Config]:
    """WGCSL with none of the factors of its weights, and with each alone."""
    none = replace(
        _wgcsl(task, grade, s), discount_weight=False, advantage_weight=False, best_advantage=False
    )
    return {
        "gcsl-mse": none,
        "wgcsl-discount": replace(none, discount_weight=True),
        "wgcsl-advantage": replace(none, advantage_weight=True),
        "wgcsl-best": replace(none, best_advantage=True),
    }


def _random(task: str, s: Size) -> Cell:
    config = random_actions.Config()
    return Cell(
        task, 0, "random_actions", config, label="random", grad_steps=1, num_evals=1,
        **_evaluation(s),
    )  # fmt: skip


def _online(s: Size) -> list[Cell]:
    learner = gcsl.Config(
        envs=s.envs,
        rounds=s.rounds,
        updates_per_step=s.updates_per_step,
        explore=s.explore,
        learn_after=s.explore // 10,
        hidden=s.hidden,
    )
    out = []
    for task, env_steps, num_evals in s.online:
        capacity = max(s.envs, env_steps // 50)  # all episodes
        methods = {
            "gcsl": ("gcsl", replace(learner, capacity=capacity)),
            "ddpg+her": ("ddpg", replace(hindsight_ddpg(s.her_rounds), hidden=s.hidden)),
        }
        out += [
            Cell(
                task, 0, method, config, label=label, env_steps=env_steps, num_evals=num_evals,
                **_evaluation(s),
            )
            for label, (method, config) in methods.items()
        ]  # fmt: skip
    return out


FETCH = ("FetchReach", "FetchPush", "FetchPickAndPlace")
ROOMS = ("PointMass-rooms", "play")
PUSH_REPLAY = "FetchPush replay"  # more episodes: its learner leaves the floor late
EPISODES = {"random": (4_000, 2_000), "replay": (1_000, 500), "noisy": (200, 100)}
SMOKE = Size(
    data=(("FetchReach", "random"), ("FetchReach", "replay"), ROOMS),
    ablated=(("FetchReach", "replay"),),
    episodes={"random": (4, 2), "replay": (34, 4), "play": (4, 2)},
    online=(("FetchReach", 1_600, 1),),
    grad_steps=8, steps_per_update=4, seeds=2, num_evals=2, eval_episodes=1, hidden=(8,),
    rounds=8, explore=100, updates_per_step=0.02,
)  # fmt: skip
CPU = Size(
    data=(
        *((FETCH[0], grade) for grade in ("random", "replay", "noisy")),
        # Without replay: after so few steps its learner has not left the floor.
        *((task, grade) for task in FETCH[1:] for grade in ("random", "noisy")),
        ROOMS,
    ),
    ablated=(("FetchReach", "replay"), ("FetchPush", "noisy"), ROOMS),
    episodes=EPISODES | {"play": (2_000, 1_000)},
    online=(("FetchReach", 48_000, 3), ("FetchPush", 200_000, 5)),
    grad_steps=4_000, steps_per_update=200, seeds=5, num_evals=4, eval_episodes=50,
)  # fmt: skip
FULL = Size(
    data=(*((task, grade) for task in FETCH for grade in ("random", "replay", "noisy")), ROOMS),
    ablated=(*((task, grade) for task in FETCH for grade in ("replay", "noisy")), ROOMS),
    episodes={
        "random": (4_000, 2_000), "replay": (4_000, 2_000), "noisy": (1_000, 500),
        "play": (4_000, 2_000), PUSH_REPLAY: (20_000, 2_000),
    },
    online=(("FetchReach", 96_000, 6), ("FetchPush", 960_000, 10)),
    grad_steps=100_000, steps_per_update=1_000, seeds=10, num_evals=10, eval_episodes=100,
    hidden=(256, 256, 256), updates_per_step=1.0,
)  # fmt: skip
SUITE = Suite(
    name="goals",
    about="Goals from what was reached: GCBC, GCSL and WGCSL on undirected data, and GCSL online.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
