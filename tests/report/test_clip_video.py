"""The clip in the place of an expert, in the videos of motion imitation."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from imitbench import envs
from imitbench.core import rollout
from imitbench.envs.motion.imitation import HORIZON, Imitation
from imitbench.report import replayed_episodes, video


@pytest.mark.slow
def test_the_clip_begins_where_the_policies_begin():
    env = envs.make("Walker2d-mocap-walk", "native")
    assert isinstance(env, Imitation)
    key, num = jax.random.key(3), 4
    (episode,) = replayed_episodes.play_clip(env, key, num)
    assert video.episodes_per_video(env) == 1
    assert episode.qpos.shape == (HORIZON + 1, 9) and episode.goal.shape == (HORIZON + 1, 0)

    def rest(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jax.numpy.zeros((*obs.shape[:-1], 6))

    played = rollout.episodes(env, rest, key, num, poses=True)
    first = np.asarray(played.pose)[0, 0, :9]
    # The body is lifted out of the ground, the clip is not.
    np.testing.assert_allclose(np.delete(episode.qpos[0], 1), np.delete(first, 1), atol=1e-5)
    assert 0 <= first[1] - episode.qpos[0, 1] < 0.01
