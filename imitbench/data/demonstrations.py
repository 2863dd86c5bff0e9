"""Demonstrations in memory: collecting them, and drawing a subset for each seed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core import rollout
from imitbench.core.actor import as_actor, noisy, with_intent, without_intent
from imitbench.core.types import Actor, Env, Policy, Transition
from imitbench.data.expert_checks import check_actions, check_shape
from imitbench.data.header import Header, make_header
from imitbench.utils.errors import UserError, plain_errors

VERSION = 1  # raised with every change of what is collected; see `make golden`
STEP_FIELDS = tuple(f.name for f in dataclasses.fields(Transition))
HELD_OUT = 0.1  # share of the episodes for evaluation where the task is not known
MAX_ATTEMPTS = 20  # rollouts of the requested number of episodes before the expert is given up
STORED_AS = {"intended_action": "label"}
"""Fields of a `Transition` whose name in files differs; the names in files are older."""


class Demos(NamedTuple):
    """A data set in memory.

    `steps` are whole episodes: a `Transition` with numpy leaves [K, T, ...] for K episodes of T
    steps, T the task's time limit. Steps after the end of an episode have weight 0.
    """

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
    """Collects episodes of an expert.

    Args:
        env: the environment; it is vectorised here.
        expert: acts in all episodes at once, [B, O] -> [B, A].
        episodes: how many episodes the data set has (K).
        seed: decides the initial states and the noise.
        noise: standard deviation of Gaussian noise on the executed actions, in action units.
        uniform: probability that a uniform action replaces the expert's.
        clean: True: `intended_action` is the action before noise; False: the executed one.
        only_success: keep only episodes that succeed at their last step. Tasks without a success
            signal keep all.
        expert_name: the name of the demonstrator in the header.

    Returns:
        Episodes [K, T, ...] with their header; `pose` is recorded where the environment has it.

    Raises:
        UserError: an argument is out of range, the expert's actions have another shape, are not
            finite or leave [-1, 1], or too few of its episodes succeed.
    """
    if episodes < 1:
        raise UserError(f"episodes={episodes}: expected 1 or more")
    for name, value in (("noise", noise), ("uniform", uniform)):
        check_disturbance(name, value)
        if value and env.spec.discrete:
            raise UserError(f"{name}={value}: expected 0, because {env.name} has discrete actions")
    if uniform > 1:
        raise UserError(f"uniform={uniform}: expected a probability in [0, 1]")
    demonstrator = noisy(expert, noise, uniform) if noise or uniform else as_actor(expert)
    if not clean:
        demonstrator = without_intent(demonstrator)
    has_success = rollout.has_success(env)
    check_shape(env, demonstrator, episodes, expert_name)

    def check(steps: Transition) -> None:
        check_actions(steps, env, expert_name)

    with plain_errors():
        steps, outcomes = _run_episodes(
            env, with_intent(demonstrator), episodes, seed, only_success and has_success, check
        )
    if len(steps.weight) < episodes:
        raise UserError(
            f"the expert of {env.name} succeeded in {len(steps.weight)} of "
            f"{MAX_ATTEMPTS * episodes} episodes: {episodes} were asked for; lower the noise "
            f"({noise}) or keep failures too"
        )
    header = make_header(
        env.name,
        outcomes["return"],
        (outcomes["success_any"], outcomes["success_final"]) if has_success else None,
        expert=expert_name,
        engine=env.engine,
        grade="expert",
        seed=seed,
        episodes=episodes,
        noise=noise,
        uniform=uniform,
        only_success=only_success,
    )
    return Demos(steps, header)


def check_disturbance(name: str, value: float) -> None:
    """Checks the size of a disturbance of the expert's actions.

    Args:
        name: the argument, for the message.
        value: a standard deviation or a probability.

    Raises:
        UserError: it is not a finite number of 0 or more.
    """
    if not (math.isfinite(value) and value >= 0):
        raise UserError(f"{name}={value}: expected a finite number, 0 or more")


def _run_episodes(
    env: Env,
    demonstrator: Actor,
    episodes: int,
    seed: int,
    only_success: bool,
    check: Callable[[Transition], None],
) -> tuple[Transition, dict[str, np.ndarray]]:
    """Runs `episodes` at once, again and again, until so many are kept or the attempts are spent.

    `check` gets all episodes [K, T, ...] of each attempt.

    Returns:
        The kept episodes [K, T, ...], at most `episodes` of them; and the outcomes of all attempted
        episodes, as `rollout.summarise` gives them.
    """
    run = jax.jit(lambda key: rollout.episodes(env, demonstrator, key, episodes, poses=True))
    key = jax.random.key(seed)
    kept: list[Transition] = []
    outcomes: list[dict[str, np.ndarray]] = []
    for attempt in range(MAX_ATTEMPTS):
        steps = run(jax.random.fold_in(key, attempt))
        outcomes.append(jax.tree.map(np.asarray, rollout.summarise(steps)))
        by_episode = jax.tree.map(lambda x: np.swapaxes(np.asarray(x), 0, 1), steps)
        check(by_episode)
        keep = outcomes[-1]["success_final"] if only_success else np.ones(episodes, bool)
        kept.append(jax.tree.map(lambda x, keep=keep: x[keep], by_episode))
        if sum(len(part.weight) for part in kept) >= episodes:
            break
    steps = jax.tree.map(lambda *x: np.concatenate(x)[:episodes], *kept)
    return steps, {k: np.concatenate([part[k] for part in outcomes]) for k in outcomes[0]}


def flatten(steps: Transition) -> Transition:
    """Joins the episodes of a data set into rows, one episode after the other, on the device.

    Args:
        steps: leaves [..., K, T, ...].

    Returns:
        Leaves [..., K * T, ...].
    """
    lead = steps.weight.ndim - 2

    def flat(x: np.ndarray) -> jax.Array:
        return jnp.asarray(x.reshape(*x.shape[:lead], -1, *x.shape[lead + 2 :]))

    return jax.tree.map(flat, steps)


def hold_out(demos: Demos, share: float = HELD_OUT) -> tuple[Demos, Demos]:
    """Sets episodes aside for evaluation.

    Args:
        demos: the data set, K episodes.
        share: of the episodes that are set aside, at least one; they are drawn at random, the same
            ones each time.

    Returns:
        The episodes to learn from, and those that are set aside.

    Raises:
        UserError: there is a single episode.
    """
    total = len(demos.steps.weight)
    if total < 2:
        raise UserError(
            "the data set has one episode: one is needed to learn from and one to evaluate on; "
            "slice it into several, or record more"
        )
    order = np.random.default_rng(0x4E1D).permutation(total)
    cut = max(1, round(share * total))
    parts = []
    for index in (np.sort(order[cut:]), np.sort(order[:cut])):
        steps = jax.tree.map(lambda x, index=index: np.asarray(x)[index], demos.steps)
        header = dataclasses.replace(demos.header, episodes=len(index))
        parts.append(Demos(steps, header))
    return parts[0], parts[1]


def subset(
    demos: Demos, k: int, seeds: Sequence[int], *, same: bool = False, stride: int = 1
) -> Transition:
    """Draws k episodes for each training seed, without replacement.

    Args:
        demos: the data set, K episodes.
        k: how many episodes each seed gets, 1 to K.
        seeds: the S training seeds; the subset of a seed depends on its number alone.
        same: draw one subset, with the number of the first seed, for all seeds.
        stride: keep one step in `stride` of each episode, from a random offset on; the other steps
            get weight 0.

    Returns:
        Rows [S, k * T, ...], or [k * T, ...] where `same`.

    Raises:
        UserError: `k` or `stride` is out of range.
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
    return flatten(chosen if stride == 1 else _thin(chosen, stride, demos.header.task))


