"""Data sets that a user built in Python, checked before anything is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from imitbench import envs
from imitbench.core.types import Transition
from imitbench.data.header import Header
from imitbench.data.recordings.sizes import demo_spec
from imitbench.data.rows import STATES, STEP_FIELDS, Demos
from imitbench.data.validate import FLAGS, check_steps
from imitbench.envs.recorded import NO_TASK
from imitbench.utils.errors import UserError


def check_own(demos: Any) -> Demos:
    """Checks a data set that a user built in Python, and gives its arrays the usual types.

    Args:
        demos: expected to be a data set of the task in its header.

    Returns:
        The data set with numpy arrays: numbers as float32, choices as int32, flags as bool.

    Raises:
        UserError: it is no data set, an array is missing or has another shape or type, a number is
            not finite, or an action lies outside [-1, 1].
    """
    if not (isinstance(demos, Demos) and isinstance(demos.header, Header)):
        raise UserError(
            f"demos is of type {type(demos).__name__}, expected a data set, as imitbench.collect, "
            "load_data or make_demos returns it"
        )
    task = demos.header.task
    where = f"the data set of {task}"
    spec = None if task == NO_TASK else envs.make(task).spec
    arrays: dict[str, Any] = {}
    for name in STEP_FIELDS:
        value = getattr(demos.rows, name)
        if value is None:
            arrays[name] = None
        elif spec is not None and spec.image is not None and name in STATES:
            arrays[name] = _as_bytes(name, value, where)
        else:
            arrays[name] = _usual_type(name, value, where)
    demos = demos.replace(rows=Transition(**arrays))
    check_steps(demos, spec or demo_spec(demos), where, names={})
    return demos


def _as_bytes(name: str, value: Any, where: str) -> np.ndarray:
    """Observations with images in the type that they have in data sets."""
    x = np.asarray(value)
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "biuf" or not np.isin(x, np.arange(256)).all():
        raise UserError(
            f"{where}: array {name!r} of type {x.dtype} holds images: expected bytes, whole "
            "numbers from 0 to 255"
        )
    return x.astype(np.uint8)


def _usual_type(name: str, value: Any, where: str) -> np.ndarray:
    """An array of the type that a field has in data sets."""
    x = np.asarray(value)
    if x.dtype.kind not in "biuf":
        raise UserError(f"{where}: array {name!r} is of type {x.dtype}, expected numbers")
    if name in FLAGS:
        if not np.isin(x, (0, 1)).all():
            raise UserError(f"{where}: array {name!r} has other numbers than 0 and 1")
        return x.astype(bool, copy=False)
    if name in ("action", "intended_action") and x.ndim == 1 and x.dtype.kind in "biu":
        return x.astype(np.int32, copy=False)  # choices
    with np.errstate(over="ignore"):  # what is beyond float32 is named by `check_steps`
        return x.astype(np.float32, copy=False)
