"""The checks of suites and cells, before any work."""

from __future__ import annotations

import math
import re
from typing import Any

from imitbench import algos
from imitbench.core.config import check_values
from imitbench.envs.registry import check_task
from imitbench.suites.schema import Cell, Suite
from imitbench.utils.errors import UserError, pick, whole_number
from imitbench.utils.files import check_folder_name

MAX_LABEL = 1000  # characters
LABEL = re.compile(rf"(?![. ])[\w.+,=:()' -]{{1,{MAX_LABEL}}}")
"""Labels of cells, a part of the names of their folders; `=` and `,` stand in changed settings."""


def check_suite(suite: Suite) -> Suite:
    """Checks the names in a suite, which become names of folders.

    Args:
        suite: the suite.

    Returns:
        The suite.

    Raises:
        UserError: its name, the name of a profile, or the label of a cell is not allowed.
    """
    check_folder_name("suite name", suite.name)
    for profile, cells in suite.profiles.items():
        check_folder_name("profile", profile)
        for cell in cells:
            _check_label(cell)
    return suite


def check_config(method: str, config: Any) -> None:
    """Checks that settings are those of a method.

    Args:
        method: one of `algos.ALGOS`.
        config: the settings.

    Raises:
        UserError: they are of another type, or a value of a setting is not allowed.
    """
    kind = algos.ALGOS[method].Config
    if not isinstance(config, kind):
        raise UserError(
            f"config is of type {type(config).__module__}.{type(config).__qualname__}, expected "
            f"the settings of {method}, {kind.__module__}.{kind.__qualname__}"
        )
    check_values(config)


def _check_label(cell: Cell) -> None:
    if not isinstance(cell.name, str):
        raise UserError(f"label {cell.name!r:.60}: expected text")
    if not LABEL.fullmatch(cell.name):
        raise UserError(
            f"label {cell.name[:MAX_LABEL]!r}: expected 1 to {MAX_LABEL} letters, digits, spaces "
            "or _.+,=:()'- without a leading dot or space, because it is a part of a folder's "
            "name; rename it"
        )


def check_cell(cell: Cell) -> None:
    """Checks a cell before any work.

    Args:
        cell: the cell.

    Raises:
        UserError: the task or the method is unknown, a number is out of range, the label is not
            allowed, or the demonstrations do not fit the method.
    """
    for task in filter(None, (cell.task, cell.source.task)):
        check_task(task)
    pick("method", cell.method, algos.ALGOS)
    check_config(cell.method, cell.config)
    _check_label(cell)
    for name in ("seeds", "num_evals", "eval_episodes"):
        whole_number(name, getattr(cell, name))
    for name in ("demos", "grad_steps", "env_steps"):
        whole_number(name, getattr(cell, name), 0)
    if (cell.grad_steps > 0) == (cell.env_steps > 0):
        raise UserError(
            f"grad_steps={cell.grad_steps}, env_steps={cell.env_steps}: expected one of them above "
            "0, the other 0"
        )
    noise = cell.obs_noise
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise UserError(f"obs_noise={noise!r}: expected a number, 0 or more")
    if noise and not cell.demos:
        raise UserError(
            f"obs_noise={noise}: it is measured by the demonstrations, and {cell.name} has none; "
            "set 0"
        )
    _check_demos(cell)


def _check_demos(cell: Cell) -> None:
    """Checks the demonstrations of a cell against the traits of its method."""
    traits, source = algos.traits(cell.method), cell.source
    if (source.extra is not None) != traits.uses_extra:
        _refuse_extra(cell)
    if not traits.needs_demos:
        if source.is_own:
            raise UserError(
                f"{cell.method} learns without demonstrations: leave the data set out, or use a "
                "method that learns from one, such as bc"
            )
        if cell.demos:
            raise UserError(
                f"demos={cell.demos}: {cell.method} learns without demonstrations; set demos=0"
            )
        return
    if cell.demos < 1:
        raise UserError(f"demos={cell.demos}: {cell.method} needs 1 or more")
    if source.stride != 1 and (traits.needs_rewards or traits.needs_goals_reached):
        raise UserError(f"stride={source.stride}: {cell.method} needs whole episodes; set stride=1")
    if source.stride != 1 and algos.remembers(cell.config):
        raise UserError(
            f"stride={source.stride}: a policy with a memory needs whole episodes; set stride=1"
        )
    if source.dataset is not None and cell.demos > source.pool:
        held_out = " beside those for evaluation" if source.dataset.held_out else ""
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the data set has {source.pool} "
            f"episodes{held_out}: ask for fewer"
        )
    if source.behaviour is None and not source.is_own and cell.demos > source.pool:
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the pool has {source.pool} episodes: "
            "ask for fewer or raise the pool"
        )


def _refuse_extra(cell: Cell) -> None:
    """Raises the error for extra data that are missing, or that a method cannot use."""
    if cell.source.extra is None:
        raise UserError(
            f"{cell.method} learns from extra data beside the demonstrations, and there are none: "
            "set extra and extra_episodes of the source (--extra-demos, the number of episodes for "
            "each seed, and --extra-grade)"
        )
    able = ", ".join(name for name in algos.ALGOS if algos.traits(name).uses_extra)
    raise UserError(
        f"{cell.method} takes no extra data: leave extra out (--extra-demos), or use {able}"
    )
