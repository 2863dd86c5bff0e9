"""Demonstrations from clips: their states, and errors where there is no clip or no action."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs
from imitbench.algos.adversarial import dac, gail
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.cloning import bc
from imitbench.data import compatibility
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.envs.motion.imitation import HORIZON, Imitation
from imitbench.utils.errors import UserError

TASK = "Walker2d-mocap-walk"
CLIP = DemoSource(pool=3, grade="clip")
FROM_STATES = gail.Config(discriminator=DiscriminatorConfig(inputs="transition"))


def test_episodes_are_the_states_of_the_clip():
    env = envs.make(TASK, "native")
    assert isinstance(env, Imitation)
    demos = data.collect_from(env, CLIP)
    steps = demos.steps
    assert len(demos) == 3 and steps.obs.shape == (3, HORIZON, env.spec.obs_size)
    assert not demos.has_actions and steps.pose is not None
    assert (demos.header.expert, demos.header.grade) == ("reference", "clip")
    assert demos.header.mean_return == HORIZON
    np.testing.assert_array_equal(steps.obs[:, 1:], steps.next_obs[:, :-1])
    np.testing.assert_array_equal(steps.truncated.sum(axis=1), 1)
    assert not steps.terminated.any()
    # A pose of the clip leads back to the observation, and another seed begins elsewhere.
    again = jax.vmap(env.reset_to)(jnp.asarray(steps.pose[1, ::50]))
    np.testing.assert_allclose(again.obs, steps.obs[1, ::50], atol=1e-5)
    other = data.collect_from(env, DemoSource(pool=3, grade="clip", seed=1))
    assert np.abs(other.steps.obs[:, 0] - steps.obs[:, 0]).max() > 0.1


def test_the_cache_gives_them_back():
    demos = data.load_pool(TASK, "native", CLIP)
    np.testing.assert_array_equal(demos.steps.obs, data.load_pool(TASK, "native", CLIP).steps.obs)
    assert not demos.has_actions


def test_methods_that_need_actions_are_refused():
    env = envs.make(TASK, "native")
    request = DataRequest(TASK, "native", 2, CLIP)
    compatibility.check(request, "gail", FROM_STATES, env)
    compatibility.check(request, "dac", dac.Config(discriminator=FROM_STATES.discriminator), env)
    with pytest.raises(UserError, match="bc with these settings learns from demonstrated actions"):
        compatibility.check(request, "bc", bc.Config(), env)
    with pytest.raises(UserError, match="and a clip has none: use a method that does not"):
        compatibility.check(request, "gail", gail.Config(), env)


def test_other_tasks_have_no_clip():
    env = envs.make("PointMass", "native")
    with pytest.raises(UserError, match="grade='clip': PointMass has no clip; expected a task of"):
        data.collect_from(env, CLIP)
    request = DataRequest("PointMass", "native", 2, CLIP)
    with pytest.raises(UserError, match="PointMass has no clip"):
        compatibility.check(request, "gail", FROM_STATES, env)


def test_noise_and_extra_data_do_not_apply():
    with pytest.raises(UserError, match="grade 'clip' keeps all episodes as they were"):
        DemoSource(grade="clip", noise=0.1).identity()
    extra = DemoSource(pool=5, extra=DemoSource(pool=5, grade="clip"), extra_episodes=2)
    with pytest.raises(UserError, match=r"extra.grade='clip': a clip has no actions"):
        extra.identity()
