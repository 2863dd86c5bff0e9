"""The expert that DAgger and DART ask: whoever demonstrated, where that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from imitbench import experts
from imitbench.core.types import Actor, Policy, Spec
from imitbench.data.sources.grades import GRADES
from imitbench.data.sources.source import DemoSource
from imitbench.experts import learned
from imitbench.experts.external import ExternalExpert
from imitbench.utils.errors import UserError


class AskedExpert(NamedTuple):
    """The expert that a method asks."""

    label: str
    """Its name in the results."""
    identity: Any
    """What a cell's identity says of it, JSON data; None where it is the task's expert, the
    scripted one if there is one, which older cells do not name."""
    load: Callable[[Spec], Actor | Policy]
    """Builds it for the task's `Spec`."""
    warnings: tuple[str, ...] = ()
    """What a user should know of it."""


def find_asked_expert(task: str, source: DemoSource) -> AskedExpert:
    """Finds the expert that a method asks.

    It is the demonstrator of the cell's demonstrations: the expert that the source names, the
    medium policy for grade medium, and for a data set of imitbench the kind of expert in its
    header. In all other cases it is the task's expert.

    Args:
        task: the task's name.
        source: of the cell's demonstrations.

    Raises:
        UserError: the task has no such expert.
    """
    if isinstance(source.expert, ExternalExpert):
        expert = source.expert
        return AskedExpert(expert.label, expert.identity(), lambda spec: expert.actor)
    kind, grade, warnings = _demonstrator(source)
    found = experts.find_expert(task, grade, kind)
    label = found.kind if found.grade == "expert" else f"{found.kind}, {found.grade}"

    def load(spec: Spec) -> Actor:
        return experts.load_actor(task, found.grade, found.kind, spec=spec)

    is_default = found == _default(task)
    warnings = tuple(line.format(label=label) for line in warnings)
    return AskedExpert(label, None if is_default else label, load, warnings)


def _demonstrator(source: DemoSource) -> tuple[experts.Kind, str, tuple[str, ...]]:
    """Kind and grade of the house expert to ask, and warnings in which it is `{label}`."""
    kind: Any = source.expert
    if source.dataset is None:
        if source.behaviour is not None:
            return kind, "expert", ()
        parts = GRADES[source.grade].parts
        return kind, parts[0] if parts and parts[0] in learned.GRADES else "expert", ()
    header = source.dataset.demos.header
    if kind != "auto":
        return kind, "expert", ()
    if header.expert in experts.KINDS:
        return header.expert, "medium" if header.grade == "medium" else "expert", ()
    line = (
        f"the demonstrator of the data set is {header.expert.replace('{', '').replace('}', '')!r}, "
        "and the questions go to the {label} expert of the task, which may act differently: name "
        "the demonstrator as expert, if it can be asked"
    )
    return kind, "expert", (line,)


def _default(task: str) -> experts.Expert | None:
    """The expert that cells asked before they named it."""
    try:
        return experts.find_expert(task)
    except UserError:
        return None
