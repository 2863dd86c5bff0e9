"""The commands that list what there is: `imitbench list methods`, `imitbench config bc`."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import tyro

from imitbench import algos, envs, experts
from imitbench.cli import locations
from imitbench.cli.options import MethodFile, MethodName, join_help_lines
from imitbench.suites.registry import load_suite, suite_names

WITH_SET = """\
As NAME=VALUE of --set: a name without dashes before it and with underscores in it, the items of a
list with commas, true or false. --lr is lr=1e-3, --hidden is hidden=256,256, --early-stopping is
early_stopping=true, --no-early-stopping is early_stopping=false, --clone.lr is clone.lr=1e-3."""


@dataclass(frozen=True)
class List:
    """List all tasks, methods or suites."""

    what: tyro.conf.Positional[Literal["tasks", "methods", "suites"]]
    """What to list."""

    def __call__(self) -> None:
        rows = {"tasks": _tasks, "methods": _methods, "suites": _suites}[self.what]()
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            print(f"{name:{width}}  {text}")


@dataclass(frozen=True)
class Config:
    """Show the settings of a method, with their defaults and meanings."""

    method: tyro.conf.Positional[MethodName]
    code: MethodFile = None

    def __call__(self) -> None:
        locations.check_method(self.method, self.code)
        kind = algos.ALGOS[self.method].Config
        join_help_lines(kind)
        with contextlib.suppress(SystemExit):  # tyro exits after a help text
            tyro.cli(kind, prog=f"settings of {self.method}", args=["--help"])
        print(WITH_SET)


def method_summary(name: str) -> str:
    """The first sentence of a method's description."""
    text = inspect.cleandoc(algos.ALGOS[name].__doc__ or "")
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", paragraph)[0] or "(no description)"


def method_needs(name: str) -> list[str]:
    """What a method needs: demonstrations of which kind, the environment, the expert."""
    traits = algos.traits(name)
    demonstrations = "demonstrations"
    if traits.needs_actions is False:
        demonstrations += " without actions"
    if traits.needs_rewards:
        demonstrations += " with rewards"
    if traits.needs_goals_reached:
        demonstrations += " that reach their goals"
    if traits.uses_extra:
        demonstrations += " and extra data"
    names = {"env": "environment", "expert": "expert"}
    return [demonstrations] * traits.needs_demos + [names[x] for x in algos.needs(name)]


def _tasks() -> Sequence[tuple[str, str]]:
    rows = []
    for name, entry in envs.TASKS.items():
        grades = ", ".join(dict.fromkeys(e.grade for e in experts.experts_of(name)))
        rows.append((name, f"{entry.description}. Experts: {grades or 'none'}."))
    return rows


def _methods() -> Sequence[tuple[str, str]]:
    return [
        (name, f"{method_summary(name)} Needs: {', '.join(method_needs(name)) or 'nothing'}.")
        for name in algos.ALGOS
    ]


def _suites() -> Sequence[tuple[str, str]]:
    rows = []
    for name in suite_names():
        suite = load_suite(name)
        sizes = ", ".join(f"{p} {len(cells)}" for p, cells in suite.profiles.items())
        rows.append((name, f"{suite.about} Cells: {sizes}."))
    return rows
