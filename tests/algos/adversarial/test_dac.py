"""Absorbing states, what they do to rewards and values, and learners paid by a discriminator."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import envs
from imitbench.algos.adversarial import dac, dac_loop, sqil
from imitbench.algos.rl import replay_buffer, sac, td3
from imitbench.core import buffer, nets
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec([("state", 2)], 1, 5)
CONFIG = dac_loop.Config()


def rows(terminated: list[bool]) -> replay_buffer.Experience:
    n = len(terminated)
    obs = jnp.arange(2.0 * n).reshape(n, 2) + 1.0
    return replay_buffer.Experience(
        obs, jnp.full((n, 1), 0.5), jnp.full(n, -1.0), obs + 100.0, jnp.array(terminated),
        jnp.arange(n),
    )  # fmt: skip


def demos(n: int, ends: int) -> Transition:
    """Steps, the first `ends` of which terminate."""
    blank: Any = buffer.no_rows(SPEC)
    made = jax.tree.map(lambda x: jnp.zeros((n, *x.shape[1:]), x.dtype), blank)
    return made.replace(weight=jnp.ones(n), terminated=jnp.arange(n) < ends)


def test_as_many_absorbing_steps_as_ends():
    ended, real = jnp.array([True, False, True, False, True]), jnp.arange(5) < 4
    assert float(dac_loop.share(ended, real)) == pytest.approx(2 / 6)
    assert float(dac_loop.share(ended, jnp.zeros(5, bool))) == 0


def shown(config: dac_loop.Config, own_share: float, ended: list[bool]) -> tuple[Any, Any]:
    """A minibatch as the learner gets it, and the teacher's state."""
    teacher = dac_loop.reward_model(config, SPEC)
    state = teacher.init(KEY, demos(6, 2))
    state = state.replace(own_share=jnp.float32(own_share))
    return teacher.transform(KEY, state, rows(ended), lambda obs: obs / 10.0), state


def test_an_end_leads_to_the_absorbing_state_and_that_to_itself():
    step, state = shown(CONFIG, 0.0, [False, True])
    assert float(state.share) == pytest.approx(2 / 8)
    np.testing.assert_allclose(step.obs, [[0.1, 0.2, 0.0], [0.3, 0.4, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(step.next_obs, [[10.1, 10.2, 0.0], [0.0, 0.0, 1.0]], rtol=1e-6)
    assert not step.terminated.any()  # values go on after the end
    still, _ = shown(CONFIG, 1.0, [False, True])
    np.testing.assert_array_equal(still.obs, [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(still.next_obs, [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(still.action, [[0]] * 2)
    assert not still.terminated.any()
    # All absorbing steps are one and the same.
    assert float(still.reward[0]) == float(still.reward[1]) != float(step.reward[0])


def test_without_absorbing_states_an_end_is_an_end():
    step, state = shown(dataclasses.replace(CONFIG, absorbing=False), 0.0, [False, True])
    assert float(state.share) == 0
    assert step.obs.shape == (2, 2)
    np.testing.assert_array_equal(step.terminated, [False, True])


def test_the_tasks_reward_has_the_rest():
    """It is -1 here, and 0 in the absorbing state."""
    made, _ = shown(CONFIG, 0.0, [False, True])
    mixed, _ = shown(dataclasses.replace(CONFIG, imitation=0.25), 0.0, [False, True])
    np.testing.assert_allclose(mixed.reward, 0.25 * made.reward - 0.75, rtol=1e-5)
    made, _ = shown(CONFIG, 1.0, [False, True])
    mixed, _ = shown(dataclasses.replace(CONFIG, imitation=0.25), 1.0, [False, True])
    np.testing.assert_allclose(mixed.reward, 0.25 * made.reward, rtol=1e-5)


def test_the_learners_share_is_counted_in_what_is_filled():
    """Three of four slots of two environments are filled; one step of those six ended."""
    teacher = dac_loop.reward_model(shrink(CONFIG), SPEC)
    ring = buffer.ring(
        jax.tree.map(lambda x: x.reshape(1, 2, *x.shape[1:]), rows([True, False])), 4
    )
    for ended in ([True, False], [False, False], [False, False]):
        row = jax.tree.map(lambda x: x.reshape(1, 2, *x.shape[1:]), rows(ended))
        ring = buffer.append(ring, row)
    # What was never written must not count.
    ring = ring.replace(rows=ring.rows.replace(terminated=ring.rows.terminated.at[3].set(True)))
    state = teacher.init(KEY, demos(6, 2))

    def own(key: Any, n: int) -> replay_buffer.Experience:
        return replay_buffer.sample(key, ring, n)

    state, metrics = teacher.update(KEY, state, ring, own, own)
    assert float(state.own_share) == pytest.approx(1 / 7)
    assert np.isfinite(float(metrics["discriminator_loss"]))


def test_sqil_pays_for_what_was_shown():
    """1 for the demonstrated half of a minibatch, 0 for its own."""
    step = sqil.reward_model(2).transform(
        KEY, (), rows([False, True, False, True]), lambda obs: obs / 10.0
    )
    np.testing.assert_array_equal(step.reward, [0, 0, 1, 1])
    np.testing.assert_array_equal(step.terminated, [False, True, False, True])
    np.testing.assert_allclose(step.obs[0], [0.1, 0.2], rtol=1e-6)


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


@pytest.mark.parametrize("name", list(LEARNERS))
def test_nothing_is_expected_of_actions_that_absorbing_states_do_not_have(name):
    """Each step there pays -1, so their value is -10 whatever the critics say of other actions.
    Elsewhere, where steps pay the action, they say that 1 is best."""
    spec = make_spec([("state", 2), ("absorbing", 1)], 1, 5)
    actor = LEARNERS[name](spec, lambda obs: obs[:, -1] > 0)
    flag, pay = jnp.arange(64) % 2, jax.random.uniform(KEY, (64, 1), minval=-1.0)
    obs = jnp.zeros((64, 3)).at[:, 2].set(flag)
    action = jnp.where(flag[:, None] > 0, 0.0, pay)
    reward = jnp.where(flag > 0, -1.0, 3.0 * action[:, 0])
    made = replay_buffer.Experience(obs, action, reward, obs, flag == 0, jnp.zeros(64, int))
    learn = jax.jit(lambda state, key: actor.learn(key, state, made))
    state, _ = jax.lax.scan(learn, actor.init(KEY), jax.random.split(KEY, 1500))
    critics = state.params["critics"] if name == "sac" else state.critics
    values = nets.critics(spec, (32,), 2).apply(critics, obs, action)
    np.testing.assert_allclose(np.asarray(values)[:, flag > 0], -10.0, atol=0.3)
    assert float(actor.act(KEY, state, obs[:1])[0, 0]) > 0.5
    if name == "sac":  # the entropy is of the states with a choice alone
        everywhere = LEARNERS[name](spec, None)
        alone = jax.tree.map(lambda x: x[flag == 0], made)
        _, seen = everywhere.learn(KEY, state, alone)
        _, all_ = actor.learn(KEY, state, made)
        assert float(all_["entropy"]) == pytest.approx(float(seen["entropy"]), abs=0.3)
