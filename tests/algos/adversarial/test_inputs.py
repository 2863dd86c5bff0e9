"""What a discriminator compares: observations with actions, with the next ones, or alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.algos.adversarial import absorbing, airl, dac, dac_loop, discriminator_losses, gail
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig, Inputs
from imitbench.algos.adversarial.discriminator_input import (
    flagged_encoding,
    pair_encoding,
    pair_input,
)
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.common.successors import known_successors
from imitbench.core import buffer, nets, ops
from imitbench.core.config import config_dict
from imitbench.core.types import Algorithm, Spec, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SLOW = pytest.mark.slow
CORE: Any = None  # the learner, whose state no row needs
SPEC = make_spec([("state", 2)], 1, 5)
NORM = ops.Normaliser(jnp.array([1.0, 0.0]), jnp.array([2.0, 0.5]))  # mean and std
STEPS = Experience(
    obs=jnp.array([[1.0, 0.0], [3.0, 1.0]]),
    action=jnp.array([[0.5], [-0.5]]),
    reward=jnp.zeros(2),
    next_obs=jnp.array([[5.0, -1.0], [1.0, 2.0]]),
    terminated=jnp.array([False, True]),
    t=jnp.arange(2),
)
OBS, NEXT = [[0, 0], [1, 2]], [[2, -2], [0, 4]]  # (x - mean) / std by hand


def of(inputs: Inputs, **more: Any) -> DiscriminatorConfig:
    return DiscriminatorConfig(hidden=(8,), inputs=inputs, **more)


def transition(terminated: Any = STEPS.terminated, next_obs: Any = STEPS.next_obs) -> Transition:
    empty: Any = jax.tree.map(lambda x: jnp.zeros((2, *x.shape[1:]), x.dtype), buffer.no_rows(SPEC))
    return empty.replace(
        obs=STEPS.obs, action=STEPS.action, intended_action=STEPS.action, next_obs=next_obs,
        terminated=terminated, weight=jnp.ones(2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("inputs", "second"),
    [("state-action", [[0.5], [-0.5]]), ("transition", NEXT), ("state", [[], []])],
)
def test_pairs_by_hand(inputs, second):
    size, encode = pair_encoding(of(inputs), SPEC)
    expected = np.concatenate([OBS, second], axis=1)
    assert size == expected.shape[1]
    rows = pair_input(of(inputs), SPEC).rows(CORE, transition())
    np.testing.assert_allclose(encode(NORM, rows), expected)
    assert (rows.action is None) == (inputs != "state-action")


def test_the_older_name_of_observations_alone():
    old = DiscriminatorConfig(state_only=True)
    assert old.compared == "state" and DiscriminatorConfig().compared == "state-action"
    assert pair_encoding(old, SPEC)[0] == 2
    # The identities of shipped cells hold the older field and not the newer one.
    assert "inputs" not in config_dict(old) and "state_only" in config_dict(old)
    assert config_dict(of("transition"))["inputs"] == "transition"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"inputs": "actions"}, "inputs=actions: expected one of state-action, state, transition"),
        ({"inputs": "transition", "state_only": True}, "expected state beside state_only=True"),
    ],
)
def test_bad_settings(settings, text):
    with pytest.raises(UserError, match=text):
        DiscriminatorConfig(**settings)


def flagged(inputs: Inputs, mark: list[bool], with_absorbing: bool = True) -> np.ndarray:
    size, encode = flagged_encoding(of(inputs), SPEC, absorbing=with_absorbing)
    encoded = np.asarray(encode(NORM, absorbing.flag_steps(STEPS, jnp.array(mark))))
    assert encoded.shape == (2, size)
    return encoded


def test_absorbing_steps_by_hand():
    """The second step terminates: it leads to the absorbing state, and not to its next
    observation. An absorbing step leads from there to itself."""
    living = [[0, 0, 0, 2, -2, 0], [1, 2, 0, 0, 0, 1]]
    np.testing.assert_allclose(flagged("transition", [False, False]), living)
    np.testing.assert_allclose(flagged("transition", [True, True]), [[0, 0, 1, 0, 0, 1]] * 2)
    np.testing.assert_allclose(flagged("state", [True, False]), [[0, 0, 1], [1, 2, 0]])
    with_actions = [[0, 0, 0, 0.5], [0, 0, 1, 0]]
    np.testing.assert_allclose(flagged("state-action", [False, True]), with_actions)
    without = np.concatenate([OBS, NEXT], axis=1)
    np.testing.assert_allclose(flagged("transition", [False, False], False), without)


@pytest.mark.parametrize("inputs", ["state-action", "state", "transition"])
def test_rewards_depend_on_what_is_compared_alone(inputs):
    config = of(inputs)
    net, encode, rows, _ = pair_input(config, SPEC)
    classifier = Discriminator(config, net, encode)
    state = classifier.init(KEY, STEPS.obs, jnp.ones(2))
    steps = transition()
    changes = {
        "state-action": steps.replace(action=-steps.action),
        "transition": steps.replace(next_obs=-steps.next_obs),
        "state": steps.replace(obs=-steps.obs),
    }
    before = classifier.reward(state, rows(CORE, steps))
    for name, changed in changes.items():
        same = np.allclose(classifier.reward(state, rows(CORE, changed)), before)
        assert same == (name not in (inputs, "state"))


def test_the_gradient_penalty_counts_both_observations():
    """Of a linear logit the gradient is its weights: (3, 0) for s, (0, 4) for s', of norm 5."""
    weights = jnp.array([3.0, 0.0, 0.0, 4.0])
    _, encode = pair_encoding(of("transition"), SPEC)
    rows = pair_input(of("transition"), SPEC).rows(CORE, transition())
    inputs = jnp.stack([encode(NORM, rows), -encode(NORM, rows)])
    penalty = discriminator_losses.gradient_penalty(lambda x: x @ weights, jnp.ones((2, 1)), inputs)
    assert float(penalty) == pytest.approx((5 - 1) ** 2, rel=1e-5)


