"""Absorbing states by hand, and what they do to the rewards and values of DAC; SQIL's rewards."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import envs
from imitbench.algos.adversarial import absorbing, dac, dac_loop, sqil
from imitbench.algos.common import replay_buffer
from imitbench.algos.rl import sac, td3
from imitbench.core import buffer, nets
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec([("state", 2)], 1, 5)
CONFIG = dac_loop.Config()


def rows(terminated: list[bool]) -> replay_buffer.Experience:
    """Steps with actions 0.5 and rewards -1."""
    n = len(terminated)
    obs = jnp.arange(2.0 * n).reshape(n, 2) + 1.0
    return replay_buffer.Experience(
        obs, jnp.full((n, 1), 0.5), jnp.full(n, -1.0), obs + 100.0, jnp.array(terminated),
        jnp.arange(n),
    )  # fmt: skip


def demos(n: int, ends: int) -> Transition:
    """Steps, the first `ends` of which terminate."""
    empty: Any = buffer.no_rows(SPEC)
    zeros = jax.tree.map(lambda x: jnp.zeros((n, *x.shape[1:]), x.dtype), empty)
    return zeros.replace(weight=jnp.ones(n), terminated=jnp.arange(n) < ends)


def test_as_many_absorbing_steps_as_ends():
    ended, real = jnp.array([True, False, True, False, True]), jnp.arange(5) < 4
    assert float(absorbing.absorbing_share(ended, real)) == pytest.approx(2 / 6)
    assert float(absorbing.absorbing_share(ended, jnp.zeros(5, bool))) == 0


def test_a_share_of_the_steps_is_made_absorbing():
    steps = absorbing.make_absorbing(KEY, rows([False] * 4000), jnp.float32(0.25))
    flag = np.asarray(steps.absorbing)
    assert flag.mean() == pytest.approx(0.25, abs=0.03)
    assert steps.action is not None
    np.testing.assert_array_equal(steps.action[:, 0], np.where(flag, 0.0, 0.5))


def test_the_flag_is_one_more_component():
    obs = absorbing.with_flag(jnp.array([[3.0, 4.0], [5.0, 6.0]]), jnp.array([False, True]))
    np.testing.assert_array_equal(obs, [[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]])


def transformed(
    config: dac_loop.Config, agent_share: float, terminated: list[bool]
) -> tuple[Any, Any]:
    """A minibatch as the learner gets it, and the state of the reward model."""
    model = dac_loop.reward_model(config, SPEC)
    state = model.init(KEY, demos(6, 2)).replace(agent_share=jnp.float32(agent_share))
    return model.transform(KEY, state, rows(terminated), lambda obs: obs / 10.0), state


def test_an_end_leads_to_the_absorbing_state_and_that_to_itself():
    steps, state = transformed(CONFIG, 0.0, [False, True])
    assert float(state.demo_share) == pytest.approx(2 / 8)
    np.testing.assert_allclose(steps.obs, [[0.1, 0.2, 0.0], [0.3, 0.4, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(steps.next_obs, [[10.1, 10.2, 0.0], [0.0, 0.0, 1.0]], rtol=1e-6)
    assert not steps.terminated.any()  # values go on after the end
    absorbed, _ = transformed(CONFIG, 1.0, [False, True])
    np.testing.assert_array_equal(absorbed.obs, [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(absorbed.next_obs, [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(absorbed.action, [[0]] * 2)
    assert not absorbed.terminated.any()
    # All absorbing steps are one and the same.
    assert float(absorbed.reward[0]) == float(absorbed.reward[1]) != float(steps.reward[0])


def test_ends_at_goals_of_hindsight_have_absorbing_steps_though_the_replay_counts_none():
    """As many as among the demonstrations: a fourth."""
    model = dac_loop.reward_model(CONFIG, SPEC, hindsight_ends=True)
    state = model.init(KEY, demos(6, 2))
    steps = model.transform(KEY, state, rows([True, False] * 1000), lambda obs: obs)
    assert np.asarray(steps.obs)[:, -1].mean() == pytest.approx(2 / 8, abs=0.04)
    without = dac_loop.reward_model(CONFIG, SPEC)
    assert not without.transform(KEY, state, rows([True] * 9), lambda obs: obs).obs[:, -1].any()


def test_thinned_demonstrations_keep_their_share_of_absorbing_steps():
    """Two episodes of three steps end; of each a single step is kept, and not the last."""
    model = dac_loop.reward_model(CONFIG, SPEC)
    whole = demos(8, 0).replace(terminated=jnp.array([0, 0, 1, 0, 0, 1, 0, 0], bool))
    whole = whole.replace(weight=jnp.array([1.0] * 6 + [0.0] * 2))  # two rows are filled up
    thinned = whole.replace(weight=jnp.array([1.0, 0, 0, 1, 0, 0, 0, 0]))
    for rows in (whole, thinned):
        assert float(model.init(KEY, rows).demo_share) == pytest.approx(2 / 8)


def test_without_absorbing_states_an_end_is_an_end():
    steps, state = transformed(dataclasses.replace(CONFIG, absorbing=False), 0.0, [False, True])
    assert float(state.demo_share) == 0
    assert steps.obs.shape == (2, 2)
    np.testing.assert_array_equal(steps.terminated, [False, True])


@pytest.mark.parametrize(("agent_share", "task_reward"), [(0.0, -1.0), (1.0, 0.0)])
def test_the_tasks_reward_has_the_rest(agent_share, task_reward):
    """The task's reward is -1 here, and 0 in the absorbing state."""
    imitation, _ = transformed(CONFIG, agent_share, [False, True])
    mixed_config = dataclasses.replace(CONFIG, imitation=0.25)
    mixed, _ = transformed(mixed_config, agent_share, [False, True])
    expected = 0.25 * imitation.reward + 0.75 * task_reward
    np.testing.assert_allclose(mixed.reward, expected, rtol=1e-5)


