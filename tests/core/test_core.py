"""Operations, buffers, networks, rollouts: hand-worked numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.integrate
import scipy.stats

from imitbench import envs
from imitbench.core import buffer, distributions, nets, ops, policy_nets, rollout
from imitbench.core.types import Cost
from imitbench.envs.base import make_spec


def test_masked_mean_ignores_what_it_masks():
    x = jnp.array([1.0, 3.0, jnp.nan])
    assert float(ops.weighted_mean(x, jnp.array([1.0, 1.0, 0.0]))) == 2.0
    assert float(ops.weighted_mean(x, jnp.array([1.0, 3.0, 0.0]))) == 2.5
    assert float(ops.weighted_mean(x, jnp.zeros(3))) == 0.0
    grad = jax.grad(lambda y: ops.weighted_mean(y * x, jnp.array([1.0, 1.0, 0.0])))(jnp.ones(3))
    np.testing.assert_allclose(grad[:2], [0.5, 1.5])


def test_normaliser_uses_weighted_rows_floor_and_clip():
    x = jnp.array([[0.0, 5.0], [2.0, 5.0], [1e9, jnp.nan]])
    norm = ops.fit_normaliser(x, jnp.array([1.0, 1.0, 0.0]), floor=0.01)
    np.testing.assert_allclose(norm.mean, [1.0, 5.0])
    np.testing.assert_allclose(norm.std, [1.0, 0.01])
    np.testing.assert_allclose(norm(jnp.array([3.0, 5.02]), 5.0), [2.0, 2.0], rtol=1e-4)
    np.testing.assert_allclose(norm(jnp.array([99.0, 0.0]), 5.0), [5.0, -5.0])


def test_descend_takes_one_step_of_sgd():
    def loss(p, x):
        return 0.5 * (p - x) ** 2, {"gap": p - x}

    opt = optax.sgd(0.1)
    params, _, metrics = ops.gradient_step(
        loss, opt, jnp.float32(3.0), opt.init(jnp.float32(3.0)), 1.0
    )
    assert float(params) == pytest.approx(2.8)
    assert float(metrics["gap"]) == 2.0


def test_streams_of_one_key_differ_by_name():
    key = jax.random.key(0)
    names = ["init", "update", "evaluate", "tini"]
    data = {tuple(jax.random.key_data(ops.fold_in_name(key, n)).tolist()) for n in names}
    assert len(data) == len(names)


def test_finite_finds_every_kind_of_bad_number():
    good = {"a": jnp.ones(2), "n": jnp.int32(3)}
    assert bool(ops.all_finite(good)) and bool(ops.all_finite({}))
    for bad in (jnp.nan, jnp.inf, -jnp.inf):
        assert not bool(ops.all_finite(good | {"b": jnp.array([1.0, bad])}))


def test_ring_keeps_the_newest_rows():
    like = {"x": jnp.zeros((1, 2)), "n": jnp.zeros(1, jnp.int32)}
    store = buffer.ring(like, 5)
    assert int(store.size) == 0
    rows = lambda a, b: {"x": jnp.tile(jnp.arange(a, b)[:, None] * 1.0, 2), "n": jnp.arange(a, b)}  # noqa: E731
    store = buffer.append(store, rows(0, 3))
    assert int(store.size) == 3
    seen = buffer.sample(jax.random.key(0), store.rows, 200, store.size)
    assert set(seen["n"].tolist()) == {0, 1, 2}
    store = buffer.append(store, rows(3, 7))
    assert int(store.size) == 5 and set(store.rows["n"].tolist()) == {2, 3, 4, 5, 6}
    with pytest.raises(ValueError, match="6 rows do not fit into a ring of 5"):
        buffer.append(store, rows(0, 6))


def test_gaussian_and_categorical_agree_with_scipy():
    mean, std, a = np.array([0.3, -0.2]), np.array([0.5, 2.0]), np.array([0.1, 1.0])
    dist = distributions.Gaussian(jnp.array(mean), jnp.log(jnp.array(std)))
    expected = scipy.stats.norm.logpdf(a, mean, std).sum()
    assert float(dist.log_prob(jnp.array(a))) == pytest.approx(expected, rel=1e-5)
    logits = np.array([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]])
    choice = distributions.Categorical(jnp.array(logits))
    got = choice.log_prob(jnp.array([1, 2]))
    np.testing.assert_allclose(got[0], 2 - np.log(np.exp(logits[0]).sum()), rtol=1e-5)
    np.testing.assert_allclose(got[1], -np.log(3), rtol=1e-5)
    np.testing.assert_array_equal(choice.mode, [1, 0])


def limited_entropy(mean: Any, log_std: Any) -> jax.Array:
    dist = distributions.Gaussian(jnp.array([mean, mean]), jnp.asarray(log_std))
    return dist.limited_entropy(2.0) / 2  # two equal components


@pytest.mark.parametrize(
    ("mean", "std", "by_log_std", "by_mean"),
    [
        (0.0, 0.1, 1.0, 0.0),
        (0.0, 1.0, 1.33, 0.0),
        (0.0, 1.5, 0.54, 0.0),
        (0.0, 2.0, -0.10, 0.0),
        (0.0, 3.0, -0.57, 0.0),
        (1.5, 1.0, 0.44, -0.57),
        (1.5, 0.3, 1.26, 0.62),
    ],
)
def test_slopes_of_the_limited_entropy(mean, std, by_log_std, by_mean):
    slopes = jax.grad(limited_entropy, (0, 1))(mean, float(np.log(std)))
    np.testing.assert_allclose(slopes, (by_mean, by_log_std), atol=6e-3)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.5, 0.3), (-0.7, 2.0)])
def test_how_the_limited_entropy_differs_from_the_part_of_the_entropy(mean, std):
    """What the docstring says: the last term of the integral has another form."""
    p: Any = scipy.stats.norm(mean, std)
    part = scipy.integrate.quad(lambda x: -p.pdf(x) * p.logpdf(x), -2, 2)[0]
    low, high = (-2 - mean) / (2**0.5 * std), (2 - mean) / (2**0.5 * std)
    edges = high * np.exp(-(high**2)) - low * np.exp(-(low**2))
    mass = p.cdf(2) - p.cdf(-2)
    expected = part - mass / 2 + edges / (2 * np.pi**0.5) + edges / 2
    assert float(limited_entropy(mean, np.log(std))) == pytest.approx(expected, rel=1e-5)


def test_far_limits_leave_the_entropy_minus_a_half():
    dist = distributions.Gaussian(jnp.array([[0.2, -0.1]]), jnp.log(jnp.array([0.1, 0.2])))
    np.testing.assert_allclose(dist.limited_entropy(2.0), dist.entropy() - 1.0, rtol=1e-5)


@pytest.mark.parametrize("head", ["deterministic", "gaussian"])
def test_policies_stay_in_bounds(head):
    spec = make_spec([("x", 3)], 2, 5)
    net = policy_nets.policy(spec, (8,), head, log_std_range=(-1, 1))
    params = net.init(jax.random.key(0))
    out = net.apply(params, 1e3 * jnp.ones((4, 3)))
    assert out.mode.shape == (4, 2) and np.abs(out.mode).max() <= 1
    if isinstance(out, distributions.Gaussian):
        assert out.log_std.min() >= -1 and out.log_std.max() <= 1


def test_costs_multiply():
    assert Cost(2, 3, 4) * 5 == Cost(10, 15, 20)
    late = Cost(grad_steps=4, grad_step_offset=6)
    assert [(late * n).grad_steps for n in (0, 1, 2, 3)] == [0, 0, 2, 6]


def test_episodes_mask_everything_after_termination():
    env = envs.make("ProbeDiscount")  # ends after two steps
    steps = rollout.episodes(
        env, lambda k, o: jnp.zeros((*o.shape[:-1], 1)), jax.random.key(0), 3, horizon=4
    )
    np.testing.assert_array_equal(steps.weight[:, 0], [1, 1, 0, 0])
    np.testing.assert_array_equal(steps.reward[:, 0], [0, 1, 0, 0])
    np.testing.assert_array_equal(steps.terminated[:, 0], [0, 1, 0, 0])
    np.testing.assert_array_equal(steps.obs[:, 0, 0], [0, 1, 2, 2])
    np.testing.assert_array_equal(steps.next_obs[:, 0, 0], [1, 2, 2, 2])
    flat = rollout.flatten(steps)
    np.testing.assert_array_equal(flat.weight[:4], [1, 1, 0, 0])


def test_success_any_and_final():
    steps = rollout.episodes(
        envs.make("PointMass"), lambda k, o: jnp.zeros((*o.shape[:-1], 2)), jax.random.key(0), 2
    )
    success = np.zeros((20, 2), bool)
    success[4, 0] = True  # reached and lost again
    success[19, 1] = True
    got = rollout.summarise(steps.replace(success=jnp.array(success)))
    np.testing.assert_array_equal(got["success_any"], [True, True])
    np.testing.assert_array_equal(got["success_final"], [False, True])
    np.testing.assert_array_equal(got["length"], [20, 20])


def test_initial_states_do_not_depend_on_the_policy():
    env = envs.make("PointMass")
    key = jax.random.key(7)
    zero = rollout.episodes(env, lambda k, o: jnp.zeros((*o.shape[:-1], 2)), key, 4)
    noisy = rollout.episodes(env, lambda k, o: jax.random.normal(k, (*o.shape[:-1], 2)), key, 4)
    np.testing.assert_array_equal(zero.obs[0], noisy.obs[0])


def test_non_finite_actions_are_executed_as_zero():
    env = envs.make("PointMass")
    steps = rollout.episodes(
        env, lambda k, o: jnp.full((*o.shape[:-1], 2), jnp.nan), jax.random.key(0), 2
    )
    assert np.isfinite(steps.obs).all() and not steps.action.any()


@pytest.mark.parametrize("shape", [(5, 12), (12, 5), (64, 64)])
def test_orthogonal_kernels(shape):
    w = np.asarray(nets.orthogonal(2.0)(jax.random.key(0), shape), np.float64)
    assert w.shape == shape
    gram = w @ w.T if shape[0] <= shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4.0 * np.eye(min(shape)), atol=1e-5)
