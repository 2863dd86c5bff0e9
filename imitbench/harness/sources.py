"""What a cell learns from: demonstrations of any grade, or a learner's own steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imitbench import algos, data
from imitbench.core import buffer
from imitbench.core.types import Env, Poses, Transition, UserError
from imitbench.harness import experience, streams
from imitbench.harness.suite import Cell


def check(cell: Cell, env: Env) -> None:
    """Before any work.

    Raises:
        UserError: there is no such demonstrator, none whose steps can be kept, or no physical
            state in them for a method that begins episodes there.
    """
    if share := algos.resets(cell.config):
        expert = cell.demos and not cell.source.behaviour and cell.source.grade != "replay"
        if not expert or not isinstance(env, Poses):
            why = "cannot begin in the middle of an episode" if expert else "no expert shows states"
            raise UserError(f"resets={share}: {cell.task}: {why}; set 0")
    wanted = stream(cell, env)
    if wanted is not None:
        streams.check(wanted)
    elif cell.demos:
        data.demonstrators(cell.task, cell.source.grade, cell.source.expert)


def stream(cell: Cell, env: Env) -> streams.Request | None:
    """The learner whose steps are the cell's data, where they are a learner's."""
    if not cell.demos or cell.source.behaviour is None:
        return None
    steps = cell.demos * env.spec.horizon
    return streams.Request(cell.task, cell.engine, steps, cell.source.behaviour)


def shown_steps(cell: Cell, env: Env) -> int:
    """Of an expert, in episodes that last until the time limit; a learner's own steps cost no
    expert anything."""
    if cell.source.behaviour is not None:
        return 0
    return cell.demos * env.spec.horizon // cell.source.every


def suspicions(cell: Cell, env: Env) -> list[str]:
    """Of the cell's demonstrations, which are collected before any training begins."""
    if not cell.demos or cell.source.behaviour is not None:
        return []
    wants = algos.traits(cell.method)
    return data.suspicions(
        _collected(cell),
        env.spec,
        rewards=wants.needs_rewards,
        success=wants.needs_goals_reached,
    )


def given(
    cell: Cell, env: Env, seeds: Sequence[int], *, configs: Sequence[Any] = ()
) -> tuple[Transition, data.Header | None]:
    """What the training seeds learn from, rows [S, N, ...] or [N, ...], and what that is; with
    poses where the cell or one of the `configs` begins episodes there."""
    if not cell.demos:
        return buffer.no_rows(env.spec), None
    wanted = stream(cell, env)
    if wanted is not None:
        return streams.load(wanted, seeds)
    found, source = _collected(cell), cell.source
    if not any(algos.resets(c) for c in (cell.config, *configs)):  # up to half of the data set
        found = found._replace(steps=found.steps.replace(pose=None))
    rows = data.subset(found, cell.demos, list(seeds), shared=source.shared, every=source.every)
    return rows, found.header


def _collected(cell: Cell) -> data.Demos:
    source = cell.source
    return experience.demonstrations(
        cell.task,
        cell.engine,
        source.pool,
        grade=source.grade,
        kind=source.expert,
        seed=source.seed,
        noise=source.noise,
        only_success=source.only_success,
    )
