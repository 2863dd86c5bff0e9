"""DemoDICE and SMODICE: losses by hand, optima in closed form, and which rows are drawn."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.algos.adversarial.dac_loop import pair_discriminator
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.inverse import (
    demodice,
    dice,
    dice_config,
    dice_data,
    dice_losses,
    dice_networks,
    smodice,
)
from imitbench.core import distributions
from imitbench.core.types import EpisodeSizes, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec([("state", 2)], 1, 6)
SMALL: dict[str, Any] = {"hidden": (16,), "batch": 32, "steps": 4}
TELLER = DiscriminatorConfig(hidden=(16,), batch=32, steps=1, reward="logit", entropy=0.0)


def test_advantages_by_hand():
    delta = dice_losses.advantages(
        jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]), jnp.array([5.0, 6.0]),
        jnp.array([False, True]), 0.9,
    )  # fmt: skip
    np.testing.assert_allclose(delta, [1 + 4.5 - 3, 2 - 4])


def test_the_dual_loss_by_hand():
    initial, delta = jnp.array([1.0, 3.0]), jnp.array([0.0, np.log(3.0)])
    kl = dice_losses.dual_loss("kl", 0.0, 0.9, initial, delta)
    assert float(kl) == pytest.approx(0.1 * 2 + np.log(2))  # the mean of 1 and 3
    double = dice_losses.dual_loss("kl", 1.0, 0.9, initial, delta)
    assert float(double) == pytest.approx(0.2 + 2 * np.log((1 + np.sqrt(3)) / 2), rel=1e-5)
    chi2 = dice_losses.dual_loss("chi2", 0.0, 0.9, initial, jnp.array([1.0, -3.0]))
    assert float(chi2) == pytest.approx(0.2 + (1.5 + 1.5) / 2)


def test_the_weights_by_hand():
    delta = jnp.array([0.0, np.log(3.0)])
    np.testing.assert_allclose(dice_losses.weights("kl", 0.0, delta), [0.5, 1.5], rtol=1e-6)
    root = np.sqrt(3)
    np.testing.assert_allclose(
        dice_losses.weights("kl", 1.0, delta), np.array([1, root]) * 2 / (1 + root), rtol=1e-6
    )
    np.testing.assert_array_equal(
        dice_losses.weights("chi2", 0.0, jnp.array([-3.0, 0.5])), [0.0, 1.5]
    )
    # Large advantages overflow nowhere.
    assert np.isfinite(dice_losses.weights("kl", 0.0, jnp.array([500.0, -500.0]))).all()


def test_the_weighted_likelihood_by_hand():
    loss, _ = dice_losses.weighted_likelihood(jnp.array([0.5, 1.5]), jnp.array([-2.0, 1.0]))
    assert float(loss) == pytest.approx(-(0.5 * -2 + 1.5 * 1) / 2)


def descend(loss: Any, size: int, steps: int = 4000) -> np.ndarray:
    """The minimum of a convex function of a table [size]."""
    step = jax.jit(lambda v: v - 0.2 * jax.grad(loss)(v))
    return np.asarray(jax.lax.fori_loop(0, steps, lambda _, v: step(v), jnp.zeros(size)))


# Of all data: 2 states, 2 actions. The expert's steps have state 0 in three fourths.
ALL = np.array([[0.1, 0.3], [0.4, 0.2]])
EXPERT = np.array([[0.6, 0.15], [0.05, 0.2]])
INITIAL = np.array([0.5, 0.5])  # half of the episodes begin in each state


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_the_weights_of_a_bandit_are_known(alpha):
    """Discount 0, so that a policy's steps have the initial states' distribution. The solution in
    each state is proportional to ALL (EXPERT / ALL)^(1 / (1 + alpha)); for alpha = 0 that is the
    expert's policy."""
    state, action = np.repeat([0, 1], 2), np.tile([0, 1], 2)
    counts = np.rint(ALL.ravel() * 10).astype(int)
    rows = np.repeat(np.arange(4), counts)  # a data set with these frequencies
    reward = jnp.asarray(np.log(EXPERT / ALL))[state, action][rows]
    no = jnp.zeros(len(rows), bool)

    def advantage(value: jax.Array) -> jax.Array:
        return dice_losses.advantages(reward, value[state[rows]], jnp.zeros(len(rows)), no, 0.0)

    def loss(value: jax.Array) -> jax.Array:
        return dice_losses.dual_loss("kl", alpha, 0.0, value, advantage(value))

    value = descend(loss, 2)
    weight = np.asarray(dice_losses.weights("kl", alpha, advantage(jnp.asarray(value))))
    found = np.bincount(rows, weight, minlength=4).reshape(2, 2) / len(rows)
    expected = ALL * (EXPERT / ALL) ** (1 / (1 + alpha))
    expected *= (INITIAL / expected.sum(axis=1))[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    if alpha == 0:
        policy = EXPERT / EXPERT.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found / found.sum(axis=1, keepdims=True), policy, rtol=1e-3)