def test_dac_rewards_transitions():
    """A linear logit by hand: it sees s' of a living step, and the flag of s' of the last one."""
    config = dac_loop.Config(discriminator=of("transition", reward="logit"))
    _, encode = flagged_encoding(config.discriminator, SPEC, absorbing=True)
    weights = jnp.array([0.0, 0.0, 10.0, 1.0, 0.0, 100.0])
    linear = nets.Function(lambda key: weights, lambda params, x: (x @ params)[..., None])
    classifier = Discriminator(config.discriminator, linear, encode)
    model = dac_loop.DiscriminatorReward(config, classifier)
    state: Any = model.init(KEY, transition())
    for share, expected in ((0.0, [2.0, 100.0]), (1.0, [110.0, 110.0])):
        # The moments are those of `NORM`: mean 1 and std 2 of the first component.
        moments = ops.weighted_moments(jnp.array([[-1.0, 0.5], [3.0, -0.5]]), jnp.ones(2))
        classified = state.discriminator.replace(moments=moments)
        given = state.replace(discriminator=classified, agent_share=jnp.float32(share))
        steps = model.transform(KEY, given, STEPS, lambda obs: obs)
        np.testing.assert_allclose(steps.reward, expected, rtol=1e-3)


def test_a_successor_that_is_not_known_is_not_compared():
    """Files that lack the last observation repeat the one before in its place."""
    repeated = transition(next_obs=STEPS.next_obs.at[1].set(STEPS.obs[1]))
    np.testing.assert_array_equal(known_successors(repeated).weight, [1, 0])
    # Steps that go on may change nothing.
    still = transition(jnp.zeros(2, bool), STEPS.obs)
    np.testing.assert_array_equal(known_successors(still).weight, [1, 1])
    np.testing.assert_array_equal(known_successors(transition()).weight, [1, 1])


@pytest.fixture(scope="module")
def rows() -> Transition:
    env = envs.make("ProbeGoal")
    demos = data.collect(env, experts.load("ProbeGoal"), 6, only_success=False)
    return data.subset(demos, 3, [0], same=True)


def built(method: str, inputs: Inputs) -> Algorithm:
    env = envs.make("ProbeGoal")
    config: Any = shrink(algos.ALGOS[method].Config(), warmup=2)
    discriminator = dataclasses.replace(config.discriminator, inputs=inputs)
    config = dataclasses.replace(config, discriminator=discriminator)
    assert algos.needs_actions(method, config) == (inputs == "state-action" or method == "airl")
    return algos.build(method, config, env.spec, env, None)


@pytest.mark.parametrize("inputs", ["transition", "state"])
@pytest.mark.parametrize(
    "method", ["gail", "dac", *(pytest.param(m, marks=SLOW) for m in ("gail_trpo", "dac_sac"))]
)
def test_demonstrated_actions_are_not_needed(method, inputs, rows):
    """Nothing is compiled: a method that touched them would fail."""
    algo = built(method, inputs)
    blind: Any = rows.replace(action=None, intended_action=None)
    state = jax.eval_shape(algo.init, KEY, blind)
    new, metrics = jax.eval_shape(algo.update, KEY, state, blind)
    assert jax.tree.structure(new) == jax.tree.structure(state) and metrics
    with pytest.raises((TypeError, AttributeError, AssertionError)):
        jax.eval_shape(built(method, "state-action").update, KEY, state, blind)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gail", "dac"])
def test_demonstrated_actions_change_nothing(method, rows):
    """The numbers are the same with and without them; other observations change them."""
    algo = built(method, "transition")
    blind: Any = rows.replace(action=None, intended_action=None)
    init, update = jax.jit(algo.init), jax.jit(algo.update)
    whole, without = (update(KEY, init(KEY, r), r) for r in (rows, blind))
    jax.tree.map(np.testing.assert_array_equal, whole, without)
    other = blind.replace(obs=2 * blind.obs)
    changed = update(KEY, init(KEY, other), other)[1]
    assert float(changed["discriminator_loss"]) != float(whole[1]["discriminator_loss"])


@pytest.mark.parametrize("inputs", ["transition", "state"])
def test_airl_needs_actions_for_its_logit(inputs, rows):
    algo = built("airl", inputs)
    state = jax.eval_shape(algo.init, KEY, rows)
    assert jax.eval_shape(algo.update, KEY, state, rows)[1]
    blind: Any = rows.replace(action=None, intended_action=None)
    with pytest.raises((TypeError, AttributeError)):
        jax.eval_shape(algo.update, KEY, state, blind)


def test_airl_warns_of_a_reward_that_can_be_a_shaping():
    spec = Spec(2, 1, 5, {})
    settings = dataclasses.replace(airl.Config().discriminator, inputs="transition")
    (line,) = airl.warnings(airl.Config(discriminator=settings), spec)
    assert "can be a shaping itself" in line
    assert airl.warnings(airl.Config(), spec) == []


def test_cloning_at_the_start_needs_actions():
    settings = of("transition")
    assert not algos.needs_actions("gail", gail.Config(discriminator=settings))
    assert algos.needs_actions("gail", gail.Config(discriminator=settings, clone_steps=1))
    assert not algos.needs_actions("dac", dac.Config(discriminator=settings))
    assert algos.needs_actions("bc", algos.ALGOS["bc"].Config())
    assert not algos.needs_actions("ppo", algos.ALGOS["ppo"].Config())
