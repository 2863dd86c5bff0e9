"""The golden file: a few numbers of every method, expert and collection, held until their version
is raised. `make golden` writes it."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.data import demonstrations as collection
from imitbench.experts import scripted

PATH = Path(__file__).parents[1] / "algos" / "golden.json"
TASK = "ProbeGoal"  # goals, several steps, continuous actions, and no simulator
UPDATES = 3
# A step of the toy task's expert is as long as a goal's radius, so that rounding decides whether a
# goal that was taken from the next state is reached.
SETTINGS: dict[str, dict[str, float]] = {
    "wgcsl": {"relabel": 0.0, "critic_relabel": 0.0},
    # Natural steps from few rows magnify rounding, and each begins where the last one ended.
    "slbo": {"rounds": 1, "policy_steps": 1, "length": 32, "cg_steps": 2, "damping": 1.0},
}
RELATIVE, ABSOLUTE = 2e-3, 1e-6  # how far a number may be from the file's on another CPU

Entry = dict[str, Any]  # {"version": int, "numbers": {name: number}}


def _rounded(numbers: dict[str, Any]) -> dict[str, float]:
    """Four significant digits, so that three can be compared."""
    return {k: float(f"{float(v):.4g}") for k, v in sorted(numbers.items())}


@functools.cache
def _demonstrations() -> data.Demos:
    return data.collect(envs.make(TASK), experts.load(TASK), 12, seed=3, only_success=False)


def method(name: str) -> Entry:
    """A method after a few updates with small settings: its metrics, and its actions on the
    demonstrations' observations."""
    env, expert = envs.make(TASK), experts.load(TASK)
    rows = data.subset(_demonstrations(), 6, [0], same=True)
    algo = algos.build(
        name, shrink(algos.ALGOS[name].Config(), **SETTINGS.get(name, {})), env.spec, env, expert
    )
    key = jax.random.key(0)
    state, metrics = jax.jit(algo.init)(key, rows), {}
    update: Any = jax.jit(algo.update)
    for i in range(UPDATES):
        state, metrics = update(jax.random.fold_in(key, i), state, rows)
    assert update._cache_size() == 1, f"{name}: its update is compiled more than once"
    actions = jax.jit(algo.act)(key, state, rows.obs)
    leaves = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
    size = jnp.sqrt(sum(jnp.sum(jnp.float32(x) ** 2) for x in leaves))
    numbers = {f"metric/{k}": v for k, v in metrics.items()}
    numbers |= {"action/size": jnp.mean(jnp.abs(actions)), "action/mean": jnp.mean(actions)}
    return {"version": algo.version, "numbers": _rounded(numbers | {"state/size": size})}


SCRIPTED = sorted({(task, "scripted") for task in scripted.LAWS} | set(scripted.ACTORS))


def scripted_expert(task: str, kind: Any = "scripted") -> Entry:
    """A scripted expert's mean actions on fixed observations near its task's first ones."""
    env = envs.make(task)
    keys = jax.random.split(jax.random.key(0), 32)
    states = jax.vmap(env.reset)(keys)
    obs = states.obs + 0.02 * jax.random.normal(jax.random.key(1), states.obs.shape)
    expert = experts.load_actor(task, kind=kind)
    memory = expert.start(keys[0], states)
    found, _ = expert.act(keys[0], memory, states.replace(obs=obs))
    actions = np.asarray(found, np.float64).reshape(len(obs), -1)
    numbers = {f"{i}/mean": actions[:, i].mean() for i in range(actions.shape[1])}
    numbers |= {f"{i}/size": np.abs(actions[:, i]).mean() for i in range(actions.shape[1])}
    return {"version": scripted.VERSION, "numbers": _rounded(numbers)}


def collected(grade: str) -> Entry:
    """Demonstrations of a grade on the toy task, and a subset of them."""
    env = envs.make(TASK)
    shown = data.collect_from(env, data.DemoSource(pool=6, grade=grade, seed=1, only_success=False))
    rows = data.subset(shown, 3, [0], same=True, stride=2)
    numbers = {
        "obs": np.abs(shown.steps.obs).mean(),
        "action": np.abs(shown.steps.action).mean(),
        "label": np.abs(shown.steps.intended_action).mean(),
        "return": shown.steps.reward.sum(axis=1).mean(),
        "subset": np.abs(np.asarray(rows.obs) * np.asarray(rows.weight)[:, None]).mean(),
    }
    return {"version": collection.VERSION, "numbers": _rounded(numbers)}


def everything() -> dict[str, Entry]:
    """All entries, by kind and name."""
    found = {f"method/{name}": method(name) for name in algos.ALGOS}
    found |= {f"{kind}/{task}": scripted_expert(task, kind) for task, kind in SCRIPTED}
    grades = ("expert", "noisy", "imperfect", "still", "random")
    return found | {f"demonstrations/{grade}": collected(grade) for grade in grades}


def read() -> dict[str, Entry]:
    """The file's entries."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def difference(name: str, now: Entry, golden: Entry | None) -> str:
    """What to do about an entry that is not the file's; empty where it is."""
    if golden is None:
        return f"{name} is not in the golden file: run `make golden`"
    if now["version"] < golden["version"]:
        return f"{name} has version {now['version']}, the golden file {golden['version']}"
    if now["version"] > golden["version"]:
        return f"{name} has a new version, {now['version']}: run `make golden`"
    new, old = now["numbers"], golden["numbers"]
    if _adds(now, golden):
        return (
            f"{name} has new metrics ({', '.join(sorted(set(new) - set(old)))}): run `make golden`"
        )
    off = [k for k in sorted(set(new) | set(old)) if not _close(new.get(k), old.get(k))]
    if not off:
        return ""
    shown = ", ".join(f"{k} {old.get(k)} -> {new.get(k)}" for k in off)
    return (
        f"{name} gives other numbers ({shown}): undo the change, or raise the version and run "
        "`make golden`"
    )


def _adds(now: Entry, golden: Entry) -> bool:
    """Whether an entry has all numbers of the file's, and more."""
    new, old = now["numbers"], golden["numbers"]
    return set(new) > set(old) and all(_close(new[k], x) for k, x in old.items())


def _close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return False
    return abs(a - b) <= ABSOLUTE + RELATIVE * abs(b)


def main() -> int:
    """Writes the file. Numbers that changed while the version did not are refused."""
    old = read() if PATH.exists() else {}
    new = everything()
    wrong = []
    for name, entry in new.items():
        before = old.get(name)
        if before and entry["version"] <= before["version"]:
            numbers = entry["numbers"] | before["numbers"]  # the old ones to the last digit
            text = difference(name, entry, before)
            if text and not _adds(entry, before):
                wrong.append(text)
            new[name] = {**before, "numbers": dict(sorted(numbers.items()))}
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    PATH.write_text(json.dumps(dict(sorted(new.items())), indent=1) + "\n", encoding="utf-8")
    print(f"{len(new)} entries in {PATH.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
