"""BC, GCBC, DAgger, DART and VINS on two Fetch tasks: the first suite to run."""

from typing import Any

from imitbench.algos.cloning import bc, dagger, dart
from imitbench.algos.goal import gcbc
from imitbench.algos.model_based import vins
from imitbench.data.sources.source import DemoSource
from imitbench.suites import vins as vins_suite
from imitbench.suites.rounds import share_steps
from imitbench.suites.schema import Cell, Suite

# Task, demonstrations, gradient steps in units of the profile's base.
TASKS = (("FetchReach", 10, 1), ("FetchPickAndPlace", 25, 2))


def cells(
    base: int,
    steps: int,
    updates: int,
    rounds: int,
    seeds: int,
    num_evals: int,
    eval_episodes: int,
) -> tuple[Cell, ...]:
    """Builds the cells of a profile: each method on each task, with equal gradient steps.

    DAgger and DART learn from the demonstrations in the first fifth of their gradient steps, then
    collect two episodes in each of `rounds` of their `updates`, and fit all of it in the others.
    VINS has its default settings. All clones see, beside the observation, the object from the hand
    and the goal from the object (on FetchReach the goal from the hand); the suite `vins_settings`
    found these features on validation seeds.
    GCBC has BC's settings, and later states in place of the goals.

    Args:
        base: gradient steps on the first task.
        steps: gradient steps of an update.
        updates: of DAgger and DART.
        rounds: how many of them collect.
        seeds: training seeds.
        num_evals: evaluations at equal distances.
        eval_episodes: episodes of each seed and evaluation.
    """
    out = []
    for task, demos, share in TASKS:
        grad_steps = base * share
        common: dict[str, Any] = {
            "hidden": (256, 256, 256), "batch": bc.Config.batch, "lr": bc.Config.lr,
            "lr_decay_steps": grad_steps,
            "validation": 0.0, "steps": steps, "features": vins_suite.RELATIVE[task],
        }  # fmt: skip
        clone = bc.Config(**common)
        settings, in_updates = share_steps(
            clone,
            grad_steps,
            start_fits=grad_steps // steps // 5,
            updates=updates,
            rounds=rounds,
        )
        configs = {
            "bc": clone,
            "gcbc": gcbc.Config(**common),
            "dagger": dagger.Config(episodes=2, **settings),
            "dart": dart.Config(episodes=2, **settings),
            "vins": vins.Config(clone=clone),
        }
        out += [
            Cell(
                task=task,
                demos=demos,
                method=method,
                config=config,
                grad_steps=in_updates if method in ("dagger", "dart") else grad_steps,
                seeds=seeds,
                num_evals=num_evals,
                eval_episodes=eval_episodes,
                source=DemoSource(pool=max(60, 2 * demos)),
            )
            for method, config in configs.items()
        ]
    return tuple(out)


SUITE = Suite(
    name="quickstart",
    about="BC, GCBC, DAgger, DART and VINS on FetchReach (10 demonstrations) and "
    "FetchPickAndPlace (25).",
    profiles={
        "smoke": cells(50, 5, updates=4, rounds=2, seeds=2, num_evals=2, eval_episodes=2),
        "cpu": cells(1_875, 25, updates=15, rounds=10, seeds=5, num_evals=3, eval_episodes=50),
        "full": cells(10_000, 50, updates=20, rounds=15, seeds=10, num_evals=10, eval_episodes=200),
    },
)