# A chain that begins in state 0; action 0 leads to state 0, action 1 to state 1.
GAMMA = 0.5


def occupancy(policy: np.ndarray) -> np.ndarray:
    """The discounted distribution of steps [2, 2] of a policy on the chain: d(s, a) =
    pi(a | s) d(s), d(s) = (1 - gamma) [s = 0] + gamma sum of d(., a = s)."""
    transition = policy  # from s to s' = a
    states = np.linalg.solve(np.eye(2) - GAMMA * transition.T, (1 - GAMMA) * np.array([1.0, 0.0]))
    return states[:, None] * policy


@pytest.mark.parametrize("divergence", ["kl", "chi2"])
def test_the_experts_distribution_is_the_solution_where_a_policy_has_it(divergence):
    """With R = log(d_E / d_O) and kl, delta = R up to a constant: V is constant, and the weights
    are d_E / d_O. With chi2 the weights are 1 + delta, and V = 0 where R = d_E / d_O - 1."""
    expert = occupancy(np.array([[0.2, 0.8], [0.6, 0.4]]))
    whole = np.array([[0.3, 0.2], [0.1, 0.4]])
    ratio = (expert / whole).ravel()
    state, after = np.repeat([0, 1], 2), np.tile([0, 1], 2)
    rows = np.repeat(np.arange(4), np.rint(whole.ravel() * 10).astype(int))
    reward = jnp.asarray(np.log(ratio) if divergence == "kl" else ratio - 1)[rows]
    no = jnp.zeros(len(rows), bool)

    def advantage(value: jax.Array) -> jax.Array:
        here, there = value[state[rows]], value[after[rows]]
        return dice_losses.advantages(reward, here, there, no, GAMMA)

    def loss(value: jax.Array) -> jax.Array:
        return dice_losses.dual_loss(divergence, 0.0, GAMMA, value[:1], advantage(value))

    value = descend(loss, 2)
    assert value[0] == pytest.approx(value[1], abs=1e-4)
    weight = dice_losses.weights(divergence, 0.0, advantage(jnp.asarray(value)))
    np.testing.assert_allclose(weight, ratio[rows], rtol=1e-3)


def data_of(*lengths: int, extra: int, rest: int = 0, ends: bool = False) -> Transition:
    """Episodes whose observation is (episode, step) and whose action is 0.1 times the episode; the
    last `extra` ones are extra data, and end in a terminal state if `ends`."""
    episode = np.repeat(np.arange(len(lengths)), lengths)
    t = np.concatenate([np.arange(n) for n in lengths])
    last, n = t + 1 == np.repeat(lengths, lengths), len(t)
    further = episode >= len(lengths) - extra
    obs = np.stack([episode, t], axis=1).astype(np.float32)
    action = 0.1 * obs[:, :1]
    terminated, after = last & further & ends, obs + np.array([0, 1], np.float32)
    fields: Any = (
        obs, action, action, np.zeros(n), after, terminated, last & ~terminated,
        np.zeros(n, bool), np.ones(n, np.float32),
    )  # fmt: skip
    rows: Any = Transition(*fields, extra=jnp.asarray(further))
    rows = jax.tree.map(lambda x: jnp.pad(x, [(0, rest)] + [(0, 0)] * (x.ndim - 1)), rows)
    return rows.replace(sizes=EpisodeSizes(len(lengths), max(lengths)))