def _thin(steps: Transition, stride: int, task: str) -> Transition:
    """Sets the weight of all but one step in `stride` to 0, in episodes [..., K, T]."""
    weight = np.asarray(steps.weight)
    shortest = int((weight > 0).sum(axis=-1).min())
    if not 1 <= stride <= shortest:
        raise UserError(
            f"stride={stride}: expected 1 to {shortest}, the steps of the shortest episode of "
            f"{task}"
        )
    first = np.random.default_rng(0x7417).integers(0, stride, weight.shape[:-1])
    kept = np.arange(weight.shape[-1]) % stride == first[..., None]
    return steps.replace(weight=np.where(kept, weight, 0.0).astype(weight.dtype))


def step_arrays(steps: Transition) -> dict[str, np.ndarray]:
    """Names the arrays of a data set as files do.

    Args:
        steps: leaves of any leading axes.

    Returns:
        Each leaf by its name in files (`STORED_AS`); without `pose` where none was recorded.
    """
    return {STORED_AS.get(k, k): np.asarray(v) for k, v in vars(steps).items() if v is not None}


def steps_from_arrays(arrays: Mapping[str, np.ndarray]) -> Transition:
    """Builds the `Transition` whose arrays `step_arrays` named.

    Args:
        arrays: each leaf by its name in files.

    Returns:
        The steps; fields without an array are None.
    """
    fields: dict[str, Any] = {k: arrays.get(STORED_AS.get(k, k)) for k in STEP_FIELDS}
    return Transition(**fields)
