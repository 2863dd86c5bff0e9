"""Whether demonstrations hold the actions that a method needs, and fit a task of another body."""

from __future__ import annotations

from typing import Any

from imitbench import algos, envs
from imitbench.core.types import Env, Spec
from imitbench.data.sources import clip_demos
from imitbench.data.sources.source import DataRequest
from imitbench.envs import bodies
from imitbench.utils.errors import UserError


def check(request: DataRequest, method: str, config: Any, env: Env) -> None:
    """Checks a cell's data against its method and its task, before any work.

    Args:
        request: the cell's data; a data set of the user has been read.
        method: the cell's method.
        config: its settings.
        env: the task's environment.

    Raises:
        UserError: the method needs actions that the data do not have, or the source's task has
            other observations than the cell's.
    """
    source = request.source
    if not request.demos:
        return
    if source.dataset is not None and not source.dataset.demos.has_actions:
        _check_needs_none(method, config, "the data set has none")
    if source.grade == "clip":
        clip_demos.require_clip(env)
        _check_needs_none(method, config, "a clip has none")
    if not source.task:
        return
    other = envs.make(source.task, request.engine).spec
    check_observations(source.task, other, request.task, env.spec)
    if not same_actions(other, env.spec):
        why = f"{source.task} has actions of another size than {request.task}, which are left out"
        _check_needs_none(method, config, why)
    if share := algos.reset_share(config):
        raise UserError(
            f"resets={share}: the demonstrated states are those of {source.task}, which is another "
            f"body than {request.task}; set resets=0"
        )


def check_observations(source: str, other: Spec, task: str, spec: Spec) -> None:
    """Checks that demonstrations of one task have the observations of another.

    Args:
        source: the name of the task of the demonstrations.
        other: its description.
        task: the name of the task that is learned.
        spec: its description.

    Raises:
        UserError: observations have another size or other parts, or episodes are longer.
    """
    if other.obs_size != spec.obs_size or dict(other.fields) != dict(spec.fields):
        raise UserError(
            f"source task {source} has {other.obs_size} observed numbers ({_parts(other)}), {task} "
            f"has {spec.obs_size} ({_parts(spec)}): expected the same; take another source task"
        )
    if other.horizon > spec.horizon:
        raise UserError(
            f"source task {source} has episodes of {other.horizon} steps, {task} of "
            f"{spec.horizon}: expected no longer ones; take another source task"
        )


def same_actions(one: Spec, other: Spec) -> bool:
    """Returns whether two tasks have actions of the same kind and size."""
    return (one.action_size, one.discrete) == (other.action_size, other.discrete)


def warnings(request: DataRequest, method: str) -> list[str]:
    """Lists what a user should know of demonstrations of another task.

    Args:
        request: the cell's data.
        method: the cell's method.

    Returns:
        One line for each warning.
    """
    source, lines = request.source.task, []
    if not source:
        return []
    if bodies.original(source) != bodies.original(request.task):
        lines.append(
            f"{source} and {request.task} are no bodies of one robot that imitbench knows: the "
            "parts of their observations have the same sizes, but may mean other things"
        )
    if algos.traits(method).needs_rewards:
        lines.append(
            f"the rewards of the demonstrations are those of {source}, not of {request.task}"
        )
    return lines


def _parts(spec: Spec) -> str:
    return ", ".join(f"{name} {s.stop - s.start}" for name, s in spec.fields.items())


def _check_needs_none(method: str, config: Any, why: str) -> None:
    """Checks that a method learns from observations alone."""
    if not algos.needs_actions(method, config):
        return
    able = {k: algos.traits(k) for k in algos.ALGOS if algos.traits(k).needs_demos}
    always = ", ".join(k for k, t in able.items() if t.needs_actions is False)
    some = ", ".join(k for k, t in able.items() if callable(t.needs_actions))
    raise UserError(
        f"{method} with these settings learns from demonstrated actions, and {why}: use a method "
        f"that does not ({always}; or {some} where a setting `inputs` or `discriminator.inputs` is "
        "transition or state, and clone_steps=0)"
    )
