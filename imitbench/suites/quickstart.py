"""BC, DAgger, VINS, MARWIL and BCQ on two Fetch tasks: the first suite to run."""

from imitbench.algos.cloning import bc, dagger
from imitbench.algos.model_based import vins
from imitbench.algos.offline import bcq, fixed_data, marwil
from imitbench.data.source import DemoSource
from imitbench.suites.schema import Cell, Suite

# Task, demonstrations, gradient steps in units of the profile's base.
TASKS = (("FetchReach", 10, 1), ("FetchPickAndPlace", 25, 2))


def cells(
    base: int, steps: int, rounds: int, seeds: int, num_evals: int, eval_episodes: int
) -> tuple[Cell, ...]:
    """Builds the cells of a profile: each method on each task, with equal gradient steps.

    VINS has its default settings. MARWIL and BCQ learn from the rewards too. To save time, MARWIL
    has BC's minibatches and step size, and BCQ has narrow networks and few proposals.

    Args:
        base: gradient steps on the first task.
        steps: gradient steps of an update.
        rounds: rounds of DAgger, which share its gradient steps equally.
        seeds: training seeds.
        num_evals: evaluations at equal distances.
        eval_episodes: episodes of each seed and evaluation.
    """
    out = []
    for task, demos, share in TASKS:
        grad_steps = base * share
        clone = bc.Config(
            hidden=(256, 256, 256), lr_decay_steps=grad_steps, validation=0.0, steps=steps
        )
        fits = grad_steps // rounds // steps
        configs = {
            "bc": clone,
            "dagger": dagger.Config(clone=clone, episodes=2, fits=fits),
            "vins": vins.Config(clone=clone),
            "marwil": marwil.Config(
                hidden=clone.hidden, lr=clone.lr, batch=clone.batch, steps=steps
            ),
            "bcq": bcq.Config(
                data=fixed_data.Config(batch=clone.batch, steps=steps),
                hidden=(128, 128),
                vae_hidden=(128, 128),
                act_proposals=32,
            ),
        }
        out += [
            Cell(
                task=task,
                demos=demos,
                method=method,
                config=config,
                grad_steps=grad_steps,
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
    about="BC, DAgger, VINS, MARWIL and BCQ on FetchReach (10 demonstrations) and "
    "FetchPickAndPlace (25).",
    profiles={
        "smoke": cells(20, steps=5, rounds=2, seeds=2, num_evals=2, eval_episodes=2),
        "cpu": cells(1_875, steps=25, rounds=15, seeds=5, num_evals=3, eval_episodes=20),
        "full": cells(10_000, steps=50, rounds=20, seeds=10, num_evals=10, eval_episodes=200),
    },
)