@pytest.mark.slow
def test_the_agents_share_is_counted_over_the_filled_part_of_the_replay():
    """Three of four slots of two environments are filled; one step of those six terminated."""
    model = dac_loop.reward_model(shrink(CONFIG), SPEC)

    def slot(terminated: list[bool]) -> Any:
        return jax.tree.map(lambda x: x.reshape(1, 2, *x.shape[1:]), rows(terminated))

    ring = buffer.ring(slot([True, False]), 4)
    for terminated in ([True, False], [False, False], [False, False]):
        ring = buffer.append(ring, slot(terminated))
    # What was never written must not count.
    ring = ring.replace(rows=ring.rows.replace(terminated=ring.rows.terminated.at[3].set(True)))
    state = model.init(KEY, demos(6, 2))

    def sample(key: Any, n: int) -> replay_buffer.Experience:
        return replay_buffer.sample(key, ring, n)

    state, metrics = model.update(KEY, state, ring, sample, sample)
    assert float(state.agent_share) == pytest.approx(1 / 7)
    assert np.isfinite(float(metrics["discriminator_loss"]))
    living, ended = float(metrics["living_reward"]), float(metrics["absorbing_reward"])
    assert np.isfinite([living, ended]).all() and living != ended


def test_sqil_rewards_demonstrated_steps_alone():
    """1 for the demonstrated half of a minibatch, 0 for its own."""
    steps = sqil.reward_model(2).transform(
        KEY, (), rows([False, True, False, True]), lambda obs: obs / 10.0
    )
    np.testing.assert_array_equal(steps.reward, [0, 0, 1, 1])
    np.testing.assert_array_equal(steps.terminated, [False, True, False, True])
    np.testing.assert_allclose(steps.obs[0], [0.1, 0.2], rtol=1e-6)


def test_the_policys_defaults_are_those_of_the_official_code():
    learner = dac.Config().td3
    assert (learner.lr, learner.policy_start, learner.max_grad_norm) == (1e-3, 1_000, 40.0)
    assert (learner.lr_halving_steps, learner.tau) == (50_000, 5e-3)


def test_discrete_actions_are_refused():
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="discrete actions"):
        dac.make(dac.Config(), env.spec, env)


LEARNERS = {
    "td3": lambda spec, is_absorbing: td3.learner(
        td3.UpdateConfig(hidden=(32,), lr=1e-2, discount=0.9, tau=0.1),
        spec,
        is_absorbing=is_absorbing,
    ),
    "sac": lambda spec, is_absorbing: sac.learner(
        sac.Config(hidden=(32,), lr=1e-2, discount=0.9, tau=0.1, tune=False), spec, is_absorbing
    ),
}


@pytest.mark.parametrize("name", ["td3", pytest.param("sac", marks=pytest.mark.slow)])
def test_nothing_is_expected_of_actions_that_absorbing_states_do_not_have(name):
    """Each step there has the reward -1, so their value is -10 whatever the critics estimate of
    other actions. Elsewhere the reward is the action, and the best one is 1."""
    spec = make_spec([("state", 2), ("absorbing", 1)], 1, 5)
    learner = LEARNERS[name](spec, lambda obs: obs[:, -1] > 0)
    flag, random_action = jnp.arange(64) % 2, jax.random.uniform(KEY, (64, 1), minval=-1.0)
    obs = jnp.zeros((64, 3)).at[:, 2].set(flag)
    action = jnp.where(flag[:, None] > 0, 0.0, random_action)
    reward = jnp.where(flag > 0, -1.0, 3.0 * action[:, 0])
    steps = replay_buffer.Experience(obs, action, reward, obs, flag == 0, jnp.zeros(64, int))
    learn = jax.jit(lambda state, key: learner.learn(key, state, steps))
    state, _ = jax.lax.scan(learn, learner.init(KEY), jax.random.split(KEY, 1500))
    critics = state.params["critics"] if name == "sac" else state.critics
    values = nets.critics(spec, (32,), 2).apply(critics, obs, action)
    np.testing.assert_allclose(np.asarray(values)[:, flag > 0], -10.0, atol=0.3)
    assert float(learner.act(KEY, state, obs[:1])[0, 0]) > 0.5
    if name == "sac":  # the mean entropy leaves absorbing states out
        never_absorbing = LEARNERS[name](spec, None)
        not_absorbing = jax.tree.map(lambda x: x[flag == 0], steps)
        _, expected = never_absorbing.learn(KEY, state, not_absorbing)
        _, metrics = learner.learn(KEY, state, steps)
        assert float(metrics["entropy"]) == pytest.approx(float(expected["entropy"]), abs=0.3)
