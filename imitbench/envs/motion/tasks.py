"""The tasks of motion imitation, by name: a body, a clip, and what episodes begin and end with."""

from __future__ import annotations

from typing import NamedTuple

from imitbench.envs.motion import clips
from imitbench.envs.motion.body import Body
from imitbench.envs.motion.imitation import Imitation
from imitbench.envs.motion.person import HANDS, HUMANOID, WALKER
from imitbench.envs.motion.quadruped import QUADRUPED
from imitbench.physics.engine import EngineName

FIXED_START, FIXED_HORIZON = "-fixed-start", "-fh"


class Task(NamedTuple):
    """A task of motion imitation."""

    about: str
    body: Body
    clip: str
    hands: tuple[str, ...] = ()  # bodies that may touch the ground beside the feet
    random_start: bool = True
    terminates: bool = True


def _tasks() -> dict[str, Task]:
    walker = {f"Walker2d-mocap-{clip}": (WALKER, clip) for clip in ("walk", "run")}
    dog = {f"Quadruped-{clip}": (QUADRUPED, clip) for clip in ("trot", "pace", "spin")}
    person = {
        f"Humanoid-mocap-{clip}": (HUMANOID, clip)
        for clip in ("walk", "run", "spinkick", "cartwheel")
    }
    bodies = {"Walker2d": "planar walker", "Quadruped": "quadruped", "Humanoid": "humanoid"}
    tasks = {}
    for name, (body, clip) in (walker | dog | person).items():
        about = f"motion imitation: the clip {clip} on a {bodies[name.split('-')[0]]}"
        tasks[name] = task = Task(about, body, clip, HANDS if clip == "cartwheel" else ())
        tasks[name + FIXED_START] = task._replace(
            about=f"{about}, from its beginning", random_start=False
        )
        tasks[name + FIXED_HORIZON] = task._replace(
            about=f"{about}, fixed horizon", terminates=False
        )
    return tasks


TASKS = _tasks()


def make(name: str, engine: EngineName) -> Imitation:
    """Builds the environment of a task.

    Args:
        name: one of `TASKS`.
        engine: the physics engine.

    Raises:
        UserError: the file of the clip is missing or damaged.
    """
    task, base = TASKS[name], name.removesuffix(FIXED_START).removesuffix(FIXED_HORIZON)
    return Imitation(
        name, engine, task.body, clips.load(task.clip), task.hands, task.random_start,
        task.terminates, evaluated_in=None if name == base else make(base, engine),
    )  # fmt: skip
