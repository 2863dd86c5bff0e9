"""Scripted experts: laws, which are functions of the observation, and actors with a memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.core.actor import from_policy
from imitbench.core.types import Actor, Policy
from imitbench.envs.toys import forks as forks_task
from imitbench.envs.toys import swing as swing_task
from imitbench.envs.toys import tightrope
from imitbench.experts.scripted import fetch, fetch_paused, fetch_sides, forks, rooms, swing
from imitbench.experts.scripted.fetch import Law, clip

VERSION = 1  # raised with every change of what an expert does; see `make golden`

Kind = Literal["scripted", "scripted-two-sides", "scripted-one-side", "scripted-paused"]


def point_mass(obs: jax.Array) -> jax.Array:
    """Proportional and derivative control."""
    pos, vel, g = obs[0:2], obs[2:4], obs[4:6]
    return clip(4.0 * (g - pos) - 1.5 * vel)


def mountain_car(obs: jax.Array) -> jax.Array:
    """Push in the direction of the motion, which raises the energy in every step."""
    return jnp.where(obs[1] < 0, 0, 2).astype(jnp.int32)


LAWS: dict[str, Law] = {
    "FetchReach": fetch.reach,
    "FetchPush": fetch.push,
    "FetchPickAndPlace": fetch.pick_and_place,
    "FetchSlide": fetch.slide,
    # Feedback: they need more steps with the slow arm, but no other law.
    "FetchReach-slow": fetch.reach,
    "FetchPush-slow": fetch.push,
    "FetchPickAndPlace-slow": fetch.pick_and_place,
    "PointMass": point_mass,
    "PointMass-rooms": rooms.navigate,
    "MountainCar": mountain_car,
    **dict.fromkeys(swing_task.TASKS, swing.swing_up),
    **dict.fromkeys(tightrope.TASKS, tightrope.correct_choice),
    "ProbeAction": lambda obs: jnp.int32(1),
    "ProbePolicy": lambda obs: (obs[0] > 0).astype(jnp.int32),
    "ProbeTarget": lambda obs: obs,
    "ProbeGoal": lambda obs: clip(10.0 * (obs[2:4] - obs[0:2])),
    "ProbeWalk": lambda obs: clip(-10.0 * obs),
}
"""The memoryless experts, by task."""

ACTORS: dict[tuple[str, Kind], Callable[[], Actor]] = {
    (forks_task.NAME, "scripted"): forks.make,
    ("FetchPickAndPlace", "scripted-two-sides"): fetch_sides.make_two_sides,
    ("FetchPickAndPlace", "scripted-one-side"): fetch_sides.make_one_side,
    ("FetchPickAndPlace", "scripted-paused"): fetch_paused.make,
}
"""The experts that draw a plan where an episode begins, by task and kind."""

PLAYERS: dict[str, Callable[[], Actor]] = {"PointMass-rooms": rooms.wanderer}
"""Demonstrators that play, without the task's goal in mind: what builds each, by task."""


def policy(law: Law) -> Policy:
    """The law as a policy over any leading axes; it needs no randomness."""

    def act(key: jax.Array, obs: jax.Array) -> jax.Array:
        flat = jax.vmap(law)(obs.reshape(-1, obs.shape[-1]))
        return flat.reshape(*obs.shape[:-1], *flat.shape[1:])

    return act


def actor(task: str, kind: Kind) -> Actor:
    """Returns a scripted expert as an actor.

    Args:
        task: a task that has one.
        kind: of the expert.
    """
    if (task, kind) in ACTORS:
        return ACTORS[task, kind]()
    return from_policy(policy(LAWS[task]))


def description(task: str, kind: Kind) -> str:
    """Returns what a scripted expert does, in a line; empty where nothing is known.

    Args:
        task: a task that has one.
        kind: of the expert.
    """
    made_by = ACTORS.get((task, kind), LAWS.get(task))
    paragraph = (made_by.__doc__ or "").split("\n\n    Returns:")[0] if made_by else ""
    return " ".join(paragraph.split())
