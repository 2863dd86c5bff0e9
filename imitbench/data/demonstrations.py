"""Demonstrations: collecting them, and drawing a subset for each seed."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core import rollout
from imitbench.core.actor import as_actor, noisy, with_intent, without_intent
from imitbench.core.streamed import HostArray, StreamedRows
from imitbench.core.types import Actor, Env, EpisodeSizes, Policy, Transition
from imitbench.data.header import make_header
from imitbench.data.rows import STREAMED_FIELDS, Demos, row_index
from imitbench.data.sources.expert_checks import check_actions, check_shape
from imitbench.utils.errors import UserError, plain_errors, seed_number, whole_number

VERSION = 1  # raised with every change of what is collected; see `make golden`
HELD_OUT = 0.1  # share of the episodes for evaluation where the task is not known
MAX_ATTEMPTS = 20  # rollouts of the requested number of episodes before the expert is given up


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
        The episodes with their header; `pose` is recorded where the environment has it.

    Raises:
        UserError: an argument is out of range, the expert's actions have another shape, are not
            finite or leave [-1, 1], or too few of its episodes succeed.
    """
    whole_number("episodes", episodes)
    seed_number("seed", seed)
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
    if not (isinstance(value, numbers.Real) and math.isfinite(value) and value >= 0):
        raise UserError(f"{name}={value!r:.60}: expected a finite number, 0 or more")


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


def flatten(demos: Demos) -> Transition:
    """Gives all episodes of a data set to a method.

    Args:
        demos: the data set.

    Returns:
        Rows [N, ...] on the device, one episode after the other.
    """
    return _rows(demos, np.arange(len(demos))[None], None, 1, same=True, stream=False)


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
    total = len(demos)
    if total < 2:
        raise UserError(
            "the data set has one episode: one is needed to learn from and one to evaluate on; "
            "slice it into several, or record more"
        )
    order = np.random.default_rng(0x4E1D).permutation(total)
    cut = max(1, round(share * total))
    parts = []
    for index in (np.sort(order[cut:]), np.sort(order[:cut])):
        header = dataclasses.replace(demos.header, episodes=len(index))
        parts.append(demos.select(index).replace(header=header))
    return parts[0], parts[1]


def subset(
    demos: Demos,
    k: int,
    seeds: Sequence[int],
    *,
    same: bool = False,
    stride: int = 1,
    stream: bool = False,
) -> Transition:
    """Draws k episodes for each training seed, without replacement.

    Args:
        demos: the data set, K episodes.
        k: how many episodes each seed gets, 1 to K.
        seeds: the S training seeds; the subset of a seed depends on its number alone.
        same: draw one subset, with the number of the first seed, for all seeds.
        stride: keep one step in `stride` of each episode, from a random offset on; the other steps
            get weight 0.
        stream: leave observations and actions where they are: they become `StreamedRows`, which
            share the arrays of the data set.

    Returns:
        Rows [S, N, ...], or [N, ...] if `same`, for the N steps of the seed with the most: the
        others are filled up by rows of weight 0. The last step of an episode that neither
        terminates nor is truncated is marked as truncated.

    Raises:
        UserError: `k` or `stride` is out of range.
    """
    numbers = seeds[:1] if same else seeds
    drawn = draw_episodes(demos, k, numbers)
    return rows_of(demos, drawn, numbers, stride=stride, same=same, stream=stream)


def draw_episodes(demos: Demos, k: int, seeds: Sequence[int], purpose: int = 0xDE305) -> np.ndarray:
    """Draws the numbers of k episodes for each training seed, without replacement.

    Args:
        demos: the data set, K episodes.
        k: how many episodes each seed gets, 1 to K.
        seeds: the S training seeds.
        purpose: another number draws other episodes.

    Returns:
        [S, k].

    Raises:
        UserError: `k` is out of range.
    """
    total = len(demos)
    if not 1 <= k <= total:
        raise UserError(
            f"{k} demonstrations asked for, but the data set of {demos.header.task} has {total}: "
            f"ask for 1 to {total}, or collect more"
        )
    draws = [
        np.random.default_rng([seed, purpose]).choice(total, k, replace=False) for seed in seeds
    ]
    return np.stack(draws)