def test_each_draw_has_its_rows():
    demos = data_of(3, 2, 4, extra=1, rest=5)
    draw = dice_data.samplers(demos)
    assert set(np.asarray(draw.demos(KEY, 300).obs)[:, 0]) == {0, 1}
    rows = draw.all_data(KEY, 500)
    assert set(np.asarray(rows.steps.obs)[:, 0]) == {0, 1, 2}
    np.testing.assert_array_equal(rows.is_demo, rows.steps.obs[:, 0] < 2)
    share = float(jnp.mean(rows.is_demo))
    assert share == pytest.approx(5 / 9, abs=0.08)
    initial = np.asarray(draw.initial(KEY, 300))
    assert set(initial[:, 1]) == {0} and set(initial[:, 0]) == {0, 1, 2}


def test_without_extra_data_all_are_demonstrations():
    demos = data_of(3, 2, extra=0, rest=2).replace(extra=None)
    np.testing.assert_array_equal(dice_data.demo_mask(demos), [True] * 5 + [False] * 2)
    assert bool(jnp.all(dice_data.samplers(demos).all_data(KEY, 50).is_demo))


def learner_of(config: dice_config.Config) -> dice.Learner:
    networks = dice_networks.networks_of(config, SPEC)
    teller = pair_discriminator(config.discriminator, SPEC, config.absorbing)
    return dice.Learner(config, SPEC, networks, teller)


def test_ends_lead_to_the_absorbing_state():
    """Two of nine recorded steps of all data end, none of the demonstrations."""
    demos = data_of(3, 2, 4, extra=2, rest=3, ends=True)
    config = dice_config.Config(discriminator=TELLER, absorbing=True, **SMALL)
    learner = learner_of(config)
    state = learner.init(KEY, demos)
    assert float(state.demo_share) == 0
    assert float(state.share) == pytest.approx(2 / 11)
    rows = Experience(
        jnp.array([[0.0, 1.0], [1.0, 1.0]]), jnp.ones((2, 1)), jnp.zeros(2),
        jnp.array([[0.0, 2.0], [1.0, 2.0]]), jnp.array([False, True]), jnp.zeros(2, int),
    )  # fmt: skip
    none = state.replace(share=jnp.float32(0.0))
    steps, absorbing = learner.prepare(KEY, none, rows)
    assert not absorbing.any() and not steps.terminated.any()
    np.testing.assert_allclose(steps.obs, np.pad(state.norm(rows.obs, np.inf), ((0, 0), (0, 1))))
    np.testing.assert_array_equal(steps.next_obs[1], [0, 0, 1])
    assert float(steps.next_obs[0, 2]) == 0
    every = state.replace(share=jnp.float32(1.0))
    steps, absorbing = learner.prepare(KEY, every, rows)
    assert absorbing.all()
    for obs in (steps.obs, steps.next_obs):
        np.testing.assert_array_equal(obs, [[0, 0, 1]] * 2)
    assert float(steps.reward[0]) == float(steps.reward[1])
    middle = float(steps.reward[0])
    for low, high, expected in (
        (middle + 1, middle + 2, middle + 1),
        (-9.0, middle - 1, middle - 1),
    ):
        clipped = learner_of(dataclasses.replace(config, reward_bounds=(low, high)))
        steps, _ = clipped.prepare(KEY, every, rows)
        np.testing.assert_allclose(steps.reward, expected, rtol=1e-6)
    plain = learner_of(dataclasses.replace(config, absorbing=False))
    steps, absorbing = plain.prepare(KEY, plain.init(KEY, demos), rows)
    assert steps.obs.shape == (2, 2) and not absorbing.any()
    np.testing.assert_array_equal(steps.terminated, [False, True])


@pytest.mark.slow
def test_absorbing_steps_take_no_weight_from_cloning(monkeypatch):
    """Half of the rows are absorbing; the weights of the others still sum up to the batch."""
    demos = data_of(3, 2, 4, extra=2, ends=True)
    config = dice_config.Config(discriminator=TELLER, absorbing=True, **SMALL)
    learner, seen = learner_of(config), []
    monkeypatch.setattr(
        dice, "policy_loss", lambda nets, params, obs, action, weight, bonus: (
            seen.append(weight), dice_networks.policy_loss(nets, params, obs, action, weight, bonus)
        )[1],
    )  # fmt: skip
    state = learner.init(KEY, demos).replace(share=jnp.float32(0.5))
    _, metrics = learner.step(dice_data.samplers(demos), state, KEY)
    (weight,) = seen
    zero = np.asarray(weight) == 0
    assert 0.2 < zero.mean() < 0.8
    assert float(jnp.sum(weight)) == pytest.approx(32, rel=1e-4)
    least, most = sorted([float(metrics["weight_demos"]), float(metrics["weight_extra"])])
    assert least <= 32 / np.sum(~zero) <= most


