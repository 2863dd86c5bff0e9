"""Loading of a cell's data: demonstrations of any grade, or the steps of another learner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from imitbench import algos, envs
from imitbench.core import buffer
from imitbench.core.capabilities import Poses
from imitbench.core.types import Env, Transition
from imitbench.data import compatibility, memory_map, validate
from imitbench.data.demonstrations import subset
from imitbench.data.header import Header
from imitbench.data.rows import Demos
from imitbench.data.sources import behaviour, extra, image_demos
from imitbench.data.sources.collection import load_pool
from imitbench.data.sources.grades import demonstrators
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.utils import machine
from imitbench.utils.errors import UserError

LARGE = 0.5  # share of the device's memory above which data give a warning


class Loaded(NamedTuple):
    """The data of a cell in memory."""

    rows: Transition  # [S, N, ...], or [N, ...] where all seeds share them
    header: Header | None  # of the data set; None without demonstrations, whose N is 0
    demonstrated_steps: int = 0
    """The steps that an expert demonstrates to a seed on average: the mean number of steps of
    positive weight in the episodes that a seed may draw, times the episodes that it gets, rounded;
    of thinned data one in `stride`. 0 for the steps of another learner, which cost no expert
    anything, and without demonstrations."""


def check(request: DataRequest, config: Any, env: Env) -> None:
    """Checks that the data can be loaded or collected, before any work.

    Args:
        request: the cell's data.
        config: settings of the cell's method.
        env: the task's environment.

    Raises:
        UserError: the task has no such expert, the user's data set does not fit the task, the
            steps of the learner cannot be kept, or the method uses demonstrated states and the
            data or the environment have none.
    """
    if share := algos.reset_share(config):
        _check_poses(request, env, f"resets={share}", "set resets=0")
    elif algos.needs_poses(config):
        _check_poses(request, env, "the method", "use another method")
    learner = behaviour_request(request, env)
    if learner is not None:
        behaviour.check(learner)
    elif request.demos or request.source.dataset is not None:
        _check_source(request.demonstrated, request.source, env)
        if request.source.extra is not None:
            _check_source(request.task, request.source.extra, env)


def _check_source(task: str, source: DemoSource, env: Env) -> None:
    """Checks one source that is collected, or that is a data set in memory."""
    if source.dataset is None:
        demonstrators(task, source.grade, source.expert)
        return
    for demos in (source.dataset.demos, source.dataset.held_out):
        if demos is not None:
            validate.check_steps(demos, env.spec, f"the data set of {task}", {})


def check_stream(request: DataRequest, method: str) -> None:
    """Checks that a method can learn from data that stay in files.

    Args:
        request: the cell's data.
        method: the cell's method.

    Raises:
        UserError: it cannot, or the data are those of another learner, which are not in files.
    """
    if not request.source.stream:
        return
    if not algos.traits(method).streams:
        able = ", ".join(name for name in algos.ALGOS if algos.traits(name).streams)
        if algos.needs(method):
            reason = "it keeps all data in the device's memory, beside the steps that it collects"
        else:
            reason = "it computes its features of all steps at once"
        raise UserError(
            f"stream: {method} cannot learn from data that stay in files, for {reason}; leave "
            f"stream out, or use one of {able}"
        )
    if request.source.behaviour is not None:
        raise UserError(
            "stream: the steps of another learner are in memory; leave stream or behaviour out"
        )


def check_image_memory(request: DataRequest, config: Any, env: Env, seeds: int) -> None:
    """Checks that the images of a task fit into memory, before any work.

    Args:
        request: the cell's data.
        config: settings of the cell's method.
        env: the task's environment.
        seeds: S, the number of training seeds.

    Raises:
        UserError: the images of the pool, of the demonstrations of all seeds and of the steps that
            the method keeps take more than the device's memory.
    """
    if env.spec.image is None:
        return
    source, horizon = request.source, env.spec.horizon
    copies = 1 if source.same_subset else seeds
    pool = source.pool if request.demos else 0
    rows = (pool + copies * request.demos) * horizon
    kept = seeds * algos.stored_rows(config)
    size, room = image_demos.memory(env, rows, kept), machine.device_memory()
    if size > room:
        raise UserError(
            f"the images of {request.task} take {size / 2**30:.1f} GiB ({rows:,} demonstrated "
            f"steps of {seeds} seeds and their pool, {kept:,} steps that the method keeps), and "
            f"the device has {room / 2**30:.1f} GiB: lower demos, pool, seeds or capacity"
        )


def memory_warnings(request: DataRequest, method: str, seeds: int) -> list[str]:
    """Warns of data that take much of the device's memory.

    Args:
        request: the cell's data, which exist.
        method: the cell's method.
        seeds: S, the number of training seeds.

    Returns:
        One line for each warning.
    """
    source = request.source
    if not request.demos or source.behaviour is not None or source.stream:
        return []
    pool = load_pool(request.task, request.engine, source)
    copies = 1 if source.same_subset else seeds
    size, room = memory_map.device_bytes(pool, request.demos, copies), machine.device_memory()
    if source.extra is not None:
        further = load_pool(request.task, request.engine, source.extra)
        size += memory_map.device_bytes(further, source.extra_episodes, copies)
    if size <= LARGE * room:
        return []
    remedy = "give each seed fewer episodes, or the same ones to all"
    if algos.traits(method).streams:
        remedy = "leave them in files (--stream, or stream=True), or " + remedy
    return [
        f"the demonstrations of {copies} seeds take {size / 2**30:.1f} GiB of the device's "
        f"{room / 2**30:.1f} GiB: {remedy}"
    ]


def _check_poses(request: DataRequest, env: Env, who: str, remedy: str) -> None:
    """Checks that there are demonstrated states to begin from, for `who` needs them."""
    source = request.source
    no_poses = source.dataset is not None and source.dataset.demos.rows.pose is None
    if not request.demos or source.behaviour is not None or source.grade == "replay" or no_poses:
        raise UserError(
            f"{who}: the data of {request.task} hold no demonstrated states to reset to; "
            f"{remedy}, or demos>0 with an expert"
        )
    if not isinstance(env, Poses):
        raise UserError(f"{who}: {request.task} cannot be reset to a demonstrated state; {remedy}")


def behaviour_request(request: DataRequest, env: Env) -> behaviour.Request | None:
    """Returns the learner whose steps are the data of a cell.

    Args:
        request: the cell's data.
        env: the task's environment.

    Returns:
        The learner and its number of environment steps; None for other data.
    """
    if not request.demos or request.source.behaviour is None:
        return None
    steps = request.demos * env.spec.horizon
    return behaviour.Request(request.task, request.engine, steps, request.source.behaviour)


def warnings(request: DataRequest, method: str, env: Env, configs: Sequence[Any] = ()) -> list[str]:
    """Lists what a user should know of a cell's demonstrations; collects them if need be.

    Args:
        request: the cell's data.
        method: the cell's method.
        env: the task's environment.
        configs: settings of the method that the demonstrations are for; none: its default ones.

    Returns:
        One line for each warning.

    Raises:
        UserError: the demonstrations lack what the method needs.
    """
    if not request.demos or request.source.behaviour is not None:
        return []
    traits, source = algos.traits(method), request.source
    pool = load_pool(request.task, request.engine, source)
    if any(map(algos.relabelled_share, configs)):
        validate.check_goals(pool, env.spec)
    lengths = pool.lengths.tolist()
    lines = [
        line
        for config in configs or [algos.ALGOS[method].Config()]
        for line in algos.episode_warnings(method, config, lengths, source.stride, env.spec)
    ]
    rewards = traits.needs_rewards
    lines += validate.warnings(pool, env.spec, rewards=rewards, success=traits.needs_goals_reached)
    lines += _own_data_warnings(pool, env, source)
    lines += compatibility.warnings(request, method)
    if source.extra is not None:
        further = load_pool(request.task, request.engine, source.extra)
        found = validate.warnings(further, env.spec, rewards=rewards)
        found += _own_data_warnings(further, env, source.extra)
        lines += [f"extra data: {line}" for line in found]
    return lines


def _own_data_warnings(pool: Demos, env: Env, source: DemoSource) -> list[str]:
    """Warnings that only data of users can give."""
    return [] if source.dataset is None else validate.constant_warnings(pool, env.spec)


def load_demonstrations(
    request: DataRequest,
    env: Env,
    seeds: Sequence[int],
    *,
    configs: Sequence[Any],
    first_seed: int | None = None,
) -> Loaded:
    """Loads the rows that the training seeds learn from; collects them if need be.

    Args:
        request: the cell's data.
        env: the task's environment.
        seeds: the S training seeds.
        configs: settings of the methods that learn from the rows; poses are kept where one of them
            uses them.
        first_seed: the cell's first training seed, which draws a subset that all seeds share; by
            default the first one of `seeds`, which may be those that a cell lacks.

    Returns:
        The rows, the header of their data set, and the number of demonstrated steps.

    Raises:
        UserError: the data cannot be collected, or there are fewer episodes than `request.demos`.
    """
    if not request.demos:
        return Loaded(buffer.no_rows(env.spec), None)
    learner = behaviour_request(request, env)
    if learner is not None:
        return Loaded(*behaviour.load(learner, seeds))
    source = request.source
    pool = load_pool(request.task, request.engine, source)
    steps = pool.by_episode(np.count_nonzero, np.asarray(pool.rows.weight) > 0)
    demonstrated = round(request.demos * steps.mean()) // source.stride
    if not any(map(algos.needs_poses, configs)):  # poses are up to half of the data set
        pool = pool.replace(rows=pool.rows.replace(pose=None))
    if source.task:
        other = envs.make(source.task, request.engine).spec
        if not compatibility.same_actions(other, env.spec):
            pool = pool.without_actions()
    if source.stream:
        pool = memory_map.memory_mapped(pool)
    if source.same_subset and first_seed is not None:
        seeds = [first_seed]
    if source.extra is not None:
        further = load_pool(request.task, request.engine, source.extra)
        rows = extra.subset(
            pool,
            request.demos,
            further,
            source.extra_episodes,
            seeds,
            same=source.same_subset,
            stride=source.stride,
        )
    else:
        rows = subset(
            pool,
            request.demos,
            seeds,
            same=source.same_subset,
            stride=source.stride,
            stream=source.stream,
        )
    return Loaded(rows, pool.header, demonstrated)
