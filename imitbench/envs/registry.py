"""The tasks by name, and the environments of each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from imitbench import physics
from imitbench.core.types import Env
from imitbench.envs import (
    bodies,
    brax,
    fetch,
    gymnasium,
    known_reward,
    locomotion,
    pixels,
    reacher,
    recorded,
    target_speed,
)
from imitbench.envs.locomotion_tasks import NO_VELOCITY
from imitbench.envs.motion import tasks as motion
from imitbench.envs.toys import forks, mountain_car, point_mass, probes, rooms, swing, tightrope
from imitbench.utils.errors import UserError, pick


class TaskEntry(NamedTuple):
    """A task in the registry."""

    description: str
    make: Callable[[str, str], Env]  # (engine, variant of the model) -> environment
    variants: tuple[str, ...] = ("default",)  # of the model
    gymnasium_id: str = ""  # of the environment with the same semantics
    gymnasium_kwargs: Mapping[str, Any] = {}
    # The task with the same dynamics whose observation is `FULL_OBS` of this one's states; its
    # experts demonstrate here. Empty where nothing is hidden.
    full_task: str = ""


FETCH_MODELS = ("default", "full", "reduced")


def _fetch(name: str, body: bodies.FetchBody | None = None) -> TaskEntry:
    task = body.task if body else fetch.TASKS[name]

    def make(engine: str, model: str) -> Env:
        chosen = physics.choose(engine)
        if chosen == "mjx" and not task.mjx:
            raise UserError(
                f"{name}: MJX has no collisions of a cylinder (the puck) with a box; use engine "
                "'native'"
            )
        if model == "default":
            model = "reduced" if chosen == "mjx" else "full"
        if chosen == "mjx" and model == "full":
            raise UserError(
                f"{name}: MJX cannot step the full model (mesh collisions); use model 'reduced'"
            )
        return fetch.Fetch(name, chosen, "full" if model == "full" else "reduced", task)

    if body:
        return TaskEntry(body.about, make, FETCH_MODELS)
    return TaskEntry("gymnasium-robotics v4 semantics", make, FETCH_MODELS, f"{name}-v4")


def _pixels(body: str, mode: pixels.Mode) -> TaskEntry:
    name = pixels.task_name(body, mode)

    def make_pixels(engine: str, model: str) -> Env:
        env = make(body, engine, model)
        assert isinstance(env, fetch.Fetch)
        return pixels.PixelTask(name, env, mode)

    about = f"{body} that observes {pixels.MODES[mode]}"
    return TaskEntry(about, make_pixels, FETCH_MODELS, full_task=body)


def _without_velocity(name: str) -> TaskEntry:
    return TaskEntry(
        "gymnasium v5 semantics, without velocities in the observation",
        lambda e, m: locomotion.Locomotion(name, physics.choose(e)),
        full_task=name.removesuffix(NO_VELOCITY),
    )


def _locomotion(name: str) -> TaskEntry:
    if name.endswith(NO_VELOCITY):
        return _without_velocity(name)
    base, is_fixed = name.removesuffix("-fh"), name.endswith("-fh")
    robot = base.removesuffix("-27")
    about, kwargs, full_task = "gymnasium v5 semantics", {}, ""
    if robot != base:
        about += ", without contact forces"
        kwargs["include_cfrc_ext_in_observation"] = False
        full_task = "" if is_fixed else robot
    if is_fixed:
        about += ", fixed horizon"
    if is_fixed and locomotion.TASKS[base].terminates:  # HalfCheetah has no such argument
        kwargs["terminate_when_unhealthy"] = False
    return TaskEntry(
        about,
        lambda e, m: locomotion.Locomotion(name, physics.choose(e)),
        gymnasium_id=f"{robot}-v5",
        gymnasium_kwargs=kwargs,
        full_task=full_task,
    )


def _edited(name: str, body: bodies.LocomotionBody) -> TaskEntry:
    return TaskEntry(
        body.about, lambda e, m: locomotion.Locomotion(name, physics.choose(e), body.task)
    )


def _without_physics(
    about: str, make: Callable[[], Env], gymnasium_id: str = "", full_task: str = ""
) -> TaskEntry:
    def make_checked(engine: str, model: str) -> Env:
        physics.choose(engine)  # only to reject an unknown name
        return make()

    return TaskEntry(about, make_checked, gymnasium_id=gymnasium_id, full_task=full_task)


def _probe(name: str) -> TaskEntry:
    about = "probe: " + probes.PROBES[name].description
    return _without_physics(about, lambda: probes.make(name))


def _motion(name: str) -> TaskEntry:
    return TaskEntry(motion.TASKS[name].about, lambda e, m: motion.make(name, physics.choose(e)))


def _tightrope(name: str) -> TaskEntry:
    about = f"toy: mistakes that add up over {tightrope.TASKS[name]} steps"
    return _without_physics(about, lambda: tightrope.Tightrope(name))


def _swing(name: str) -> TaskEntry:
    walls = ", with walls that turn it round" if swing.TASKS[name] else ""
    return _without_physics("a pendulum that is to swing up" + walls, lambda: swing.Swing(name))


def _known_reward(name: str) -> TaskEntry:
    about = "gymnasium v5 semantics; what is observed decides the reward; 500 steps"
    full_task = name.removesuffix(known_reward.SUFFIX)
    if name in known_reward.SPEEDS:
        about = f"run at {known_reward.SPEEDS[name]:g} m/s; what is observed decides the reward"
        full_task = target_speed.OBSERVED
    return TaskEntry(
        about, lambda e, m: known_reward.make(name, physics.choose(e)), full_task=full_task
    )


TASKS: dict[str, TaskEntry] = {
    **{name: _fetch(name) for name in fetch.TASKS},
    **{name: _locomotion(name) for name in locomotion.TASKS},
    **{name: _edited(name, body) for name, body in bodies.LOCOMOTION.items()},
    **{name: _fetch(name, body) for name, body in bodies.FETCH.items()},
    **{name: _known_reward(name) for name in (*known_reward.NAMES, *known_reward.SPEEDS)},
    **{
        pixels.task_name(body, mode): _pixels(body, mode)
        for body in pixels.BODIES
        for mode in pixels.MODES
        if mode not in pixels.NEED_GRAPHICS
    },
    "Reacher": TaskEntry(
        "gymnasium v5 semantics",
        lambda e, m: reacher.Reacher(physics.choose(e)),
        gymnasium_id="Reacher-v5",
    ),
    "PointMass": TaskEntry(
        "toy: push a disc to a goal",
        lambda e, m: point_mass.PointMass("PointMass", physics.choose(e)),
    ),
    forks.NAME: _without_physics(
        f"D3IL's Avoiding in the plane: {forks.MODES} ways past cylinders", forks.Forks
    ),
    target_speed.HIDDEN: TaskEntry(
        "run at a hidden target speed, and see only whether it is passed",
        lambda e, m: target_speed.TargetSpeed(target_speed.HIDDEN, physics.choose(e)),
        full_task=target_speed.OBSERVED,
    ),
    target_speed.OBSERVED: TaskEntry(
        "run at a target speed",
        lambda e, m: target_speed.TargetSpeed(target_speed.OBSERVED, physics.choose(e)),
    ),
    mountain_car.PLAIN: _without_physics(
        "gymnasium v0 semantics",
        lambda: mountain_car.MountainCar(mountain_car.PLAIN),
        gymnasium_id="MountainCar-v0",
    ),
    mountain_car.CONFOUNDED: _without_physics(
        "MountainCar that also observes the previous action",
        lambda: mountain_car.MountainCar(mountain_car.CONFOUNDED),
        full_task=mountain_car.PLAIN,
    ),
    "PointMass-rooms": _without_physics(
        "toy: push a ball through doors to a goal", lambda: rooms.PointMassRooms("PointMass-rooms")
    ),
    **{name: _motion(name) for name in motion.TASKS},
    **{name: _swing(name) for name in swing.TASKS},
    **{name: _tightrope(name) for name in tightrope.TASKS},
    **{name: _probe(name) for name in probes.PROBES},
}

GRAPHICS_TASKS: dict[str, TaskEntry] = {
    pixels.task_name(body, mode): _pixels(body, mode)
    for body in pixels.BODIES
    for mode in pixels.NEED_GRAPHICS
}
"""Further tasks, which need OpenGL and are not listed, because they do not run everywhere."""


def find_task(task: str) -> TaskEntry:
    """Returns the entry of a task.

    Args:
        task: one of `TASKS`, `brax/NAME`, `playground/NAME` or `gymnasium/ID`.

    Raises:
        UserError: the task is unknown, or its package is not installed.
    """
    if not isinstance(task, str):
        raise UserError(f"task {task!r:.60}: expected a name, such as 'Hopper'")
    if task.startswith(gymnasium.PREFIX):
        gymnasium.check(task)
        return TaskEntry("of Gymnasium's registry", lambda engine, _: gymnasium.make(task, engine))
    if task in GRAPHICS_TASKS:
        return GRAPHICS_TASKS[task]
    prefix = brax.task_prefix(task)
    if prefix is None:
        return TASKS[pick("task", task, TASKS)]
    pick("task", task, [f"{prefix}/{name}" for name in brax.env_names(prefix)])
    return TaskEntry(f"of the package {prefix}", lambda engine, _: brax.make(task, engine))


def task_name(name: str) -> str:
    """Returns the task that has a Gymnasium id, such as FetchPush for FetchPush-v4.

    Args:
        name: a task, or the id of the environment whose semantics a task has.

    Returns:
        The task; `name` itself where it is no such id.
    """
    for task, entry in TASKS.items():
        if name and name == entry.gymnasium_id and not entry.gymnasium_kwargs:
            return task
    return name


def action_scale(task: str) -> float:
    """Returns the action of the original environment that an action of 1 stands for.

    Args:
        task: a task, or none.
    """
    return 1.0 if task == recorded.NO_TASK else float(getattr(make(task), "action_scale", 1.0))


def check_task(task: str) -> str:
    """Returns the task's name, if there is such a task.

    Args:
        task: one of `TASKS`, `brax/NAME`, `playground/NAME`, `gymnasium/ID`, or none, for data of
            an unknown task.

    Raises:
        UserError: the task is unknown, or its package is not installed.
    """
    if task != recorded.NO_TASK:
        find_task(task)
    return task


@functools.lru_cache(maxsize=16)
def make(task: str, engine: str = "auto", model: str = "default") -> Env:
    """Builds the environment of a task; the same arguments give the same environment.

    Args:
        task: one of `TASKS`, `brax/NAME`, `playground/NAME` or `gymnasium/ID`.
        engine: `native`, `mjx`, or `auto` (native on a CPU, else mjx). Tasks of other packages take
            `auto` alone.
        model: for the Fetch tasks `full`, `reduced` or `default` (full on native, reduced on mjx);
            `default` for all others.

    Raises:
        UserError: the task, the engine or the model is unknown, or they cannot be combined.
    """
    entry = find_task(task)
    pick(f"model of {task}", model, entry.variants)
    return entry.make(engine, model)
