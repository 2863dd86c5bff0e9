"""Gymnasium environments in this package's protocol."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, GoalSpec, Key
from imitbench.envs.base import BaseEnv, keep_wrapper_fields, make_spec
from imitbench.envs.gymnasium.findings import Findings
from imitbench.envs.gymnasium.hosts import Host, Results
from imitbench.envs.gymnasium.replay_host import ReplayHost
from imitbench.envs.gymnasium.snapshot_host import SnapshotHost
from imitbench.physics.host import Arrays, host_call

HALF = 1 << 16


class GymnasiumEnv(BaseEnv):
    """A Gymnasium environment, stepped on the host.

    Actions in [-1, 1] (clipped) are scaled to the bounds of the action space. `done` is Gymnasium's
    `terminated`; after it an episode stays as it is. The state holds the seed and the actions of
    the episode. It can be copied, stored and stepped again; whatever is not the latest state of an
    episode has to be repeated from the start first.

    Args:
        found: the environment, tried out.
        host: serves its episodes.
    """

    def __init__(self, found: Findings, host: Host):
        self._found, self._host = found, host
        self._in_place = jax.default_backend() == "cpu"
        spec = make_spec(
            found.obs.sizes,
            found.action.size,
            found.registered.horizon,
            _goal_spec(found, self._in_place),
            discrete=found.action.discrete,
            ends=found.ends,
        )
        super().__init__(found.task, spec, "gymnasium")
        low, high = found.action.low, found.action.high
        if not spec.discrete:
            self.action_scale, self.action_offset = (high - low) / 2.0, (high + low) / 2.0
        self._shapes = (
            jax.ShapeDtypeStruct((host.words,), jnp.uint32),
            jax.ShapeDtypeStruct((spec.obs_size,), jnp.float32),
            jax.ShapeDtypeStruct((3,), jnp.float32),
        )

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        return self.reset_where(rng, jnp.bool_(True))

    def reset_where(self, rng: Key, needed: jax.Array) -> EnvState:
        """Returns the initial state of an episode where it is needed, else zeros.

        Args:
            rng: random key.
            needed: [] bool.
        """

        def body(args: Arrays, outs: Arrays) -> None:
            words = args[0].reshape(-1, 2)
            results = self._results(outs)
            for out in results:
                out[...] = 0
            self._host.reset(words[:, 0], words[:, 1] > 0, results)

        seed = jax.random.bits(rng, (), jnp.uint32)
        words = jnp.stack([seed, needed.astype(jnp.uint32)])
        return self._state(*self._call(body, words))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A], or with a choice []."""
        size = 1 if self.spec.discrete else self.spec.action_size
        kind = jnp.int32 if self.spec.discrete else jnp.float32

        def body(args: Arrays, outs: Arrays) -> None:
            states, obs, done, actions = args
            results = self._results(outs)
            results.states[...] = states.reshape(results.states.shape)
            results.obs[...] = obs.reshape(results.obs.shape)
            results.numbers[...] = 0.0, 1.0, 0.0
            going = done.reshape(-1) == 0
            flat = states.reshape(results.states.shape)
            self._host.step(flat, going, actions.reshape(-1, size), results)

        action = jnp.asarray(action, kind).reshape(size)
        done = state.done.reshape(1)
        after = self._state(*self._call(body, state.pipeline_state, state.obs, done, action))
        return keep_wrapper_fields(state, after)

    def _call(self, body: Any, *args: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        return host_call(body, self._shapes, in_place=self._in_place)(*args)

    def _results(self, outs: Arrays) -> Results:
        return Results(*(out.reshape(-1, out.shape[-1]) for out in outs))

    def _state(self, state: jax.Array, obs: jax.Array, numbers: jax.Array) -> EnvState:
        reward, terminated, success = numbers
        metrics = {} if self._found.success is None else {"success": success}
        return EnvState(state, obs, reward, terminated, metrics, {})


class ResettableGymnasiumEnv(GymnasiumEnv):
    """A Gymnasium environment whose state is kept whole, so that episodes can begin anywhere.

    A pose [P] holds the state in halves of words, which float32 represents exactly, and the
    observation.
    """

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [2 W + O] of a state."""
        words = state.pipeline_state
        halves = jnp.concatenate([words % HALF, words // HALF]).astype(jnp.float32)
        return jnp.concatenate([halves, state.obs])

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a given pose, at the start of an episode.

        Args:
            pose: [2 W + O], as `pose` returns it.
        """
        low, high, obs = jnp.split(pose, (self._host.words, 2 * self._host.words))
        words = low.astype(jnp.uint32) + high.astype(jnp.uint32) * jnp.uint32(HALF)
        return self._state(words, obs, jnp.zeros(3))


def adapt(found: Findings) -> GymnasiumEnv:
    """Builds the environment.

    Args:
        found: the environment, tried out.
    """
    if found.kept is None:
        return GymnasiumEnv(found, ReplayHost(found))
    return ResettableGymnasiumEnv(found, SnapshotHost(found))


def _goal_spec(found: Findings, in_place: bool) -> GoalSpec | None:
    if found.goal_rewards is None:
        return None
    compute = found.goal_rewards.unwrapped.compute_reward

    def body(args: Arrays, outs: Arrays) -> None:
        achieved, desired = (a.reshape(-1, a.shape[-1]).astype(np.float64) for a in args)
        rewards = outs[0].reshape(-1)
        if found.batched_rewards:
            rewards[:] = compute(achieved, desired, {})
        else:
            rewards[:] = [compute(a, d, {}) for a, d in zip(achieved, desired, strict=True)]

    shapes = (jax.ShapeDtypeStruct((1,), jnp.float32),)

    def single(achieved: jax.Array, desired: jax.Array) -> jax.Array:
        return host_call(body, shapes, in_place=in_place)(achieved, desired)[0][0]

    def reward(achieved: jax.Array, desired: jax.Array) -> jax.Array:
        achieved, desired = jnp.broadcast_arrays(achieved, desired)
        function = single
        for _ in range(achieved.ndim - 1):
            function = jax.vmap(function)
        return function(achieved, desired)

    return GoalSpec("achieved_goal", "desired_goal", reward)
