"""How far MJX and the reduced model are from the full model in MuJoCo C.

Run by `make parity`: minutes for the single steps, an hour or more for the closed loop, because
MJX is
slow on a CPU. Parts that are finished are kept, so it can be stopped and started again. Writes
`results/parity/`: steps.csv, success.csv and README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pandas as pd
import tyro

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.envs.fetch import Fetch
from imitbench.results import stats
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils import machine, runtime
from imitbench.utils.files import atomic_write

TASKS = ("FetchReach", "FetchPush", "FetchPickAndPlace")
ROOT = Path("results") / "parity"
SETUPS = (("native", "full"), ("native", "reduced"), ("mjx", "reduced"))


@dataclass(frozen=True)
class Options:
    """Compare the engines on the Fetch tasks."""

    step_episodes: int = 8
    """Episodes whose every step is compared."""
    episodes: int = 60
    """Episodes of the closed loop, for each task and engine."""


def fetch(task: str, engine: str, model: str) -> Fetch:
    return cast(Fetch, envs.make(task, engine, model))


def touching(env: Fetch, qpos: np.ndarray, qvel: np.ndarray) -> bool:
    """Whether the robot touches the object, or the gripper anything, in the full model."""
    model = env.physics.model
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_forward(model, data)
    hand = {
        b
        for b in range(model.nbody)
        if "gripper" in (mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, b) or "")
    }
    bodies = [{int(model.geom_bodyid[g]) for g in c.geom} for c in data.contact]
    return any(pair & hand for pair in bodies)


def compare_steps(task: str, episodes: int) -> pd.DataFrame:
    """One environment step from the same states under the same actions, in the three setups."""
    full, reduced, mjx = (fetch(task, e, m) for e, m in SETUPS)
    expert = experts.load(task)

    def collect(key: jax.Array) -> tuple[Any, jax.Array]:
        state = full.reset(key)

        def step(state: Any, k: jax.Array) -> tuple[Any, Any]:
            k_act, k_noise = jax.random.split(k)
            action = expert(k_act, state.obs)
            noise = 0.2 * jax.random.normal(k_noise, action.shape)
            action = jnp.clip(action + noise, -1.0, 1.0)
            return full.step(state, action), (state, action)

        return jax.lax.scan(step, state, jax.random.split(key, full.spec.horizon))[1]

    states, actions = jax.jit(jax.vmap(collect))(jax.random.split(jax.random.key(1), episodes))
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (states, actions))

    def stepper(env: Fetch) -> Callable[[Any], jax.Array]:
        def one(pair: tuple[Any, jax.Array]) -> jax.Array:
            state, action = pair
            p = state.pipeline_state
            fresh = env.physics.reset(p.qpos, p.qvel)
            return env.step(state.replace(pipeline_state=fresh), action).obs

        # One state at a time: on a CPU, MJX is slower in batches.
        return jax.jit(lambda pairs: jax.lax.map(one, pairs))

    obs = [np.asarray(stepper(env)(flat), np.float64) for env in (full, reduced, mjx)]
    qpos, qvel = (np.asarray(getattr(states.pipeline_state, x)) for x in ("qpos", "qvel"))
    touch = np.array(
        [[touching(full, *x) for x in zip(*e, strict=True)] for e in zip(qpos, qvel, strict=True)]
    )
    # Contact: before the step or after it. The state after the last step is not recorded.
    contact = (touch | np.roll(touch, -1, axis=1) | (np.arange(touch.shape[1]) == 49)).ravel()
    rows = []
    for field, where in full.spec.fields.items():
        for name, a, b in (("reduced - full, native", 1, 0), ("mjx - native, reduced", 2, 1)):
            gap = np.abs(obs[a][:, where] - obs[b][:, where]).max(axis=1)
            for kind, rows_of in (("free", ~contact), ("contact", contact)):
                if rows_of.any() and field != "desired_goal":
                    q = np.quantile(gap[rows_of], [0.5, 0.9, 1.0])
                    row = {"task": task, "comparison": name, "motion": kind, "field": field}
                    row |= {"steps": int(rows_of.sum()), "median": q[0], "p90": q[1], "max": q[2]}
                    rows.append(row)
    return pd.DataFrame(rows)


def closed_loop(task: str, engine: str, model: str, episodes: int) -> pd.DataFrame:
    """The scripted expert's success in whole episodes; the same initial states in each setup."""
    env, expert = fetch(task, engine, model), experts.load(task)

    def one(key: jax.Array) -> dict[str, jax.Array]:
        return rollout.summarise(rollout.episodes(env, expert, key, 1))

    done = jax.jit(lambda keys: jax.lax.map(one, keys))(
        jax.random.split(jax.random.key(2), episodes)
    )
    row = {"task": task, "engine": engine, "model": model, "episodes": episodes}
    for name in ("success_any", "success_final", "return"):
        estimate = stats.over_seeds(np.asarray(done[name]).ravel()).interval()
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return pd.DataFrame([row])


