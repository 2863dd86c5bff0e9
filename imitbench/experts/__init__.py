"""Experts: policies that demonstrate, and that DAgger can ask."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from imitbench.core.types import Actor, Policy, Spec
from imitbench.experts import learned, scripted
from imitbench.utils.errors import UserError, pick

__all__ = [
    "TASKS", "Expert", "Kind", "all_experts", "experts_of", "find_expert", "find_player", "load",
]  # fmt: skip

Kind = Literal["auto", "scripted", "learned"]


class Expert(NamedTuple):
    """An expert that there is."""

    task: str
    grade: str
    kind: Literal["scripted", "learned"]
    path: Path | None = None  # of a learned one's file


def all_experts() -> list[Expert]:
    """All experts: the laws, then the files that ship."""
    laws = [Expert(task, "expert", "scripted") for task in scripted.LAWS]
    return laws + [Expert(t, g, "learned", p) for (t, g), p in learned.shipped_files().items()]


TASKS = tuple(dict.fromkeys(e.task for e in all_experts() if e.grade == "expert"))


def experts_of(task: str) -> list[Expert]:
    """The experts that a task can use: its own, then its base task's (`Hopper` for `Hopper-fh`)."""
    names = dict.fromkeys((task, learned.base_task(task)))
    return [e for name in names for e in all_experts() if e.task == name]


def find_expert(task: str, grade: str = "expert", kind: Kind = "auto") -> Expert:
    """The expert of a task: its law, unless `kind` says otherwise, else its file, else what its
    base task has.

    Raises:
        UserError: there is none; the message names the tasks that have one.
    """
    pick("grade of an expert", grade, learned.GRADES)
    pick("kind of expert", kind, ("auto", "scripted", "learned"))
    known = [e for e in all_experts() if e.grade == grade and kind in ("auto", e.kind)]
    found = [e for e in experts_of(task) if e in known]
    if found:
        return found[0]
    words = [grade] * (grade != "expert") + [kind] * (kind != "auto") + ["expert"]
    names = ", ".join(dict.fromkeys(e.task for e in known)) or "none"
    own = "name one of your own as expert; " * (words == ["expert"])
    raise UserError(f"task {task!r} has no {' '.join(words)}; {own}tasks with one: {names}")


def find_player(task: str) -> Actor:
    """The demonstrator of a task that plays, whatever the goal is.

    Raises:
        UserError: there is none; the message names the tasks that have one.
    """
    if task not in scripted.PLAYERS:
        raise UserError(
            f"task {task!r} has no player; tasks with one: {', '.join(scripted.PLAYERS)}. Grade "
            "'random' needs none"
        )
    return scripted.PLAYERS[task]()


def load(
    task: str,
    grade: str = "expert",
    kind: Kind = "auto",
    *,
    expert: str | Path | None = None,
    spec: Spec | None = None,
) -> Policy:
    """An expert of a task as a policy.

    Args:
        expert: a learned expert's file, in place of grade and kind.
        spec: the task's, to check a learned expert against.

    Raises:
        UserError: there is none, or its file is damaged or another task's.
    """
    if expert is None:
        found = find_expert(task, grade, kind)
        if found.path is None:
            return scripted.policy(scripted.LAWS[found.task])
        expert = found.path
    return learned.load(Path(expert), spec, task)[0]
