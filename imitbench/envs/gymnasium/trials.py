"""Proofs by trial: whether episodes repeat, and whether a state that is set goes on alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from imitbench.envs.gymnasium import snapshots
from imitbench.envs.gymnasium.findings import Findings, Kept, Outcome
from imitbench.envs.gymnasium.python_state import Key, PythonState
from imitbench.envs.gymnasium.snapshots import Contents, Snapshots
from imitbench.envs.gymnasium.spaces import ActionLayout

STEPS = 24
SEEDS = 5
REPEATS = 1e-5  # relative and absolute: how alike two episodes of one seed must be


def draw_actions(actions: ActionLayout) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    if actions.discrete:
        return [rng.integers(actions.size, size=1) for _ in range(STEPS)]
    return [rng.uniform(-1.0, 1.0, actions.size).astype(np.float32) for _ in range(STEPS)]


def episode(
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


def same_episodes(
    found: Findings, instances: Sequence[Any], tries: Sequence[np.ndarray], *, exact: bool
) -> bool:
    """Whether the same seed and actions give the same episode in each of three turns."""
    a, b, c = (episode(found, env, 7, tries) for env in instances)
    return len(a) == len(b) == len(c) and all(
        _alike(x, y, exact) and _alike(x, z, exact) for x, y, z in zip(a, b, c, strict=True)
    )


def _alike(a: Outcome, b: Outcome, exact: bool) -> bool:
    tolerance = 0.0 if exact else REPEATS
    numbers = [np.append(x.obs, x.reward) for x in (a, b)]
    same = np.allclose(*numbers, rtol=tolerance, atol=tolerance, equal_nan=True)
    return same and (a.terminated, a.success) == (b.terminated, b.success)


def find_snapshots(
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
        episode(found, env, seed, tries[: STEPS if seed == SEEDS - 1 else 3], look)
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
    expected = episode(found, first, 7, tries, lambda: states.append(_saved(ours)))
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
