"""The suites by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imitbench.data import own_data
from imitbench.suites import (
    awr,
    bcq,
    dagger,
    gail,
    goals,
    history,
    inverse,
    labels,
    learners,
    mix,
    model_based,
    motion,
    observations,
    offline,
    pixels,
    policies,
    quickstart,
    vins,
    vins_rl,
    vins_settings,
)
from imitbench.suites.checks import check_suite
from imitbench.suites.schema import Suite
from imitbench.utils import modules
from imitbench.utils.errors import UserError, pick

SUITES: dict[str, Suite] = {
    module.SUITE.name: module.SUITE
    for module in (
        quickstart, vins, vins_settings, vins_rl, bcq, awr, offline, gail, mix, dagger, learners,
        policies, history, labels, goals, inverse, observations, motion, model_based,
        pixels,
    )
}  # fmt: skip


def suite_names() -> list[str]:
    """Returns the names of the suites that come with the package, sorted."""
    return sorted(SUITES)


def methods_by_label(name: str) -> Mapping[str, str]:
    """The method behind each label of a suite that comes with the package; empty for any other."""
    if name not in SUITES:
        return {}
    return {c.name: c.method for cells in SUITES[name].profiles.values() for c in cells}


def load_suite(name: str) -> Suite:
    """Loads a suite by its name, or from a user's Python file that defines `SUITE`.

    A suite file is a program: loading it runs it. Relative paths of data sets in it start from its
    own folder.

    Args:
        name: the name of a suite that comes with the package, or the path of a file `*.py`.

    Returns:
        The suite.

    Raises:
        UserError: there is no such suite or file, the file does not define `SUITE` or raises an
            error, or a name in it cannot be the name of a folder.
    """
    path = Path(name)
    if path.suffix != ".py":
        return SUITES[pick("suite", name, suite_names())]
    suite = getattr(modules.import_file(path, "suite file"), "SUITE", None)
    if not isinstance(suite, Suite):
        raise UserError(f"{path} defines no SUITE of type imitbench.suites.schema.Suite")
    return _start_from(check_suite(suite), path.parent)


def _start_from(suite: Suite, folder: Path) -> Suite:
    """The suite with absolute paths of its data sets; relative ones start from the folder."""
    profiles = {
        profile: tuple(
            dataclasses.replace(cell, source=own_data.start_from(cell.source, folder))
            for cell in cells
        )
        for profile, cells in suite.profiles.items()
    }
    return dataclasses.replace(suite, profiles=profiles)


def cell_order(name: str, profile: str) -> dict[tuple[str, int, str, str], int]:
    """Returns the position of each cell in a suite's list.

    Args:
        name: the suite's name.
        profile: the profile's name.

    Returns:
        Positions by task, demonstrations, label and source (see `source_key`); also with an empty
        source, for cells of an older one: of several cells, the first one counts. Empty for a suite
        that does not come with the package.
    """
    suite = SUITES.get(name)
    cells = next((c for key, c in suite.profiles.items() if key == profile), ()) if suite else ()
    order: dict[tuple[str, int, str, str], int] = {}
    for i, cell in enumerate(cells):
        known = cell.task, cell.demos, cell.name
        order.setdefault((*known, source_key(cell.source.identity())), i)
        order.setdefault((*known, ""), i)
    return order


def source_key(identity: Mapping[str, Any]) -> str:
    """Returns the identity of a source of demonstrations as a text."""
    return json.dumps(identity, sort_keys=True)