def test_the_value_has_no_bias_that_kl_does_not_see():
    """Its gradient would be rounding errors, and Adam's steps have full size all the same."""
    cases: tuple[tuple[Any, float], ...] = ("kl", 0.0), ("chi2", 1.0)
    for divergence, expected in cases:
        config = dice_config.Config(divergence=divergence, **SMALL)
        networks = dice_networks.networks_of(config, SPEC)
        params = networks.value.init(KEY)
        shifted = jax.tree.map(lambda x: x, params)
        shifted["params"]["Dense_1"] = shifted["params"]["Dense_1"] | {"bias": jnp.ones(1)}
        obs = jnp.array([[0.3, -1.0], [2.0, 0.1]])
        gap = networks.value.apply(shifted, obs) - networks.value.apply(params, obs)
        np.testing.assert_allclose(gap, expected, atol=1e-6)


def test_the_penalty_of_the_value_by_hand():
    """A value without hidden layers has the same slope everywhere."""
    steps = Experience(
        jnp.array([[1.0, 0.0], [0.0, 2.0]]), jnp.ones((2, 1)), jnp.zeros(2), jnp.ones((2, 2)),
        jnp.zeros(2, bool), jnp.zeros(2, int),
    )  # fmt: skip
    losses = []
    for penalty in (0.0, 0.5):
        config = dice_config.Config(value_penalty=penalty, hidden=())
        networks = dice_networks.networks_of(config, SPEC)
        params = {
            "params": {"Dense_0": {"kernel": jnp.array([[3.0], [4.0]]), "bias": jnp.zeros(1)}}
        }
        loss, metrics = dice_networks.value_loss(networks, config, params, steps, jnp.ones((1, 2)))
        losses.append(float(loss))
        assert float(metrics["value_loss"]) == pytest.approx(losses[0], rel=1e-6)
    assert losses[1] - losses[0] == pytest.approx(0.5 * 25, rel=1e-5)


def test_the_loss_of_the_policy_has_the_bonus_of_entropy():
    config = dice_config.Config(hidden=(8,))
    networks = dice_networks.networks_of(config, SPEC)
    params, obs = networks.policy.init(KEY), jnp.array([[0.1, 0.2], [0.3, -0.4]])
    action, weight = jnp.array([[0.5], [-0.5]]), jnp.array([2.0, 0.0])
    loss, metrics = dice_networks.policy_loss(
        networks, params, obs, action, weight, jnp.float32(0.1)
    )
    dist = networks.policy.apply(params, obs)
    assert isinstance(dist, distributions.Gaussian)
    expected = -2.0 * dist.log_prob(action)[0] / 2 - 0.1 * jnp.mean(dist.entropy())
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert float(metrics["entropy"]) == pytest.approx(float(jnp.mean(dist.entropy())), rel=1e-5)


@pytest.mark.slow
def test_a_pretrained_discriminator_stays_as_it_is():
    demos = data_of(6, 6, 6, extra=2)
    config = smodice.Config(discriminator=TELLER, pretrain=5, **SMALL)
    algo = smodice.make(config, SPEC)
    untrained = dice.make(dataclasses.replace(config, learns_along=True, pretrain=0), SPEC)
    assert (algo.cost * 1).grad_steps == 4 + 5
    assert (untrained.cost * 1).grad_steps == 4 * 2
    state = jax.jit(algo.init)(KEY, demos)

    def equal(a: Any, b: Any) -> bool:
        return all(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x == y).all()), a, b)))

    start = jax.jit(untrained.init)(KEY, demos)
    assert not equal(state.classifier.params, start.classifier.params)
    after, metrics = jax.jit(algo.update)(KEY, state, demos)
    assert equal(after.classifier.params, state.classifier.params)
    assert not equal(after.params["value"], state.params["value"])
    along, _ = jax.jit(untrained.update)(KEY, start, demos)
    assert not equal(along.classifier.params, start.classifier.params)
    named = {
        "weight_demos",
        "weight_extra",
        "reward_demos",
        "reward_extra",
        "value_loss",
        "entropy",
    }
    assert named <= set(metrics)


