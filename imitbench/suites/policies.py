"""Policies of other kinds than a Gaussian, for demonstrations that solve a task in several ways.

Forks has 24 ways, and the demonstrations take all of them. On FetchPickAndPlace the gripper comes
to the block from either of two sides, or always from the same one: the second set of demonstrations
is as precise, and has no modes. All heads have the same network before them, as many gradient
steps, the same minibatches, and the running mean of the parameters. They predict and execute
chunks of 8 actions, but bins decide single ones. Rows with other chunks show what these do. In the
demonstrations with pauses the gripper waits above the block, and one observation does not tell for
how long.
Claims: `imitbench/suites/published/policies.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.core import heads
from imitbench.data.sources.source import DemoSource
from imitbench.suites.schema import Cell, Suite

HEADS: dict[str, heads.Config] = {
    "deterministic": heads.Config("deterministic"),
    "gaussian": heads.Config("gaussian"),
    "mixture": heads.Config("mixture"),
    "latent": heads.Config("latent"),
    "bins": heads.Config("bins"),
    "autoregressive": heads.Config("autoregressive"),
    "kmeans": heads.Config("kmeans"),
    "ddpm": heads.Config("ddpm"),
    "ddim": heads.Config("ddim"),
    "flow": heads.Config("flow"),
    "two-pass": heads.Config("two-pass"),
}
"""The heads of the table by the labels of their cells."""
BINS = ("bins", "autoregressive")
"""The heads that learn single actions: of a chunk of 8, whose 16 numbers come one after the other,
a minibatch takes 16 passes."""
PRECISE = ("deterministic", "mixture", "kmeans", "ddim", "flow", "two-pass")
"""The heads on FetchPickAndPlace."""
ONE_SIDE, TWO_SIDES, PAUSED = "scripted-one-side", "scripted-two-sides", "scripted-paused"
CHUNKS = (1, 4, 8, 16)
"""Lengths of chunks of the deterministic policy, all of which are executed."""


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    hidden: tuple[int, ...]
    """Hidden layers of all heads."""
    steps: int
    """Gradient steps of an update."""
    forks: int
    """Demonstrations of Forks."""
    forks_steps: int
    """Gradient steps on Forks."""
    forks_seeds: int
    """Training seeds on Forks."""
    forks_episodes: int
    """Episodes of each seed and evaluation on Forks."""
    pick: int
    """Demonstrations of FetchPickAndPlace."""
    pick_steps: int
    """Gradient steps on FetchPickAndPlace."""
    seeds: int
    """Training seeds on FetchPickAndPlace."""
    eval_episodes: int
    """Episodes of each seed and evaluation on FetchPickAndPlace."""
    num_evals: int = 3
    """Evaluations at equal distances."""
    batch: int = 256
    """Rows of a minibatch."""

    def clone(self, grad_steps: int, head: str, chunk: int, **memory: Any) -> bc.Config:
        """BC with a head that executes chunks, or with a memory of its own."""
        settings: dict[str, Any] = {"chunk": chunk, "execute": chunk, **memory}
        return bc.Config(
            lr=1e-3,
            lr_decay_steps=grad_steps,
            batch=self.batch,
            hidden=self.hidden,
            validation=0.0,
            steps=self.steps,
            head=HEADS[head],
            ema=0.995,
            memory=memory_config.Config(**settings),
        )


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: Forks first, then FetchPickAndPlace."""
    return (*_forks(s), *_pick(s))


def _forks(s: Size) -> list[Cell]:
    common: dict[str, Any] = {
        "task": "Forks", "demos": s.forks, "method": "bc", "grad_steps": s.forks_steps,
        "seeds": s.forks_seeds, "num_evals": s.num_evals, "eval_episodes": s.forks_episodes,
        "source": DemoSource(pool=2 * s.forks),
    }  # fmt: skip
    found = []
    for head in HEADS:
        if head not in BINS:
            found.append(Cell(label=head, config=s.clone(s.forks_steps, head, 8), **common))
    for head in ("deterministic", "mixture", *BINS):
        found.append(Cell(label=f"{head}, 1", config=s.clone(s.forks_steps, head, 1), **common))
    for head in ("deterministic", "mixture"):
        averages = s.clone(s.forks_steps, head, 8, execute=1, ensemble=0.01)
        found.append(Cell(label=f"{head}, averaged", config=averages, **common))
    return found


def _pick(s: Size) -> list[Cell]:
    common: dict[str, Any] = {
        "task": "FetchPickAndPlace", "demos": s.pick, "method": "bc", "grad_steps": s.pick_steps,
        "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
    }  # fmt: skip
    source = DemoSource(pool=2 * s.pick)
    found = []
    for expert in (ONE_SIDE, TWO_SIDES):
        common["source"] = replace(source, expert=expert)
        found += [
            Cell(label=head, config=s.clone(s.pick_steps, head, 8), **common) for head in PRECISE
        ]
    common["source"] = replace(source, expert=PAUSED)
    for chunk in CHUNKS:
        config = s.clone(s.pick_steps, "deterministic", chunk)
        found.append(Cell(label=f"deterministic, {chunk}", config=config, **common))
    stack = s.clone(s.pick_steps, "deterministic", 1, history=10)
    found.append(Cell(label="deterministic, 1, ten observations", config=stack, **common))
    return found


SMOKE = Size(
    hidden=(8,), steps=2, forks=4, forks_steps=6, forks_seeds=2, forks_episodes=2, pick=2,
    pick_steps=6, seeds=2, eval_episodes=2, batch=16,
)  # fmt: skip
CPU = Size(
    hidden=(256, 256, 256, 256), steps=200, forks=96, forks_steps=15_000, forks_seeds=10,
    forks_episodes=100, pick=25, pick_steps=9_000, seeds=5, eval_episodes=50, batch=128,
)  # fmt: skip
FULL = Size(
    hidden=(512, 512, 512, 512), steps=500, forks=96, forks_steps=150_000, forks_seeds=20,
    forks_episodes=480, pick=25, pick_steps=60_000, seeds=10, eval_episodes=200, batch=512,
)  # fmt: skip
SUITE = Suite(
    name="policies",
    about="Policy heads and chunks of actions, on demonstrations with several ways to the goal.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
