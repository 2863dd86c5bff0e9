"""The main job: BC and DAgger compared on two Fetch tasks."""

from imitbench.algos import bc, dagger
from imitbench.harness.suite import Cell, Suite

TASKS = (("FetchReach", 10, 4_000), ("FetchPickAndPlace", 25, 8_000))


def cells(
    scale: float, seeds: int, num_evals: int, eval_episodes: int, rounds: int
) -> tuple[Cell, ...]:
    """BC and DAgger on each task, with the same demonstrations and gradient steps.

    `scale` multiplies the gradient steps; DAgger divides them into `rounds` rounds.
    """
    out = []
    for task, demos, base in TASKS:
        grad_steps = int(base * scale)
        steps = min(100, grad_steps // rounds)
        clone = bc.Config(
            hidden=(256, 256, 256), lr_decay_steps=grad_steps, validation=0.0, steps=steps
        )
        fits = grad_steps // rounds // steps
        for method, config in {
            "bc": clone,
            "dagger": dagger.Config(clone=clone, episodes=2, fits=fits),
        }.items():
            out.append(
                Cell(
                    task=task,
                    demos=demos,
                    method=method,
                    config=config,
                    grad_steps=grad_steps,
                    seeds=seeds,
                    num_evals=num_evals,
                    eval_episodes=eval_episodes,
                )
            )
    return tuple(out)


SUITE = Suite(
    name="quickstart",
    about="BC and DAgger on FetchReach (10 demonstrations) and FetchPickAndPlace (25).",
    profiles={
        "smoke": cells(0.005, seeds=2, num_evals=2, eval_episodes=2, rounds=2),
        "cpu": cells(1.0, seeds=5, num_evals=4, eval_episodes=20, rounds=20),
        "full": cells(2.5, seeds=10, num_evals=10, eval_episodes=200, rounds=20),
    },
)
