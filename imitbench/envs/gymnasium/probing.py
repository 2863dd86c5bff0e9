"""What an environment is like, found by trying it out: how its state can be kept, what it reports.

Nothing is taken on trust. Where the state of one instance is set in another one, the two must
continue alike, bit for bit; else episodes are kept as their seed and their actions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from imitbench.envs.gymnasium import snapshots
from imitbench.envs.gymnasium.making import Registered
from imitbench.envs.gymnasium.python_state import Key, PythonState
from imitbench.envs.gymnasium.snapshots import Contents, Snapshots
from imitbench.envs.gymnasium.spaces import (
    GOAL_FIELDS,
    ActionLayout,
    ObservationLayout,
    action_layout,
    observation_layout,
)
from imitbench.utils.errors import UserError

STEPS = 24
SEEDS = 5
SUCCESS_KEYS = ("is_success", "success")
REPEATS = 1e-5  # relative and absolute: how alike two episodes of one seed must be


class Outcome(NamedTuple):
    """What one step, or a reset, of an environment returned."""

    obs: np.ndarray  # [O] float64
    reward: float
    terminated: bool
    success: float | None  # None where the environment reports none


class Kept(NamedTuple):
    """How snapshots keep the state."""

    contents: Contents
    capacity: int
    base: dict[Key, Any]
    tables: frozenset[Key]

    def of(self, env: Any) -> Snapshots:
        """Returns the snapshots of an instance."""
        return Snapshots(env, self.contents, self.capacity, self.base, self.tables)


class Findings(NamedTuple):
    """What there is to know of an environment."""

    task: str
    registered: Registered
    obs: ObservationLayout
    action: ActionLayout
    ends: Literal["never", "failure"]
    success: str | None  # the entry of `info` that says it
    uses_mujoco: bool
    kept: Kept | None  # None: episodes are kept as seed and actions
    fresh: bool  # an instance serves one episode alone, because a second one would differ
    goal_rewards: Any | None  # an instance whose `compute_reward` gives the task's rewards
    batched_rewards: bool  # whether it takes many goals at once

    def reset(self, env: Any, seed: int) -> Outcome:
        """Resets an instance."""
        obs, info = env.reset(seed=seed)
        return Outcome(self.obs.flatten(obs), 0.0, False, self._success(info))

    def step(self, env: Any, action: np.ndarray) -> Outcome:
        """Steps an instance.

        Args:
            env: the instance.
            action: [A] in [-1, 1], or [1] a choice.

        Raises:
            UserError: the environment cuts its episode off.
        """
        obs, reward, terminated, truncated, info = env.step(self.action.to_env(action))
        if truncated:
            raise UserError(
                f"{self.task} cut an episode off (truncated=True) before the registered limit of "
                f"{self.registered.horizon} steps: leave time limits to max_episode_steps, and use "
                "terminated for other ends"
            )
        success = self._success(info)
        return Outcome(self.obs.flatten(obs), float(reward), bool(terminated), success)

    def _success(self, info: dict[str, Any]) -> float | None:
        if self.success is None:
            return None
        return float(np.asarray(info.get(self.success, 0.0)))


def probe(task: str, registered: Registered) -> Findings:
    """Tries an environment out.

    Args:
        task: the task's name.
        registered: the environment.

    Raises:
        UserError: its spaces cannot be used, it has ends of its own before its time limit, or the
            same seed and actions do not give the same episode.
    """
    first, second = registered.make(), registered.make()
    obs_layout = observation_layout(first.observation_space, task)
    actions = action_layout(first.action_space, task)
    found = Findings(
        task, registered, obs_layout, actions, "never", None, False, None, False, None, False
    )
    tries = _draw_actions(actions)
    _check_interface(found, first, tries[0])
    python = PythonState(first)
    base = python.base
    second.reset(seed=SEEDS)
    second.step(actions.to_env(tries[1]))
    success, ends = _reports(first, tries, found)
    found = found._replace(success=success, ends="failure" if ends else "never")
    found = found._replace(uses_mujoco=bool(python.sims))
    kept = None
    if _same_episodes(found, [first, second, first], tries, exact=False):
        kept = _find_snapshots(found, first, second, tries, python, base)
    found = found._replace(kept=kept)
    if kept is None and not _same_episodes(found, [first, second, first], tries, exact=True):
        if not _same_episodes(found, [registered.make() for _ in range(3)], tries, exact=True):
            raise UserError(
                f"{task} is not reproducible: reset(seed=7) and the same {STEPS} actions gave "
                "different episodes; call super().reset(seed=seed), and draw random numbers from "
                "self.np_random"
            )
        found = found._replace(fresh=True)
    return _with_goal_rewards(found, first, tries)


def _draw_actions(actions: ActionLayout) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    if actions.discrete:
        return [rng.integers(actions.size, size=1) for _ in range(STEPS)]
    return [rng.uniform(-1.0, 1.0, actions.size).astype(np.float32) for _ in range(STEPS)]


def _check_interface(found: Findings, env: Any, action: np.ndarray) -> None:
    """Resets and steps once; errors of foreign code become errors of the request."""
    try:
        obs, info = env.reset(seed=SEEDS)
        found.obs.flatten(obs)
        result = env.step(found.action.to_env(action))
        obs, _, terminated, truncated, info = result
        size = len(found.obs.flatten(obs))
        bool(terminated), bool(truncated), info.get("success")
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{found.task} does not follow Gymnasium's interface (reset(seed=...) -> obs, info; "
            f"step(action) -> obs, reward, terminated, truncated, info): {type(error).__name__}: "
            f"{error}"
        ) from None
    expected = sum(n for _, n in found.obs.sizes)
    if size != expected:
        raise UserError(
            f"{found.task} returns observations of {size} numbers, its observation space has "
            f"{expected}"
        )


def _reports(env: Any, tries: Sequence[np.ndarray], found: Findings) -> tuple[str | None, bool]:
    """The entry of `info` that says success, and whether random actions end an episode early."""
    keys: dict[str, None] = {}
    _, info = env.reset(seed=0)
    keys |= dict.fromkeys(info)
    ended = False
    for t in range(min(found.registered.horizon, 10 * STEPS)):
        _, _, terminated, truncated, info = env.step(found.action.to_env(tries[t % STEPS]))
        keys |= dict.fromkeys(info)
        ended = ended or bool(terminated)
        if terminated or truncated:
            break
    return next((k for k in SUCCESS_KEYS if k in keys), None), ended


def _episode(
    found: Findings,
    env: Any,
    seed: int,
    tries: Sequence[np.ndarray],
    before_step: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    outcomes = [found.reset(env, seed)]
    for action in tries[: found.registered.horizon]:
        before_step()
        outcomes.append(found.step(env, action))
        if outcomes[-1].terminated:
            break
    return outcomes


def _same_episodes(
    found: Findings, instances: Sequence[Any], tries: Sequence[np.ndarray], *, exact: bool
) -> bool:
    """Whether the same seed and actions give the same episode in each of three turns."""
    a, b, c = (_episode(found, env, 7, tries) for env in instances)
    return len(a) == len(b) == len(c) and all(
        _alike(x, y, exact) and _alike(x, z, exact) for x, y, z in zip(a, b, c, strict=True)
    )


def _alike(a: Outcome, b: Outcome, exact: bool) -> bool:
    tolerance = 0.0 if exact else REPEATS
    numbers = [np.append(x.obs, x.reward) for x in (a, b)]
    same = np.allclose(*numbers, rtol=tolerance, atol=tolerance, equal_nan=True)
    return same and (a.terminated, a.success) == (b.terminated, b.success)


def _find_snapshots(
    found: Findings,
    first: Any,
    second: Any,
    tries: Sequence[np.ndarray],
    python: PythonState,
    base: dict[Key, Any],
) -> Kept | None:
    """Finds the smallest snapshots after which another instance continues alike; None: there are
    none."""
    changed, sizes, fields = _changes(found, first, tries, python)
    if sizes[-1] > 1.25 * sizes[len(sizes) // 2] + 64:
        return None  # it keeps a growing history
    python.mark_tables(changed)
    capacity = 2 * max(sizes) + 1024

    def proven(contents: Contents) -> Kept | None:
        kept = Kept(contents, capacity, base, python.tables)
        return kept if _continues(found, kept, first, second, tries) else None

    for signature in (snapshots.SMALL, snapshots.WHOLE):
        if kept := proven(Contents(signature, (), fields)):
            return kept
    derived = snapshots.DERIVED if python.sims else ()
    if not derived or not (kept := proven(Contents(snapshots.WHOLE, derived, fields))):
        return None
    for signature in (snapshots.SMALL, snapshots.WHOLE):
        if smaller := proven(Contents(signature, derived, fields)):
            kept = smaller
            break
    for name in derived:
        rest = tuple(n for n in kept.contents.derived if n != name)
        kept = proven(kept.contents._replace(derived=rest)) or kept
    return kept


def _changes(
    found: Findings, env: Any, tries: Sequence[np.ndarray], python: PythonState
) -> tuple[set[Key], list[int], tuple[str, ...]]:
    """The Python attributes that change, the sizes of their snapshots, and the changed fields of
    models."""
    changed: set[Key] = set()
    sizes: list[int] = []
    before = snapshots.model_fields(python.sims)
    fields: set[str] = set()

    def look() -> None:
        changed.update(python.differences())
        sizes.append(len(python.save()))

    for seed in range(SEEDS):  # the last episode is the longest
        _episode(found, env, seed, tries[: STEPS if seed == SEEDS - 1 else 3], look)
        now = snapshots.model_fields(python.sims)
        fields |= {
            name
            for name, values in now.items()
            if not all(map(np.array_equal, values, before.get(name, values)))
        }
    return changed, sizes, tuple(sorted(fields))


def _continues(
    found: Findings, kept: Kept, first: Any, second: Any, tries: Sequence[np.ndarray]
) -> bool:
    """Whether an instance whose state was set continues like the one that it was taken from."""
    ours, theirs = kept.of(first), kept.of(second)
    if ours.words != theirs.words:
        return False
    blank = _saved(ours)
    states: list[np.ndarray] = []
    expected = _episode(found, first, 7, tries, lambda: states.append(_saved(ours)))
    theirs.load(blank)
    if not _alike(found.reset(second, 7), expected[0], exact=True):
        return False
    for t in _order(len(states)):
        theirs.load(states[t])
        for later in range(t, min(t + 3, len(states))):
            after = found.step(second, tries[later])
            if not _alike(after, expected[later + 1], exact=True):
                return False
    return True


def _saved(taken: Snapshots) -> np.ndarray:
    out = np.empty(taken.words, np.uint32)
    taken.save(out)
    return out


def _order(n: int) -> list[int]:
    """The steps of an episode, out of order."""
    return [int(i) for i in np.random.default_rng(1).permutation(n)]


def _with_goal_rewards(found: Findings, env: Any, tries: Sequence[np.ndarray]) -> Findings:
    """Adds the rewards of goals, where `compute_reward` gives the rewards of steps and changes
    nothing."""
    sizes = dict(found.obs.sizes)
    compute = getattr(env.unwrapped, "compute_reward", None)
    if compute is None or list(sizes) != list(GOAL_FIELDS):
        return found
    if any(hasattr(env.observation_space[name], "spaces") for name in GOAL_FIELDS):
        return found
    steps = _episode(found, env, 7, tries)[1:]
    bounds = np.cumsum([sizes[name] for name in GOAL_FIELDS])[:-1]
    _, achieved, desired = np.split(np.stack([s.obs for s in steps]), bounds, axis=1)
    python = PythonState(env)
    try:
        single = [float(compute(a, d, {})) for a, d in zip(achieved, desired, strict=True)]
        both = compute(achieved, desired, {})
    except Exception:
        both = None
        single = []
    rewards = [s.reward for s in steps]
    if python.differences() or not np.allclose(single or [np.nan], rewards, atol=1e-6):
        return found
    batched = np.shape(both) == (len(rewards),) and np.allclose(both, rewards, atol=1e-6)
    return found._replace(goal_rewards=env, batched_rewards=bool(batched))
