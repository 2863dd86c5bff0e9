"""Demonstrations from the clip of a task of motion imitation: its states, without actions."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from imitbench.core.types import Env, Transition
from imitbench.data.header import make_header
from imitbench.data.rows import Demos
from imitbench.envs.motion.imitation import Imitation
from imitbench.utils.errors import UserError, seed_number, whole_number


def require_clip(env: Any) -> Imitation:
    """Returns an environment that imitates a clip.

    Args:
        env: any environment.

    Raises:
        UserError: it has no clip.
    """
    if not isinstance(env, Imitation):
        raise UserError(
            f"grade='clip': {env.name} has no clip; expected a task of motion imitation, such as "
            "Quadruped-trot (imitbench list tasks); take another grade or task"
        )
    return env


def collect(env: Env, episodes: int, *, seed: int = 0) -> Demos:
    """Takes episodes from a clip, each as long as the time limit, from a random phase on.

    Args:
        env: a task of motion imitation.
        episodes: K, how many.
        seed: decides the phases.

    Returns:
        The episodes, without actions; the reward of each step is 1, the clip's own. `pose` is
        recorded.

    Raises:
        UserError: the task has no clip, or a number is out of range.
    """
    whole_number("episodes", episodes)
    imitation = require_clip(env)
    phases = jax.random.uniform(jax.random.key(seed_number("seed", seed)), (episodes,))
    states = jax.jit(jax.vmap(imitation.clip_states))(phases)
    poses = np.asarray(jax.vmap(jax.vmap(imitation.pose))(states))
    obs = np.asarray(states.obs)
    lead = (episodes, obs.shape[1] - 1)
    no, last = np.zeros(lead, bool), np.zeros(lead, bool)
    last[:, -1] = True
    fields: dict[str, Any] = {
        "obs": obs[:, :-1],
        "action": None,
        "intended_action": None,
        "reward": np.ones(lead, np.float32),
        "next_obs": obs[:, 1:],
        "terminated": no,
        "truncated": last,
        "success": no,
        "weight": np.ones(lead, np.float32),
        "pose": poses[:, :-1],
    }
    header = make_header(
        env.name, fields["reward"].sum(axis=1), None, expert="reference", engine=env.engine,
        grade="clip", seed=seed,
    )  # fmt: skip
    return Demos(Transition(**fields), header)
