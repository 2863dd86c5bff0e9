"""Demonstrations: collected from an expert, subsets for each seed, kept in checked files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core import rollout
from imitbench.core.actor import as_actor, noisy, without_intent
from imitbench.core.types import Actor, Env, Policy, Spec, Transition
from imitbench.utils.errors import UserError

VERSION = 1  # raised with every change of what is collected; see `make golden`
STEP_FIELDS = tuple(f.name for f in dataclasses.fields(Transition))
MAX_ATTEMPTS = 20  # times the number of episodes wanted, before an expert is given up as too bad


@dataclass(frozen=True)
class Header:
    """What a data set is and where it comes from."""

    task: str
    expert: str
    engine: str
    seed: int
    episodes: int  # kept
    attempted: int  # run
    noise: float  # standard deviation of the Gaussian noise on the executed action
    only_success: bool  # whether only episodes that succeed at their last step were kept
    success_any: float | None  # share of the attempted episodes; None where there is no success
    success_final: float | None
    mean_return: float  # of the attempted episodes
    grade: str = "expert"  # see `imitbench.data.grades`
    uniform: float = 0.0  # probability of a uniform action in place of the expert's


class Demos(NamedTuple):
    """Whole episodes: numpy leaves [K, T, ...], and their header."""

    steps: Transition
    header: Header


def collect(
    env: Env,
    expert: Actor | Policy,
    episodes: int,
    *,
    seed: int = 0,
    noise: float = 0.0,
    uniform: float = 0.0,
    clean: bool = True,
    only_success: bool = True,
    expert_name: str = "scripted",
) -> Demos:
    """Runs the expert until there are enough episodes.

    Args:
        noise: standard deviation of Gaussian noise on the executed actions.
        uniform: probability of a uniform action in place of the expert's.
        clean: the intended action is the one without noise; else the executed one.
        only_success: keep episodes that succeed at their last step. Tasks without a success signal
            keep all.

    Raises:
        UserError: a bad argument, or an expert that hardly ever succeeds.
    """
    if episodes < 1:
        raise UserError(f"episodes={episodes}: expected 1 or more")
    for name, value in (("noise", noise), ("uniform", uniform)):
        if value < 0 or (value and env.spec.discrete):
            raise UserError(f"{name}={value}: expected 0 or more, and 0 where actions are discrete")
    if uniform > 1:
        raise UserError(f"uniform={uniform}: expected a probability in [0, 1]")
    demonstrator = noisy(expert, noise, uniform) if noise or uniform else as_actor(expert)
    if not clean:
        demonstrator = without_intent(demonstrator)
    run = jax.jit(lambda key: rollout.episodes(env, demonstrator, key, episodes, poses=True))
    key = jax.random.key(seed)
    kept: list[Transition] = []
    stats: list[dict[str, np.ndarray]] = []
    found = 0
    filtered = only_success and rollout.has_success(env)
    for attempt in range(MAX_ATTEMPTS):
        steps = run(jax.random.fold_in(key, attempt))
        stats.append(jax.tree.map(np.asarray, rollout.summarise(steps)))
        by_episode = jax.tree.map(lambda x: np.swapaxes(np.asarray(x), 0, 1), steps)
        good = stats[-1]["success_final"] if filtered else np.ones(episodes, bool)
        kept.append(jax.tree.map(lambda x, good=good: x[good], by_episode))
        found += int(good.sum())
        if found >= episodes:
            break
    else:
        raise UserError(
            f"the expert of {env.name} succeeded in {found} of {MAX_ATTEMPTS * episodes} episodes: "
            f"{episodes} were asked for; lower the noise ({noise}) or keep failures too"
        )
    steps = jax.tree.map(lambda *x: np.concatenate(x)[:episodes], *kept)
    every = {k: np.concatenate([s[k] for s in stats]) for k in stats[0]}
    header = Header(
        task=env.name,
        expert=expert_name,
        engine=env.engine,
        seed=seed,
        episodes=episodes,
        attempted=len(every["return"]),
        noise=noise,
        only_success=only_success,
        success_any=float(every["success_any"].mean()) if rollout.has_success(env) else None,
        success_final=float(every["success_final"].mean()) if rollout.has_success(env) else None,
        mean_return=float(every["return"].mean()),
        uniform=uniform,
    )
    return Demos(steps, header)


def flatten(steps: Transition) -> Transition:
    """[..., K, T, ...] -> [..., K * T, ...] on the device, one episode after the other."""
    lead = steps.weight.ndim - 2

    def flat(x: np.ndarray) -> jax.Array:
        return jnp.asarray(x.reshape(*x.shape[:lead], -1, *x.shape[lead + 2 :]))

    return jax.tree.map(flat, steps)


def subset(
    demos: Demos, k: int, seeds: list[int], *, same: bool = False, stride: int = 1
) -> Transition:
    """k episodes for each training seed, drawn without replacement from the data set.

    Args:
        seeds: training seeds; each draws with its own number.
        same: one subset, drawn with the first seed's number, for all.
        stride: keep one step in so many of each episode, from a random one on; the others have
            weight 0.

    Returns:
        Rows [S, k * T, ...], or [k * T, ...] where `same`.

    Raises:
        UserError: more episodes than there are, or an episode of which no step is left.
    """
    total = len(demos.steps.weight)
    if not 1 <= k <= total:
        raise UserError(
            f"{k} demonstrations asked for, but the data set of {demos.header.task} has {total}: "
            f"ask for 1 to {total}, or collect more"
        )

    def draw(seed: int) -> np.ndarray:
        return np.random.default_rng([seed, 0xDE305]).choice(total, k, replace=False)

    index = draw(seeds[0]) if same else np.stack([draw(s) for s in seeds])
    chosen = jax.tree.map(lambda x: x[index], demos.steps)
    return flatten(chosen if stride == 1 else _thinned(chosen, stride, demos.header.task))


def _thinned(steps: Transition, stride: int, task: str) -> Transition:
    """Episodes [..., K, T] with one step in `stride`."""
    weight = np.asarray(steps.weight)
    shortest = int((weight > 0).sum(axis=-1).min())
    if not 1 <= stride <= shortest:
        raise UserError(
            f"stride={stride}: expected 1 to {shortest}, the steps of the shortest episode of "
            f"{task}"
        )
    first = np.random.default_rng(0x7417).integers(0, stride, weight.shape[:-1])
    left = np.arange(weight.shape[-1]) % stride == first[..., None]
    return steps.replace(weight=np.where(left, weight, 0.0).astype(weight.dtype))


STORED_AS = {"intended_action": "label"}
"""Fields of a `Transition` by the names that they have in files, which are older."""


def step_arrays(steps: Transition) -> dict[str, np.ndarray]:
    """The leaves by the names that they have in files; no pose where none was recorded."""
    return {STORED_AS.get(k, k): np.asarray(v) for k, v in vars(steps).items() if v is not None}


def steps_from(arrays: Mapping[str, np.ndarray]) -> Transition:
    """What `step_arrays` took apart."""
    fields: dict[str, Any] = {k: arrays.get(STORED_AS.get(k, k)) for k in STEP_FIELDS}
    return Transition(**fields)


def check(steps: Transition, spec: Spec, where: str) -> None:
    """Shapes, types and finiteness of episodes [K, T, ...] against the task.

    Raises:
        UserError: naming the array and what was expected.
    """
    lead = steps.weight.shape[:2]
    action = () if spec.discrete else (spec.action_size,)
    inner = {"obs": (spec.obs_size,), "next_obs": (spec.obs_size,), "action": action}
    inner["label"] = action
    pose = steps.pose
    if pose is not None:
        inner["pose"] = pose.shape[-1:]  # its length is the engine's affair: see `Poses`
    for name, value in step_arrays(steps).items():
        expected = (*lead, *inner.get(name, ()))
        if value.shape != expected or lead[1:] != (spec.horizon,):
            raise UserError(
                f"{where}: array {name!r} has shape {value.shape}, expected "
                f"(episodes, {spec.horizon}, *{inner.get(name, ())})"
            )
        if not np.isfinite(value).all():
            bad = np.argwhere(~np.isfinite(value))[0].tolist()
            raise UserError(f"{where}: array {name!r} has a non-finite number at {bad}; remove it")
    high = np.abs(steps.action[steps.weight > 0]).max(initial=0.0)
    if not spec.discrete and high > 1 + 1e-5:
        raise UserError(
            f"{where}: an action component of magnitude {high:g}, expected at most 1: divide by "
            "the environment's bounds"
        )
    if not steps.weight.any():
        raise UserError(f"{where}: every step has weight 0; there is nothing to learn from")


FLAGS = ("terminated", "truncated", "success")


def check_kinds(arrays: Mapping[str, np.ndarray], where: str) -> None:
    """Flags are truth values, the others numbers.

    Raises:
        UserError: naming the array.
    """
    for name, x in arrays.items():
        kinds, expected = ("b", "truth values") if name in FLAGS else ("iuf", "numbers")
        if x.dtype.kind not in kinds:
            raise UserError(f"{where}: array {name!r} is of type {x.dtype}, expected {expected}")


def describe(header: Header) -> str:
    """One line for a person."""
    h, success = header, ""
    if h.success_any is not None and h.success_final is not None:
        success = f"success any {h.success_any:.1%}, final {h.success_final:.1%}, "
    uniform = f", uniform actions {h.uniform:.0%}" if h.uniform else ""
    return (
        f"{h.task}: {h.episodes} episodes of {h.attempted} run (grade {h.grade}, {h.expert} "
        f"expert, engine {h.engine}, seed {h.seed}, action noise {h.noise:g}{uniform}); {success}"
        f"return {h.mean_return:.2f}"
    )
