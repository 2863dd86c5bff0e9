"""Images a second of each mode of observation, beside the steps of the physics engine.

Run it on an idle machine: `python -m benchmarks.perf.rendering`. It writes
`results/perf/rendering.md`. Rates of a mode are measured in turns with those of the engine, because
a shared machine's speed drifts. A mode that does not render here has its reason in the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.perf.timing import ROUNDS, in_turns, publish
from imitbench import envs
from imitbench.envs import pixels
from imitbench.envs.fetch import Fetch
from imitbench.utils import machine
from imitbench.utils.errors import UserError

ROOT = Path("results") / "perf"
NUM, STEPS = 64, 5
HEADER = (
    "# Rendering",
    "",
    f"Made by `make perf-rendering` on {machine.device()}; jax {machine.version('jax')}, mujoco "
    f"{machine.version('mujoco')}. Medians of {ROUNDS} measurements in turns; {NUM} environments, "
    f"{machine.available_cpus()} threads, images of 64 x 64 pixels.",
    "",
    "| task | images/s | engine alone, steps/s | steps with images/s | share of the time |",
    "|---|---|---|---|---|",
)


def states(env: Fetch) -> tuple[np.ndarray, np.ndarray]:
    """Poses [NUM, P] of initial states, and full observations [NUM, F]."""
    start = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), NUM))
    return np.asarray(jax.jit(jax.vmap(env.pose))(start)), np.asarray(start.obs)


def unrolled(env: Any) -> Any:
    """A function that steps NUM environments STEPS times without moving them."""
    state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), NUM))
    still = jnp.zeros((NUM, env.spec.action_size))
    run = jax.jit(
        lambda s: jax.lax.scan(lambda s, _: (jax.vmap(env.step)(s, still), None), s, None, STEPS)[0]
    )
    return lambda: run(state).obs


def row(body: str, mode: pixels.Mode) -> str:
    """A row of the table."""
    name = pixels.task_name(body, mode)
    full = envs.make(body, "native")
    assert isinstance(full, Fetch)
    try:
        seen = envs.make(name, "native")
    except UserError as error:
        return f"| {name} | none: {error} | | | |"
    assert isinstance(seen, pixels.PixelTask)
    poses = states(full)
    alone, with_images = in_turns(unrolled(full), unrolled(seen))
    rendered, _ = in_turns(lambda: jnp.asarray(seen.observations(*poses)), unrolled(full))
    steps = NUM * STEPS
    return (
        f"| {name} | {NUM / rendered:,.0f} | {steps / alone:,.0f} | {steps / with_images:,.0f} | "
        f"{1 - alone / with_images:.0%} |"
    )


def main() -> None:
    """Measures and writes the table."""
    rows = [row(body, mode) for body in pixels.BODIES for mode in pixels.MODES]
    publish([*HEADER, *rows, ""], ROOT / "rendering.md")


if __name__ == "__main__":
    main()
