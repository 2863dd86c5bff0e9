"""The greedy coupling of an episode's steps with demonstrated ones, and the environment that pays
by it.

Source: Dadashi et al. 2021 (arXiv:2006.04678), algorithm 1. A demonstrated step is an atom with a
mass. Each step of an episode has the mass 1/T, for T steps until the time limit, and takes that
much from the nearest atoms that have some left. What is left of the atoms is part of the
environment's state, so that it starts anew with each episode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial.discriminator import Inputs
from imitbench.core import buffer, ops
from imitbench.core.types import Env, EnvState, Key, Spec, Transition
from imitbench.utils.errors import UserError

LEFT = "atom_mass_left"  # the entry of an environment state's `info`
LEAST_STD = 1e-6  # components that vary less are not scaled


class Atoms(struct.PyTreeNode):
    """The demonstrated steps of one seed; K counts places, some of which may have no mass."""

    points: jax.Array  # [K, D] standardised
    mass: jax.Array  # [K], with the sum 1
    norm: ops.Normaliser  # of points [..., D]


class Payment(struct.PyTreeNode):
    """How the cost of a step becomes its reward."""

    scale: float = struct.field(pytree_node=False)  # alpha in the paper
    decay: float = struct.field(pytree_node=False)  # beta in the paper
    inputs: Inputs = struct.field(pytree_node=False)  # what a point is made of


def check_lengths(demos: Transition, spec: Spec) -> None:
    """Checks that demonstrations can be coupled with episodes of the task.

    Args:
        demos: rows [N].
        spec: of the task.

    Raises:
        UserError: there are none, or their lengths do not fit; see `check_longest`.
    """
    if not demos.weight.shape[-1]:
        raise UserError("pwil pays steps near demonstrated ones, and there are none: set demos=1")
    if demos.sizes is not None:  # the episodes of another learner are those of the task
        check_longest(demos.sizes.longest, spec)


def check_longest(longest: int, spec: Spec) -> None:
    """Checks that the longest demonstrated episode can be coupled with episodes of the task.

    Args:
        longest: its steps.
        spec: of the task.

    Raises:
        UserError: it is longer than the time limit, or shorter on a task whose episodes all last
            until the time limit.
    """
    limit = spec.horizon
    if longest > limit or (longest < limit and spec.ends == "never"):
        raise UserError(
            f"the longest demonstrated episode has {longest} steps, and the task's last {limit}: "
            "pwil couples whole episodes, so expected the same number; slice the data set, or use "
            "another method, such as sqil"
        )


def points_of(
    payment: Payment, obs: jax.Array, action: jax.Array | None, next_obs: jax.Array
) -> jax.Array:
    """Steps as points [..., D].

    Args:
        payment: says what counts.
        obs: [..., O].
        action: [..., A]; None where it does not count.
        next_obs: [..., O].
    """
    if payment.inputs == "state":
        return obs
    if payment.inputs == "transition":
        return jnp.concatenate([obs, next_obs], axis=-1)
    assert action is not None
    return jnp.concatenate([obs, action], axis=-1)


def thin(key: Key, demos: Transition, stride: int) -> jax.Array:
    """Marks one step in `stride` of each episode, from a random offset on.

    Args:
        key: of the offsets.
        demos: rows [N] of whole episodes; steps of weight 0 do not count.
        stride: 1 or more.

    Returns:
        [N] bool; at least one step of each episode that has any.
    """
    places, real = buffer.find_episodes(demos), demos.weight > 0
    counted = jnp.cumsum(real)
    before = counted - real  # counted steps before this one
    rank = before - before[jnp.arange(real.size) - places.t]
    steps = jax.ops.segment_sum(real.astype(jnp.int32), places.episode, real.size)
    room = jnp.clip(steps, 1, stride)
    # Each episode has a key of its own, so that rows which fill up a seed change nothing.
    keys = jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(real.size))
    draw = jax.vmap(jax.random.uniform)(keys)
    offset = jnp.minimum(jnp.floor(draw * room).astype(jnp.int32), room - 1)
    return real & (rank % stride == offset[places.episode])


def make_atoms(kept: jax.Array, demos: Transition, payment: Payment, stride: int) -> Atoms:
    """Builds the atoms from demonstrations.

    Args:
        kept: [N] bool, the steps that become atoms, as `thin` returns it.
        demos: rows [N] of whole episodes.
        payment: says what points are made of.
        stride: one step in so many of each episode is kept.

    Returns:
        Atoms of equal masses, standardised by their own mean and standard deviation; a component
        that does not vary is only shifted.
    """
    count = most = demos.weight.shape[-1]
    if demos.sizes is not None:
        count = min(demos.sizes.count * -(-demos.sizes.longest // stride), most)
    rows = jnp.nonzero(kept, size=count, fill_value=0)[0]
    mass = (jnp.arange(count) < jnp.sum(kept)).astype(jnp.float32)
    mass = mass / jnp.sum(mass)
    action = None if demos.action is None else demos.action[rows]
    points = points_of(payment, demos.obs[rows], action, demos.next_obs[rows])
    norm = ops.fit_normaliser(points, mass, 0.0)
    norm = norm.replace(std=jnp.where(norm.std > LEAST_STD, norm.std, 1.0))
    return Atoms(norm(points, jnp.inf), mass, norm)


def couple(distance: jax.Array, left: jax.Array, mass: float) -> tuple[jax.Array, jax.Array]:
    """Takes mass from the nearest atoms.

    Args:
        distance: [K] of the step from each atom.
        left: [K] what is left of the atoms.
        mass: how much to take; where less is left, all of it is taken.

    Returns:
        The cost [], the sum of taken mass times distance; and what is left afterwards [K].
    """
    order = jnp.argsort(distance)
    near = left[order]
    before = jnp.cumsum(near) - near
    taken = jnp.clip(mass - before, 0.0, near)
    return jnp.sum(taken * distance[order]), left.at[order].add(-taken)


def reward_of(payment: Payment, cost: jax.Array, size: int, horizon: int) -> jax.Array:
    """scale exp(-decay T / sqrt(D) cost), section 4.1 of the source.

    Args:
        payment: scale and decay.
        cost: [] of a step.
        size: D, the components of what is compared; of observations alone those of the actions,
            too, as in the official code.
        horizon: T.
    """
    return payment.scale * jnp.exp(-payment.decay * horizon / size**0.5 * cost)


class PaidEnv:
    """An environment whose reward is that of the coupling with atoms.

    Its states are those of the environment, with what is left of the atoms in `info`.

    Args:
        env: the environment.
        atoms: the demonstrated steps.
        payment: how costs become rewards.
    """

    def __init__(self, env: Env, atoms: Atoms, payment: Payment):
        self.name, self.engine, self.spec = env.name, env.engine, env.spec
        self._env, self._atoms, self._payment = env, atoms, payment
        # Further functions that the environment may have (`Poses`, `SelectiveReset`).
        functions: dict[str, Any] = {k: getattr(env, k, None) for k in ("reset_to", "reset_where")}
        for name, function in functions.items():
            if function is not None:
                setattr(self, name, self._with_all_mass(function))
        if hasattr(env, "pose"):
            self.pose = lambda state: env.pose(self._inner(state))  # type: ignore[attr-defined]

    def _with_all_mass(self, begin: Callable[..., EnvState]) -> Callable[..., EnvState]:
        """A function that begins an episode, with whole atoms."""

        def start(*args: Any) -> EnvState:
            state = begin(*args)
            info = state.info | {LEFT: self._atoms.mass}
            return state.replace(reward=jnp.float32(0.0), info=info)

        return start

    def _inner(self, state: EnvState) -> EnvState:
        return state.replace(info={k: v for k, v in state.info.items() if k != LEFT})

    def reset(self, rng: Key, /) -> EnvState:
        """Returns the initial state of an episode, with whole atoms."""
        return self._with_all_mass(self._env.reset)(rng)

    def step(self, state: EnvState, action: jax.Array, /) -> EnvState:
        """Returns the state after one step, with the coupling's reward for that step."""
        atoms, payment, spec = self._atoms, self._payment, self.spec
        new = self._env.step(self._inner(state), action)
        point = atoms.norm(points_of(payment, state.obs, action, new.obs), jnp.inf)
        distance = jnp.linalg.norm(atoms.points - point, axis=-1)
        cost, left = couple(distance, state.info[LEFT], 1.0 / spec.horizon)
        other = spec.obs_size if payment.inputs == "transition" else spec.action_size
        reward = reward_of(payment, cost, spec.obs_size + other, spec.horizon)
        return new.replace(reward=reward, info=new.info | {LEFT: left})
