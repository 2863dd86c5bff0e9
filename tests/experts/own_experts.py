"""Experts of ProbeGoal as users write them; the tests name them `own_experts.py:NAME`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

CALLS: list[tuple[int, ...]] = []  # the shapes of the observations


def act(obs: np.ndarray) -> np.ndarray:
    CALLS.append(obs.shape)
    assert isinstance(obs, np.ndarray) and obs.dtype == np.float32
    obs *= 10.0  # its own copy
    return np.clip(obs[:, 2:4] - obs[:, 0:2], -1.0, 1.0)


def act_on_dict(obs: dict[str, np.ndarray]) -> np.ndarray:
    assert set(obs) == {"observation", "achieved_goal", "desired_goal"}
    np.testing.assert_array_equal(obs["observation"], obs["achieved_goal"])
    return np.clip(10.0 * (obs["desired_goal"] - obs["achieved_goal"]), -1.0, 1.0)


def act_in_jax(key: jax.Array, obs: jax.Array) -> jax.Array:
    return jnp.clip(10.0 * (obs[..., 2:4] - obs[..., 0:2]), -1.0, 1.0)


_compiled = jax.jit(lambda obs: act_in_jax(jax.random.key(0), obs))


def act_through_jax(obs: np.ndarray) -> np.ndarray:
    return np.asarray(_compiled(obs))


class Predicts:
    """As Stable-Baselines3: in the units of its action space, sampling by default."""

    class action_space:
        low, high = np.array([-2.0, 0.0], np.float32), np.array([2.0, 8.0], np.float32)

    def predict(self, obs: np.ndarray, state: Any = None, deterministic: bool = False) -> Any:
        assert deterministic
        return act(obs) * np.array([2.0, 4.0], np.float32) + np.array([0.0, 4.0], np.float32), None


class Acts:
    def act(self, obs: np.ndarray) -> np.ndarray:
        return act(obs)


class Remembers:
    def predict(self, obs: np.ndarray) -> Any:
        return act(obs), np.zeros(3)


predicts, acts, remembers = Predicts(), Acts(), Remembers()


def nothing(obs: np.ndarray) -> None:
    return None


def text(obs: np.ndarray) -> list[str]:
    return ["left"] * len(obs)


def too_wide(obs: np.ndarray) -> np.ndarray:
    return np.zeros((len(obs), 3))


def one_row(obs: np.ndarray) -> np.ndarray:
    return np.zeros(2)


def too_large(obs: np.ndarray) -> np.ndarray:
    return 5.0 * act(obs)


def not_finite(obs: np.ndarray) -> np.ndarray:
    return np.full((len(obs), 2), np.nan)


def random(obs: np.ndarray) -> np.ndarray:
    return np.random.default_rng().uniform(-1.0, 1.0, (len(obs), 2))


def fails(obs: np.ndarray) -> np.ndarray:
    raise RuntimeError("the robot\nis off")


def jax_arrays(obs: np.ndarray) -> jax.Array:
    return act_in_jax(jax.random.key(0), jnp.asarray(obs))


def not_finite_later(obs: np.ndarray) -> np.ndarray:
    """Initial positions lie within 0.4; the first steps leave them."""
    out = np.sign(obs[:, 0:2])
    out[np.abs(obs[:, 0]) > 0.5] = np.nan
    return out


def fails_later(obs: np.ndarray) -> np.ndarray:
    assert np.abs(obs[:, 0]).max() < 0.5, "out of reach"
    return np.sign(obs[:, 0:2])


def not_finite_later_in_jax(key: jax.Array, obs: jax.Array) -> jax.Array:
    out = jnp.sign(obs[..., 0:2])
    return jnp.where(jnp.abs(obs[..., :1]) > 0.5, jnp.nan, out)


NUMBER = 3
