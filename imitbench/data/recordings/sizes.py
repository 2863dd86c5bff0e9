"""The sizes of recordings and demonstrations whose task is not known."""

from __future__ import annotations

import numpy as np

from imitbench.core.types import Spec
from imitbench.data.recordings.recording import FLAT, Recording, are_choices
from imitbench.data.rows import Demos
from imitbench.utils.errors import UserError


def spec_of(recording: Recording) -> Spec:
    """Describes a recording whose task is not known.

    Args:
        recording: a checked recording.

    Returns:
        Its sizes; the observation is all its arrays, one after the other, with their names, and the
        time limit is the length of the longest episode.

    Raises:
        UserError: an observation or the actions are no vectors, or there are no actions.
    """
    first = recording.episodes[0]
    if not first.has_actions:
        raise UserError(
            f"{recording.path} has no actions, so that its task must be known: name it, such as "
            "Hopper"
        )
    sizes = {name: _width(name, x, recording) for name, x in first.observations.items()}
    ends = np.cumsum(list(sizes.values()))
    fields = {
        name: slice(int(end) - n, int(end))
        for (name, n), end in zip(sizes.items(), ends, strict=True)
    }
    discrete = are_choices(first.actions)
    if discrete:
        largest = max(int(e.actions.max()) for e in recording.episodes)
        action_size = 2 if first.actions.dtype.kind == "b" else 1 + largest
    else:
        action_size = _width("actions", first.actions, recording)
    longest = max(e.length for e in recording.episodes)
    return Spec(int(ends[-1]), action_size, longest, fields, discrete=discrete)


def _width(name: str, x: np.ndarray, recording: Recording) -> int:
    if x.ndim > 2:
        raise UserError(
            f"{recording.path}: {name} has shape {x.shape[1:]} a step, expected a vector: images "
            "are not supported; leave it out"
        )
    return 1 if x.ndim == 1 else x.shape[1]


def demo_spec(*parts: Demos) -> Spec:
    """Describes demonstrations whose task is not known.

    Args:
        parts: the data set in one part or several.

    Returns:
        Their sizes; one field holds the whole observation, and the time limit is the length of the
        longest episode.

    Raises:
        UserError: there are no actions.
    """
    rows = parts[0].rows
    if not parts[0].has_actions:
        raise UserError("the data set has no actions, so that its task must be known: name it")
    size, discrete = rows.obs.shape[-1], rows.action.ndim == 1
    actions = rows.action.shape[-1]
    if discrete:
        actions = 1 + max(int(np.max(part.rows.action)) for part in parts)
    fields = {FLAT: slice(0, size)}
    longest = max(int(part.lengths.max()) for part in parts)
    return Spec(size, actions, longest, fields, discrete=discrete)