def cached(path: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A part that was finished before, or made and kept now."""
    if not path.exists():
        frame = make()
        with atomic_write(path) as temporary:
            frame.to_csv(temporary, index=False, float_format="%.3g")
    return pd.read_csv(path)


def main(options: Options) -> None:
    runtime.setup()
    parts = ROOT / "parts"
    steps = [
        cached(
            parts / f"steps-{t}-{options.step_episodes}.csv",
            lambda t=t: compare_steps(t, options.step_episodes),
        )
        for t in TASKS
    ]
    success = [
        cached(
            parts / f"success-{t}-{e}-{m}-{options.episodes}.csv",
            lambda t=t, e=e, m=m: closed_loop(t, e, m, options.episodes),
        )
        for t in TASKS
        for e, m in SETUPS
    ]
    pd.concat(steps).to_csv(ROOT / "steps.csv", index=False)
    pd.concat(success).to_csv(ROOT / "success.csv", index=False)
    report(pd.concat(steps), pd.concat(success), options)


def report(steps: pd.DataFrame, success: pd.DataFrame, options: Options) -> None:
    """results/parity/README.md."""
    text = [
        "# Engines against each other",
        "",
        f"Made by `make parity` on {machine.device()}, MuJoCo and MJX {machine.version('mujoco')}, "
        f"jax {machine.version('jax')}.",
        "",
        "## One environment step from the same state (absolute difference of observations)",
        "",
        f"{options.step_episodes} episodes of the scripted expert with action noise 0.2, every "
        "step; *contact*: the hand touches something before or after it. Metres, radians, or "
        "either per environment step of 0.04 s.",
        "",
        _markdown(steps),
        "",
        "Largest of these over the fields of a kind, and over the tasks. Free means that the hand "
        "touches nothing at either end of the step; contact in between, and a block that slides on "
        "its own, are still in it. Last steps of episodes count as contact.",
        "",
        _markdown(bounds(steps)),
        "",
        "## Closed loop: the scripted expert",
        "",
        "The same initial states in each setup; 95% bootstrap intervals over episodes.",
        "",
        _markdown(success),
        "",
    ]
    with atomic_write(ROOT / "README.md") as path:
        path.write_text("\n".join(text), encoding="utf-8")


def bounds(steps: pd.DataFrame) -> pd.DataFrame:
    """The largest median, p90 and maximum over a kind's fields: what was seen, not a promise."""
    kinds = {"object_rot": "angle", "object_velr": "angular velocity"}
    kinds |= dict.fromkeys(("grip_velp", "object_velp", "gripper_vel"), "velocity")
    seen: dict[tuple[str, ...], np.ndarray] = {}
    for row in steps.to_dict("records"):
        group = (row["comparison"], row["motion"], kinds.get(row["field"], "position"))
        sizes = np.array([row["median"], row["p90"], row["max"]])
        seen[group] = np.maximum(seen.get(group, sizes), sizes)
    columns = ["comparison", "motion", "kind", "median", "p90", "max"]
    return pd.DataFrame([[*k, *map(float, v)] for k, v in sorted(seen.items())], columns=columns)


def _markdown(frame: pd.DataFrame) -> str:
    rows = [
        [f"{x:.2g}" if isinstance(x, float) else str(x) for x in row]
        for row in frame.itertuples(index=False)
    ]
    return markdown_table(list(frame.columns), rows)


if __name__ == "__main__":
    main(tyro.cli(Options))
