"""Scripted demonstrators of PointMass-rooms: one that goes to the goal, and one that wanders."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.core.types import Actor, EnvState, Key
from imitbench.envs.toys import rooms

ALIGNED = 0.09  # m from the middle of a door within which the ball may drive through it
BEFORE = 0.2  # m from the middle of the wall to where the ball lines up with a door
THROUGH = 0.14  # m behind the wall to where it drives
ARRIVED = 0.15  # m from its place at which a wanderer takes another one
PATIENCE = 0.03  # probability of another place in each step before that
NOISE = 0.3  # standard deviation of the noise in a wanderer's actions


def go_to(pos: jax.Array, vel: jax.Array, target: jax.Array) -> jax.Array:
    """Proportional and derivative control [2] towards a place [2] in the same room."""
    return jnp.clip(8.0 * (target - pos) - 3.0 * vel, -1.0, 1.0)


def room(pos: jax.Array) -> jax.Array:
    """The room [2] of a position [2]: the sign, -1 or 1, of each coordinate."""
    return jnp.where(pos < 0, -1.0, 1.0)


def _door(axis: int, side: jax.Array) -> jax.Array:
    """The middle [2] of the door in the wall across `axis`, on the given side of the other one."""
    return jnp.zeros(2).at[1 - axis].set(side * rooms.DOOR)


def _way(pos: jax.Array, target: jax.Array, first: int) -> jax.Array:
    """Length [] of the way to a room across the corner, that passes the wall across `first`
    first."""
    start, end = room(pos), room(target)
    doors = _door(first, start[1 - first]), _door(1 - first, end[first])
    places = jnp.stack([pos, *doors, target])
    return jnp.sum(jnp.linalg.norm(jnp.diff(places, axis=0), axis=-1))


def next_place(pos: jax.Array, target: jax.Array) -> jax.Array:
    """The next place [2] on the shortest way from a position [2] to a target [2], through doors.

    In a doorway that is the place behind it.
    """
    start, end = room(pos), room(target)
    differs = start != end
    corner = jnp.where(_way(pos, target, 0) <= _way(pos, target, 1), 0, 1)
    axis = jnp.where(jnp.all(differs), corner, jnp.argmax(differs))
    other = 1 - axis
    door = start[other] * rooms.DOOR
    beside = jnp.abs(pos[other] - door)
    # Where the ball is already in the opening it drives on, also where it is not quite in line.
    in_opening = jnp.abs(pos[axis]) < rooms.WALL + 0.01
    through = (beside < ALIGNED) | in_opening
    along = jnp.where(through, -THROUGH, BEFORE) * start[axis]
    waypoint = jnp.zeros(2).at[axis].set(along).at[other].set(door)
    # Out of the opening before anything else, so that the ball does not rub along the door.
    leaving_axis = jnp.argmin(jnp.abs(pos))
    leaving = pos.at[leaving_axis].set(start[leaving_axis] * THROUGH)
    leaves = jnp.abs(pos[leaving_axis]) < rooms.WALL
    here = jnp.where(leaves, leaving, target)
    return jnp.where(jnp.any(differs), waypoint, here)


def navigate(obs: jax.Array) -> jax.Array:
    """The expert: the action [2] at an observation [6] on the shortest way through the doors."""
    pos, vel, target = jnp.split(obs, 3)
    return go_to(pos, vel, next_place(pos, target))


class Wanderer(NamedTuple):
    """The memory of wanderers: where each of B goes, whatever its task's goal is."""

    place: jax.Array  # [B, 2]


def wanderer() -> Actor:
    """A demonstrator that plays: it goes to a place anywhere in the house, then to another, with
    noise in its actions. It does not look at the goal."""

    def draw(key: Key, num: int) -> jax.Array:
        return jax.vmap(rooms.draw_place)(jax.random.split(key, num))

    def start(key: Key, state: EnvState) -> Wanderer:
        return Wanderer(draw(key, state.obs.shape[0]))

    def act(key: Key, memory: Wanderer, state: EnvState) -> tuple[jax.Array, Wanderer]:
        k_place, k_coin, k_noise = jax.random.split(key, 3)
        pos, vel = state.obs[:, 0:2], state.obs[:, 2:4]
        arrived = jnp.linalg.norm(memory.place - pos, axis=-1) < ARRIVED
        leaves = arrived | jax.random.bernoulli(k_coin, PATIENCE, arrived.shape)
        place = jnp.where(leaves[:, None], draw(k_place, len(pos)), memory.place)
        action = jax.vmap(go_to)(pos, vel, jax.vmap(next_place)(pos, place))
        noise = NOISE * jax.random.normal(k_noise, action.shape)
        return jnp.clip(action + noise, -1.0, 1.0), Wanderer(place)

    return Actor(start, act)