def rows_of(
    demos: Demos,
    drawn: np.ndarray,
    seeds: Sequence[int],
    *,
    stride: int = 1,
    same: bool = False,
    stream: bool = False,
) -> Transition:
    """Gives drawn episodes to each training seed.

    Args:
        demos: the data set.
        drawn: [S, k] the numbers of their episodes.
        seeds: the S training seeds.
        stride: as in `subset`.
        same: S is 1, and all seeds get these rows.
        stream: as in `subset`.

    Returns:
        Rows as `subset` returns them.

    Raises:
        UserError: `stride` is out of range.
    """
    offsets = None if stride == 1 else _offsets(demos, drawn, seeds, stride)
    return _rows(demos, drawn, offsets, stride, same=same, stream=stream)


def _offsets(demos: Demos, drawn: np.ndarray, seeds: Sequence[int], stride: int) -> np.ndarray:
    """The first step that is kept of each episode, [S, k]; a seed's depend on its number alone."""
    real = demos.by_episode(np.count_nonzero, np.asarray(demos.rows.weight) > 0)
    shortest = int(real[drawn].min())
    if not 1 <= stride <= shortest:
        raise UserError(
            f"stride={stride}: expected 1 to {shortest}, the steps of the shortest episode of "
            f"{demos.header.task}"
        )
    numbers = list(seeds)
    every = (max(numbers) + 1, drawn.shape[1])  # of all seeds up to the largest one
    return np.random.default_rng(0x7417).integers(0, stride, every)[numbers]


def _rows(
    demos: Demos,
    drawn: np.ndarray,
    offsets: np.ndarray | None,
    stride: int,
    *,
    same: bool,
    stream: bool,
) -> Transition:
    """Rows of the drawn episodes [S, k] for each seed, or for all of them if `same` (S is 1)."""
    lengths = demos.lengths[drawn]
    size = int(lengths.sum(axis=1).max())
    index = np.zeros((len(drawn), size), np.int64)  # of row 0 where a seed has fewer steps
    filled = np.ones_like(index, bool)
    thinned = np.zeros_like(filled)
    ends = np.zeros_like(filled)
    for s, episodes in enumerate(drawn):
        n = int(lengths[s].sum())
        index[s, :n], filled[s, :n] = row_index(demos.starts[episodes], lengths[s]), False
        ends[s, np.cumsum(lengths[s]) - 1] = True
        if offsets is not None:
            t = row_index(np.zeros_like(lengths[s]), lengths[s])
            thinned[s, :n] = t % stride != np.repeat(offsets[s], lengths[s])

    def take(x: Any) -> Any:
        rows = np.asarray(x)[index]
        rows[filled] = 0
        return rows

    whole = demos.rows
    nothing = np.zeros((len(whole.weight), 0), np.float32)
    known = [name for name in STREAMED_FIELDS if getattr(whole, name) is not None]
    streamed = dict.fromkeys(known if stream else (), nothing)
    rows = jax.tree.map(take, whole.replace(**streamed))
    rows = rows.replace(
        truncated=rows.truncated | (ends & ~rows.terminated),
        weight=np.where(thinned, 0.0, rows.weight).astype(rows.weight.dtype),
        sizes=EpisodeSizes(drawn.shape[1], int(lengths.max())),
    )
    for name in streamed:
        array = HostArray(np.asarray(getattr(whole, name)))
        rows = rows.replace(**{name: StreamedRows(jnp.asarray(index, jnp.int32), array)})
    return jax.tree.map(lambda x: jnp.asarray(x[0] if same else x), rows)
