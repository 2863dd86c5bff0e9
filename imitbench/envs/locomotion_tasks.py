"""The locomotion tasks: their settings, and their MuJoCo models.

Source: gymnasium 1.4, envs/mujoco/*_v5.py with default arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import mujoco

from imitbench.envs.base import asset_path


@dataclass(frozen=True)
class Task:
    """The settings of one locomotion task."""

    xml: str
    frame_skip: int  # steps of the model in a step of the environment
    ctrl_cost: float  # per squared unit of control
    reset_noise: float  # bound or standard deviation of the noise on qpos and qvel at a reset
    healthy_reward: float = 1.0
    terminates: bool = True  # where unhealthy
    z: tuple[float, float] = (-math.inf, math.inf)  # m, healthy heights
    max_angle: float = math.inf  # rad from upright, healthy
    max_state: float = math.inf  # healthy size of qvel, and of qpos except x and z
    forward_weight: float = 1.0
    contact_cost: float = 0.0  # per squared unit of `cfrc_ext`
    max_contact_cost: float = math.inf
    normal_velocity: bool = False  # the noise on qvel is normal instead of uniform
    planar: bool = True  # moves in a plane: x is not observed; else x and y are not
    max_velocity: float = math.inf  # the observed qvel is clipped to this size
    max_contact: float = math.inf  # size to which contact forces are clipped, also in the cost
    action_scale: float = 1.0  # control per unit of action
    # The position whose x velocity is rewarded, a field of MjData; by default qpos[0].
    position: str = ""
    observed: tuple[str, ...] = ()  # fields of MjData that are observed beside qpos and qvel
    unobserved: tuple[str, ...] = ()  # those that the reward needs, and the full task observes
    observes_velocity: bool = True  # qvel is a part of the observation
    edit: Callable[[mujoco.MjSpec], None] | None = None  # changes the file's model before compiling

    @property
    def hidden(self) -> int:
        """The number of leading components of qpos that are not observed; next is the height."""
        return 1 if self.planar else 2

    @property
    def hides(self) -> bool:
        """Whether the full task observes more."""
        return not self.observes_velocity or bool(self.unobserved)

    @property
    def derived(self) -> tuple[str, ...]:
        """The fields of MjData that the engine keeps for this task."""
        position = (self.position,) if self.position else ()
        return (*self.observed, *self.unobserved, *position)


TASKS = {
    "Hopper": Task(
        "hopper.xml",
        4,
        1e-3,
        5e-3,
        z=(0.7, math.inf),
        max_angle=0.2,
        max_state=100,
        max_velocity=10,
    ),
    "Walker2d": Task(
        "walker2d_v5.xml", 4, 1e-3, 5e-3, z=(0.8, 2.0), max_angle=1.0, max_velocity=10
    ),
    "HalfCheetah": Task(
        "half_cheetah.xml", 5, 0.1, 0.1, healthy_reward=0, terminates=False, normal_velocity=True
    ),
    "Ant": Task(
        "ant.xml",
        5,
        0.5,
        0.1,
        z=(0.2, 1.0),
        contact_cost=5e-4,
        normal_velocity=True,
        planar=False,
        max_contact=1.0,
        position="xpos",
        observed=("cfrc_ext",),
    ),
    "Humanoid": Task(
        "humanoid.xml",
        5,
        0.1,
        1e-2,
        healthy_reward=5.0,
        z=(1.0, 2.0),
        forward_weight=1.25,
        contact_cost=5e-7,
        max_contact_cost=10.0,
        planar=False,
        action_scale=0.4,
        position="subtree_com",
        observed=("cinert", "cvel", "qfrc_actuator", "cfrc_ext"),
    ),
}
# As in version 4 of gymnasium, and in most publications: without the contact forces.
TASKS["Ant-27"] = replace(TASKS["Ant"], observed=(), unobserved=("cfrc_ext",))
TASKS |= {f"{name}-fh": replace(task, terminates=False) for name, task in TASKS.items()}
NO_VELOCITY = "-no-velocity"
TASKS |= {
    name + NO_VELOCITY: replace(TASKS[name], observes_velocity=False)
    for name in ("Hopper", "Walker2d", "HalfCheetah")
}


def build_model(xml: str, edit: Callable[[mujoco.MjSpec], None] | None = None) -> mujoco.MjModel:
    """Compiles a model of gymnasium's assets.

    Args:
        xml: the name of its file.
        edit: changes the model before it is compiled; by default nothing does.

    Raises:
        UserError: gymnasium is not installed.
    """
    path = asset_path("gymnasium", "envs", "mujoco", "assets", xml)
    if edit is None:
        return mujoco.MjModel.from_xml_path(path)
    spec = mujoco.MjSpec.from_file(path)
    edit(spec)
    return spec.compile()
