"""Experts: policies that demonstrate, and that DAgger can ask."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple, get_args

from imitbench import envs
from imitbench.core.actor import as_actor
from imitbench.core.types import Actor, Policy, Spec
from imitbench.envs import bodies
from imitbench.envs.motion import tasks as motion
from imitbench.experts import learned, scripted
from imitbench.experts.hidden import full_task, load_file, on_full_obs
from imitbench.utils.errors import UserError, pick

__all__ = [
    "KINDS", "TASKS", "Expert", "Kind", "OwnKind", "all_experts", "experts_of", "find_expert",
    "find_player", "load", "load_actor",
]  # fmt: skip

OwnKind = Literal[scripted.Kind, "learned"]
Kind = Literal["auto", OwnKind]
KINDS: tuple[OwnKind, ...] = get_args(OwnKind)


class Expert(NamedTuple):
    """An expert that there is."""

    task: str
    grade: str
    kind: OwnKind
    path: Path | None = None  # of a learned one's file


def all_experts() -> list[Expert]:
    """All experts: the scripted ones, the files that ship, then further scripted ones of tasks
    that have several."""
    main = dict.fromkeys(
        [*scripted.LAWS, *(t for t, kind in scripted.ACTORS if kind == "scripted")]
    )
    files = [Expert(t, g, "learned", p) for (t, g), p in learned.shipped_files().items()]
    more = [Expert(t, "expert", kind) for t, kind in scripted.ACTORS if kind != "scripted"]
    return [Expert(task, "expert", "scripted") for task in main] + files + more


def _tasks_with_expert() -> tuple[str, ...]:
    own = dict.fromkeys(e.task for e in all_experts() if e.grade == "expert")
    others = [t for t in envs.TASKS if learned.base_task(t) in own or full_task(t) in own]
    return tuple(dict.fromkeys([*own, *others]))


TASKS = _tasks_with_expert()
"""The tasks that have an expert, their fixed-horizon forms, and those that hide a part of such a
task's observation."""


def experts_of(task: str) -> list[Expert]:
    """The experts that a task can use: its own, then its base task's (`Hopper` for `Hopper-fh`),
    then those of the task that hides nothing (`Hopper` for `Hopper-no-velocity`)."""
    names = dict.fromkeys((task, learned.base_task(task), full_task(task)))
    return [e for name in names for e in all_experts() if e.task == name]


def find_expert(task: str, grade: str = "expert", kind: Kind = "auto") -> Expert:
    """The expert of a task: its law, unless `kind` says otherwise, else its file, else what its
    base task has.

    Raises:
        UserError: there is none; the message says what else the task can have, or names the tasks
            that have one.
    """
    pick("grade of an expert", grade, learned.GRADES)
    pick("kind of expert", kind, ("auto", *KINDS))
    known = [e for e in all_experts() if e.grade == grade and kind in ("auto", e.kind)]
    found = [e for e in experts_of(task) if e in known]
    if found:
        return found[0]
    words = [grade] * (grade != "expert") + [kind] * (kind != "auto") + ["expert"]
    if words == ["expert"]:
        raise UserError(
            f"task {task!r} has no expert: {_without_expert(task)}; `imitbench experts list` shows "
            "the tasks with one"
        )
    names = ", ".join(dict.fromkeys(e.task for e in known)) or "none"
    raise UserError(f"task {task!r} has no {' '.join(words)}; tasks with one: {names}")


def _without_expert(task: str) -> str:
    """The data that there can be for a task without an expert, as options and in Python."""
    ways, other = [], bodies.original(task)
    if other != task and experts_of(other):
        ways.append(
            f"demonstrations of {other} (--source-task {other}; in Python collect them there and "
            "set other_task=True)"
        )
    if task in motion.TASKS:
        ways.append("the states of its clip (--grade clip; in Python grade='clip')")
    ways.append("data of your own (--data; in Python load_data)")
    own = "an expert of your own (--expert FILE.py:FUNCTION; in Python expert=FUNCTION)"
    return f"take {', '.join(ways)}, or {own}"


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
    """An expert of a task as a policy, for experts that need the task's observation alone.

    Args:
        expert: a learned expert's file, in place of grade and kind.
        spec: the task's, to check a learned expert against.

    Raises:
        UserError: there is none, its file is damaged or another task's, or it needs more than the
            observation.
    """
    if expert is None:
        found = find_expert(task, grade, kind)
        if found.task == full_task(task):
            raise UserError(
                f"the expert of {task} sees the observation of {found.task}, which {task} hides: "
                "take experts.load_actor"
            )
        if found.path is None:
            if found.task not in scripted.LAWS or found.kind != "scripted":
                raise UserError(
                    f"the {found.kind} expert of {task} has a memory: take experts.load_actor"
                )
            return scripted.policy(scripted.LAWS[found.task])
        expert = found.path
    return learned.load(Path(expert), spec, task)[0]


def load_actor(
    task: str, grade: str = "expert", kind: Kind = "auto", *, spec: Spec | None = None
) -> Actor:
    """An expert of a task as an actor.

    Where the task hides a part of the observation, the expert of the full task acts on the full
    observation, which the environment's states hold.

    Args:
        spec: the task's, to check a learned expert against.

    Raises:
        UserError: there is none, or its file is damaged.
    """
    found = find_expert(task, grade, kind)
    if found.path is not None:
        return as_actor(load_file(found.path, spec, task))
    expert = scripted.actor(found.task, found.kind)  # type: ignore[arg-type]
    return on_full_obs(expert) if found.task == full_task(task) else expert
