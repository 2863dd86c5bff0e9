"""A suite that runs in seconds, for the tests of the harness."""

import os

from imitbench.algos.cloning import bc, dagger
from imitbench.data.sources.source import DemoSource
from imitbench.suites.schema import Cell, Suite

STEPS = int(os.environ.get("TOY_STEPS", "4"))
EVALS = int(os.environ.get("TOY_EVALS", "3"))
CLONE = bc.Config(hidden=(16,), batch=16, steps=STEPS, validation=0.25)
COMMON = {
    "task": "PointMass",
    "demos": 4,
    "seeds": 2,
    "num_evals": EVALS,
    "eval_episodes": 3,
    "source": DemoSource(pool=6),
}

CELLS = (
    Cell(method="bc", config=CLONE, grad_steps=2 * EVALS * STEPS, **COMMON),
    Cell(
        method="dagger",
        config=dagger.Config(clone=CLONE, fits=2, start_fits=2, episodes=2, capacity=800),
        grad_steps=2 * EVALS * STEPS,
        **COMMON,
    ),
)

SUITE = Suite(name="toy", about="For tests.", profiles={"smoke": CELLS[:1], "cpu": CELLS})
