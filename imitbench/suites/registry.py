"""The suites by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from imitbench.suites import (
    awr,
    bcq,
    dagger,
    gail,
    learners,
    mix,
    quickstart,
    vins,
    vins_rl,
    vins_settings,
)
from imitbench.suites.schema import Suite
from imitbench.utils.errors import UserError, pick

SUITES: dict[str, Suite] = {
    module.SUITE.name: module.SUITE
    for module in (
        quickstart, vins, vins_settings, vins_rl, bcq, awr, gail, mix, dagger, learners,
    )
}  # fmt: skip


def suite_names() -> list[str]:
    """The names of the suites that come with the package, sorted."""
    return sorted(SUITES)


def load_suite(name: str) -> Suite:
    """A suite by name, or from a user's Python file that defines `SUITE`.

    A suite file is a program: loading it runs it.

    Raises:
        UserError: there is no such suite or file, or the file does not define `SUITE`.
    """
    path = Path(name)
    if path.suffix != ".py":
        return SUITES[pick("suite", name, suite_names())]
    if not path.exists():
        raise UserError(f"no such suite file: {path}")
    spec = importlib.util.spec_from_file_location(f"imitbench_suite_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    suite = getattr(module, "SUITE", None)
    if not isinstance(suite, Suite):
        raise UserError(f"{path} defines no SUITE of type imitbench.suites.Suite")
    return suite


def cell_order(name: str, profile: str) -> dict[tuple[str, int, str], int]:
    """The place of each cell (task, demonstrations, label) in a suite's list.

    Empty for a suite that does not come with the package.
    """
    suite = SUITES.get(name)
    cells = next((c for key, c in suite.profiles.items() if key == profile), ()) if suite else ()
    order: dict[tuple[str, int, str], int] = {}
    for i, cell in enumerate(cells):
        order.setdefault((cell.task, cell.demos, cell.name), i)
    return order