@pytest.mark.slow
@pytest.mark.parametrize("method", [demodice, smodice])
def test_expert_like_steps_of_the_extra_data_are_cloned(method):
    """One demonstration in states near (1, 1) with action 0.5. Of the extra data half are like it,
    half are in states near (-1, -1), which lead there and where the action is -0.5. A state near 0
    is on the way of both."""
    rng = np.random.default_rng(0)

    def episode(sign: float) -> tuple[np.ndarray, np.ndarray]:
        path = np.linspace(0.0, sign, 7)[:, None] * np.ones(2) + 0.05 * rng.normal(size=(7, 2))
        return path, np.full((6, 1), 0.5 * sign)

    parts = [episode(1.0), *(episode(s) for s in [1.0, -1.0] * 20)]
    obs = np.concatenate([p[0][:-1] for p in parts]).astype(np.float32)
    after = np.concatenate([p[0][1:] for p in parts]).astype(np.float32)
    action = np.concatenate([p[1] for p in parts]).astype(np.float32)
    n, last = len(obs), np.arange(len(obs)) % 6 == 5
    no = np.zeros(n, bool)
    fields: Any = (
        obs, action, action, np.zeros(n), after, last, no, no, np.ones(n, np.float32)
    )  # fmt: skip
    demos = Transition(*fields, sizes=EpisodeSizes(len(parts), 6), extra=jnp.arange(n) >= 6)
    demos = jax.tree.map(jnp.asarray, demos)
    teller = dataclasses.replace(method.Config().discriminator, hidden=(32,), batch=64, penalty=0.1)
    config = method.Config(
        discriminator=teller, pretrain=300, absorbing=True, hidden=(32,), batch=64, steps=1500,
        entropy=False, value_lr=3e-3, discount=0.8,
    )  # fmt: skip
    algo = method.make(config, SPEC)
    state, metrics, update = jax.jit(algo.init)(KEY, demos), {}, jax.jit(algo.update)
    for i in range(2):
        state, metrics = update(jax.random.fold_in(KEY, i), state, demos)
    assert float(metrics["weight_demos"]) > 1.15 * float(metrics["weight_extra"])
    at_start = float(algo.act(KEY, state, jnp.zeros(2))[0])
    assert at_start > 0.15  # a clone of all data would have 0.01


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -0.1}, "alpha=-0.1: expected 0 or more"),
        ({"divergence": "js"}, "divergence=js: expected kl or chi2"),
        ({"divergence": "chi2", "alpha": 0.1}, "alpha=0.1: expected 0 beside divergence=chi2"),
        ({"learns_along": False}, "pretrain=0: expected 1 or more, because learns_along=False"),
        ({"reward_bounds": (1.0, 1.0)}, r"reward_bounds=\(1.0, 1.0\): expected none, or two"),
        ({"reward_bounds": (1.0,)}, r"reward_bounds=\(1.0,\): expected none, or two numbers"),
        ({"discount": 1.0}, "discount=1.0: expected a number below 1"),
        ({"value_lr": 0.0}, "value_lr=0.0: expected a positive number"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        dice_config.Config(**settings)


def test_discrete_actions_are_refused():
    spec = make_spec([("state", 2)], 3, 6, discrete=True)
    with pytest.raises(UserError, match="discrete actions"):
        smodice.make(smodice.Config(), spec)


def test_the_defaults_are_those_of_the_official_code():
    demo, smo = demodice.Config(), smodice.Config()
    assert (smo.discriminator.penalty, smo.discriminator.state_only) == (10.0, True)
    assert (smo.batch, smo.value_lr, smo.policy_lr, smo.value_l2) == (512, 3e-4, 3e-4, 1e-4)
    assert (smo.alpha, smo.absorbing, smo.entropy, smo.target_entropy) == (0.0, True, True, -1.0)
    assert (demo.discriminator.penalty, demo.discriminator.state_only) == (0.1, False)
    assert (demo.pretrain, demo.reward_bounds, smo.reward_bounds) == (0, (-6.9, 13.8), ())
    assert (demo.alpha, demo.absorbing, demo.entropy, demo.value_penalty) == (
        0.1,
        False,
        False,
        1e-4,
    )
