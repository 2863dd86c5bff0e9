"""Data sets in memory: the rows of whole episodes, and their lengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from imitbench.core.checks import has_actions
from imitbench.core.types import Transition
from imitbench.data.header import Header
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

STEP_FIELDS = tuple(
    f.name for f in dataclasses.fields(Transition) if f.name not in ("sizes", "extra")
)
STORED_AS = {"intended_action": "label"}
"""Fields of a `Transition` whose name in files differs; the names in files are older."""
STATES = ("obs", "next_obs")  # steps after the end of an episode repeat its last state
STREAMED_FIELDS = ("obs", "next_obs", "action", "intended_action")
"""Fields that may stay on the host; the others are a few numbers a step."""
LENGTHS = "episode_length"
"""The name in files of the lengths of episodes that differ in length."""


@dataclass(frozen=True, init=False, eq=False)
class Demos:
    """A data set in memory: whole episodes of any lengths, one after the other.

    Args:
        steps: a `Transition` with numpy leaves [K, T, ...], K episodes of T steps, where steps of
            weight 0 fill up an episode that ends earlier; or, with `lengths`, rows [N, ...].
        header: what is known of the data set.
        lengths: [K] the steps of each episode, where `steps` are rows.
        warnings: what a user should know of data that were read or converted; it is not written to
            files.

    Raises:
        UserError: the arrays do not share their first axes, or the lengths are not those of rows.
    """

    rows: Transition = field(repr=False)
    """The steps of all episodes, leaves [N, ...]."""
    lengths: np.ndarray = field(repr=False)
    """[K] the steps of each episode; their sum is N."""
    header: Header
    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        steps: Transition,
        header: Header,
        lengths: Any = None,
        warnings: Sequence[str] = (),
    ):
        steps = _arrays(steps)
        _check_axes(steps, 2 if lengths is None else 1)
        if lengths is None:
            steps, lengths = pack(steps)
        lengths = np.asarray(lengths)
        count = len(steps.weight)
        if lengths.ndim != 1 or (lengths < 1).any() or lengths.sum() != count:
            raise UserError(
                f"episode lengths {lengths.tolist()[:5]}... have the sum {lengths.sum()}: expected "
                f"positive numbers whose sum is {count}, the rows"
            )
        values = {"rows": steps, "lengths": lengths, "header": header, "warnings": tuple(warnings)}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """K, the number of episodes."""
        return len(self.lengths)

    @property
    def starts(self) -> np.ndarray:
        """[K] the first row of each episode."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def has_actions(self) -> bool:
        """Whether the actions are known; else both are None."""
        return has_actions(self.rows)

    def without_actions(self) -> Demos:
        """Returns the data set of the observations alone."""
        return self.replace(rows=self.rows.replace(action=None, intended_action=None))

    @property
    def equally_long(self) -> bool:
        """Whether all episodes have the same number of steps."""
        return bool((self.lengths == self.lengths[0]).all())

    @property
    def steps(self) -> Transition:
        """The episodes side by side, [K, T, ...] for T steps of the longest one.

        Shorter episodes are filled up by steps of weight 0 in the last state. Where all are equally
        long, this is a view; else a copy, which takes memory: `rows` and `episode` do without.
        """
        longest = int(self.lengths.max())
        if self.equally_long:
            return jax.tree.map(lambda x: x.reshape(len(self), longest, *x.shape[1:]), self.rows)
        filled = [fill_up(self.episode(k), longest) for k in range(len(self))]
        return jax.tree.map(lambda *x: np.stack(x), *filled)

    def episode(self, k: int) -> Transition:
        """Returns one episode.

        Args:
            k: its number, 0 to K - 1.

        Returns:
            Leaves [n, ...] for its n steps: views of `rows`.
        """
        begin = int(self.starts[k])
        return jax.tree.map(lambda x: x[begin : begin + int(self.lengths[k])], self.rows)

    def select(self, episodes: Sequence[int] | np.ndarray) -> Demos:
        """Returns the data set of these episodes alone, in this order; the header stays."""
        chosen = np.asarray(episodes)
        index = row_index(self.starts[chosen], self.lengths[chosen])
        rows = jax.tree.map(lambda x: x[index], self.rows)
        return Demos(rows, self.header, self.lengths[chosen], self.warnings)

    def by_episode(self, function: Callable[[np.ndarray], Any], values: Any) -> np.ndarray:
        """Applies a function to the values of each episode.

        Args:
            function: [n, ...] values of an episode -> a number.
            values: [N, ...], of the rows.

        Returns:
            [K] numbers.
        """
        return np.array([function(x) for x in np.split(np.asarray(values), self.starts[1:])])

    def replace(
        self, *, steps: Transition | None = None, rows: Transition | None = None, header: Any = None
    ) -> Demos:
        """Returns a changed copy.

        Args:
            steps: other steps [K, T, ...], as `steps` are.
            rows: other rows [N, ...] of the same episodes.
            header: another header.
        """
        header = self.header if header is None else header
        if steps is not None:
            return Demos(steps, header, warnings=self.warnings)
        rows = self.rows if rows is None else rows
        return Demos(rows, header, self.lengths, self.warnings)


