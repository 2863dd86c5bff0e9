"""Tasks with an edited body: the observation and the action of another task, on another machine.

They serve imitation across bodies: demonstrations of one body, a learner in the other. The edits
are those of Ma et al. 2022 (arXiv:2202.02433), section 5: a HalfCheetah with half a torso, and an
Ant with a disabled leg; their models are not published, so lengths and names are ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import mujoco

from imitbench.envs import fetch_model, locomotion_tasks

LEG = ("hip_1", "ankle_1")  # the joints of the Ant's front left leg
SLOW = 0.03  # m of the slow arm's displacement per unit of action, of 0.05


class LocomotionBody(NamedTuple):
    """An edited robot of `locomotion`."""

    about: str
    task: locomotion_tasks.Task


class FetchBody(NamedTuple):
    """An edited arm of `fetch`."""

    about: str
    base: str  # the task with the original arm
    task: fetch_model.Task


def halve_torso(spec: mujoco.MjSpec) -> None:
    """Halves the HalfCheetah's torso, and moves legs and head to its new ends.

    The file scales all masses to a total; the new total keeps the density, so that legs and head
    weigh what they weighed.

    Args:
        spec: the model, which is changed.
    """
    total = spec.compiler.settotalmass  # kg
    spec.compiler.settotalmass = -1  # as the densities say
    whole = spec.compile().body_mass.sum()
    torso = spec.geom("torso")
    half = float(torso.fromto[3])  # m
    torso.fromto = torso.fromto / 2
    head = spec.geom("head")
    head.pos = [head.pos[0] - half / 2, *head.pos[1:]]
    for name in ("bthigh", "fthigh"):
        thigh = spec.body(name)
        thigh.pos = [thigh.pos[0] / 2, *thigh.pos[1:]]
    spec.compiler.settotalmass = total * spec.compile().body_mass.sum() / whole


def disable_leg(spec: mujoco.MjSpec) -> None:
    """Disconnects the motors of the Ant's front left leg, which hangs from its joints.

    The motors stay part of the action, and their control still costs.

    Args:
        spec: the model, which is changed.
    """
    for motor in spec.actuators:
        if motor.target in LEG:
            motor.gear = [0.0] * len(motor.gear)


def _disabled(name: str) -> LocomotionBody:
    task = replace(locomotion_tasks.TASKS[name], edit=disable_leg)
    return LocomotionBody(f"{name} whose front left leg has no motors", task)


def _slow(name: str) -> FetchBody:
    about = f"{name} with an arm that moves 3 cm where the original moves 5 cm"
    return FetchBody(about, name, replace(fetch_model.TASKS[name], step=SLOW))


LOCOMOTION = {
    "HalfCheetah-short": LocomotionBody(
        "HalfCheetah with half a torso",
        replace(locomotion_tasks.TASKS["HalfCheetah"], edit=halve_torso),
    ),
    "Ant-disabled": _disabled("Ant"),
    "Ant-27-disabled": _disabled("Ant-27"),
}
FETCH = {f"{name}-slow": _slow(name) for name in ("FetchReach", "FetchPush", "FetchPickAndPlace")}


def original(task: str) -> str:
    """Returns the robot of a task: the task whose body was edited, without a suffix `-fh`.

    Args:
        task: any task.
    """
    edited = task.rpartition("-")[0] if task in (*LOCOMOTION, *FETCH) else task
    return edited.removesuffix("-fh")
