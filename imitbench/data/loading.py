"""What a cell learns from: demonstrations of any grade, or a learner's own steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from imitbench import algos
from imitbench.core import buffer
from imitbench.core.types import Env, Poses, Transition
from imitbench.data import behaviour, validate
from imitbench.data.collection import load_pool
from imitbench.data.demonstrations import Header, subset
from imitbench.data.grades import demonstrators
from imitbench.data.source import DemoSource
from imitbench.utils.errors import UserError


class DataRequest(NamedTuple):
    """The data of one cell."""

    task: str
    engine: str  # as asked for: auto, native or mjx
    demos: int  # episodes for each training seed; 0 for methods that learn without
    source: DemoSource


def check(request: DataRequest, config: Any, env: Env) -> None:
    """Checks that the data can be had, before any work.

    Args:
        request: the cell's data.
        config: settings of the cell's method.
        env: the task's environment.

    Raises:
        UserError: there is no such demonstrator, none whose steps can be kept, or no physical
            state in them for a method that begins episodes there.
    """
    source = request.source
    if share := algos.reset_share(config):
        expert = request.demos and not source.behaviour and source.grade != "replay"
        if not expert or not isinstance(env, Poses):
            why = "cannot begin in the middle of an episode" if expert else "no expert shows states"
            raise UserError(f"resets={share}: {request.task}: {why}; set 0")
    learner = behaviour_request(request, env)
    if learner is not None:
        behaviour.check(learner)
    elif request.demos:
        demonstrators(request.task, source.grade, source.expert)


def behaviour_request(request: DataRequest, env: Env) -> behaviour.Request | None:
    """The learner whose steps are the data, where they are a learner's."""
    if not request.demos or request.source.behaviour is None:
        return None
    steps = request.demos * env.spec.horizon
    return behaviour.Request(request.task, request.engine, steps, request.source.behaviour)


def demonstrated_steps(request: DataRequest, env: Env) -> int:
    """Steps that an expert showed each seed, in episodes that last until the time limit.

    A learner's own steps cost no expert anything: 0.
    """
    if request.source.behaviour is not None:
        return 0
    return request.demos * env.spec.horizon // request.source.stride


def warnings(request: DataRequest, method: str, env: Env) -> list[str]:
    """What a user should know of the demonstrations, which are collected here: one line each.

    Raises:
        UserError: they lack what the method needs.
    """
    if not request.demos or request.source.behaviour is not None:
        return []
    traits = algos.traits(method)
    return validate.warnings(
        load_pool(request.task, request.engine, request.source),
        env.spec,
        rewards=traits.needs_rewards,
        success=traits.needs_goals_reached,
    )


def load_demonstrations(
    request: DataRequest, env: Env, seeds: Sequence[int], *, configs: Sequence[Any]
) -> tuple[Transition, Header | None]:
    """Loads what the training seeds learn from.

    Args:
        request: the cell's data.
        env: the task's environment.
        seeds: training seeds.
        configs: settings of the methods that learn from it; poses are kept where one of them
            begins episodes at demonstrated states.

    Returns:
        Rows [S, N, ...], or [N, ...] where all seeds share them; and the data set's header, None
        for a method that learns without demonstrations.
    """
    if not request.demos:
        return buffer.no_rows(env.spec), None
    learner = behaviour_request(request, env)
    if learner is not None:
        return behaviour.load(learner, seeds)
    source = request.source
    pool = load_pool(request.task, request.engine, source)
    if not any(algos.reset_share(c) for c in configs):  # poses are up to half of the data set
        pool = pool._replace(steps=pool.steps.replace(pose=None))
    rows = subset(pool, request.demos, list(seeds), same=source.same_subset, stride=source.stride)
    return rows, pool.header