def _arrays(steps: Transition) -> Transition:
    """The steps with lists as arrays."""
    arrays = {}
    for name in STEP_FIELDS:
        x = getattr(steps, name)
        if x is not None and not hasattr(x, "shape"):
            try:
                arrays[name] = np.asarray(x)
            except ValueError as error:  # of a ragged list
                raise UserError(
                    f"{name!r} is no array ({one_line(error)}): give episodes of several lengths "
                    "to imitbench.make_demos"
                ) from None
    return steps.replace(**arrays)


def _check_axes(steps: Transition, axes: int) -> None:
    """Checks that all arrays share their first axes, [K, T] or [N]."""
    lead = steps.weight.shape
    for name, x in step_arrays(steps).items():
        if len(lead) != axes or 0 in lead or x.shape[:axes] != lead:
            words = "(episodes, steps, ...)" if axes == 2 else "(rows, ...)"
            raise UserError(
                f"array {name!r} has shape {x.shape} and the weights have {lead}: expected {words} "
                "in both"
            )


def pack(steps: Transition) -> tuple[Transition, np.ndarray]:
    """Joins episodes to rows, without the steps of weight 0 at their ends.

    Args:
        steps: leaves [K, T, ...]; an episode whose weights are all 0 keeps its steps.

    Returns:
        Rows [N, ...], views where no step is left out; and the steps of each episode [K].
    """
    real = np.asarray(steps.weight) > 0
    horizon = real.shape[1]
    lengths = np.where(real.any(axis=1), horizon - np.argmax(real[:, ::-1], axis=1), horizon)
    if (lengths == horizon).all():
        rows = jax.tree.map(lambda x: np.asarray(x).reshape(-1, *x.shape[2:]), steps)
    else:
        kept = np.arange(horizon) < lengths[:, None]
        rows = jax.tree.map(lambda x: np.asarray(x)[kept], steps)
    return rows, lengths


def join(episodes: Sequence[Transition], header: Header, warnings: Sequence[str] = ()) -> Demos:
    """Joins single episodes to a data set.

    Args:
        episodes: K episodes of n steps, leaves [n, ...] each.
        header: what is known of the data set.
        warnings: what a user should know of it.
    """
    rows = jax.tree.map(lambda *x: np.concatenate(x), *episodes)
    return Demos(rows, header, [len(e.weight) for e in episodes], warnings)


def row_index(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Lists the rows of episodes.

    Args:
        starts: [k] the first row of each.
        lengths: [k] the steps of each.

    Returns:
        [n] rows, one episode after the other.
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def fill_up(episode: Transition, horizon: int) -> Transition:
    """Fills an episode up, as `rollout.episodes` does.

    Args:
        episode: leaves [n, ...].
        horizon: T, at least n.

    Returns:
        Leaves [T, ...]; steps after the end have the last state, and 0 in all other fields.
    """
    last = np.asarray(episode.next_obs)[-1]
    filled: dict[str, Any] = {
        k: fill_array(x, last if k in STATES else 0, horizon)
        for k in STEP_FIELDS
        if (x := getattr(episode, k)) is not None
    }
    return Transition(**filled)


def fill_array(x: Any, value: Any, horizon: int) -> np.ndarray:
    """Fills an array [n, ...] up to [T, ...] with a value."""
    x = np.asarray(x)
    rest = np.broadcast_to(np.asarray(value, x.dtype), (horizon - len(x), *x.shape[1:]))
    return np.concatenate([x, rest])


def step_arrays(steps: Transition) -> dict[str, np.ndarray]:
    """Names the arrays of steps as files do.

    Args:
        steps: leaves of any leading axes.

    Returns:
        Each leaf by its name in files (`STORED_AS`); without `pose` and actions where there are
        none.
    """
    named = {STORED_AS.get(k, k): getattr(steps, k) for k in STEP_FIELDS}
    return {k: np.asarray(v) for k, v in named.items() if v is not None}


def steps_from_arrays(arrays: Mapping[str, np.ndarray]) -> Transition:
    """Builds the `Transition` whose arrays `step_arrays` named.

    Args:
        arrays: each leaf by its name in files.

    Returns:
        The steps; fields without an array are None.
    """
    fields: dict[str, Any] = {k: arrays.get(STORED_AS.get(k, k)) for k in STEP_FIELDS}
    return Transition(**fields)


def stored_arrays(demos: Demos) -> dict[str, np.ndarray]:
    """Names the arrays of a data set as files do.

    Args:
        demos: the data set.

    Returns:
        Arrays [K, T, ...] where all episodes are equally long; else rows [N, ...], and the lengths
        of the episodes [K].
    """
    if demos.equally_long:
        return step_arrays(demos.steps)
    return step_arrays(demos.rows) | {LENGTHS: demos.lengths.astype(np.int64)}


def demos_from_arrays(arrays: Mapping[str, np.ndarray], header: Header) -> Demos:
    """Builds the data set whose arrays `stored_arrays` named.

    Args:
        arrays: by their names in files.
        header: what is known of the data set.

    Raises:
        UserError: the arrays do not fit each other.
    """
    return Demos(steps_from_arrays(arrays), header, arrays.get(LENGTHS))
