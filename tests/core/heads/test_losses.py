"""Losses and samplers of the policy heads by hand, with networks whose output is known."""

from __future__ import annotations

from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.core import heads
from imitbench.core.heads import bins, diffusion, flow, grid, kmeans, latent, mixture, regression
from imitbench.core.heads.head import Head
from imitbench.core.heads.scaling import MIN_RANGE, fit_scale
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
OBS = jnp.zeros((3, 4))
ACTION = jnp.array([[0.5, -0.5], [1.0, 0.0], [-0.25, 0.75]])
SIZES = ((), 4, 2)  # no hidden layers
KINDS = [k for k in get_args(heads.Kind) if k != "default"]


def constant(head: Head, output: Any = 0.0) -> Any:
    """Parameters with which the network puts out the same numbers everywhere."""

    def of(path: Any, x: jax.Array) -> jax.Array:
        is_bias = jax.tree_util.keystr(path).endswith("['bias']")
        return jnp.broadcast_to(output if is_bias else 0.0, x.shape).astype(x.dtype)

    return jax.tree_util.tree_map_with_path(of, head.init(KEY))


def losses(head: Head, output: Any = 0.0, fitted: Any = ()) -> np.ndarray:
    return np.asarray(head.loss(KEY, constant(head, output), fitted, OBS, ACTION)[0])


def test_regression():
    expected = np.mean((np.asarray(ACTION) - 0.1) ** 2, axis=1)
    np.testing.assert_allclose(losses(regression.deterministic(*SIZES), 0.1), expected, rtol=1e-5)
    # Mean 0.2 and log standard deviation 0.2.
    z = (np.asarray(ACTION) - 0.2) / np.exp(0.2)
    nll = np.sum(0.5 * z**2 + 0.2 + 0.5 * np.log(2 * np.pi), axis=1)
    np.testing.assert_allclose(losses(regression.gaussian(*SIZES), 0.2), nll, rtol=1e-5)


def test_mixture():
    """Two Gaussians with weights 1/3 and 2/3 and means 0.5 and -0.5."""
    raw = np.log(np.exp(0.3 - mixture.MIN_STD) - 1)  # softplus of it is the deviation 0.3
    output = np.array([0.0, np.log(2.0), 0.5, 0.5, raw, raw, -0.5, -0.5, raw, raw])
    head = mixture.mixture(*SIZES, modes=2)

    def density(a: np.ndarray, mean: float) -> float:
        return float(np.prod(np.exp(-0.5 * ((a - mean) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi))))

    expected = [-np.log(density(a, 0.5) / 3 + 2 * density(a, -0.5) / 3) for a in np.asarray(ACTION)]
    np.testing.assert_allclose(losses(head, output), expected, rtol=1e-4)
    many = head.sample(KEY, constant(head, output), (), jnp.zeros((3000, 4)))
    assert set(np.unique(many).round(3)) == {-0.5, 0.5}, "means, without their noise"
    assert np.mean(many[:, 0] < 0) == pytest.approx(2 / 3, abs=0.03)


def test_latent():
    """An encoder with mean 0.3 and log deviation 0.3, and a decoder that says 0.3."""
    head = latent.latent(*SIZES, latents=3, kl=0.5)
    divergence = 3 * (0.5 * (np.exp(0.6) + 0.09 - 1) - 0.3)
    expected = np.sum((np.asarray(ACTION) - 0.3) ** 2, axis=1) + 0.5 * divergence
    np.testing.assert_allclose(losses(head, 0.3), expected, rtol=1e-5)


@pytest.mark.parametrize("make", [bins.independent_bins, bins.autoregressive_bins])
def test_bins(make):
    """Equal probabilities: log B nats for each component; samples are uniform."""
    head = make(*SIZES, count=8)
    np.testing.assert_allclose(losses(head), 2 * np.log(8) * np.ones(3), rtol=1e-5)
    many = head.sample(KEY, constant(head), (), jnp.zeros((4000, 4)))
    assert many.min() >= -1 and many.max() <= 1
    assert many.mean() == pytest.approx(0, abs=0.03) and many.var() == pytest.approx(
        1 / 3, abs=0.02
    )
    assert bins.bin_of(jnp.array([-1.0, -0.76, -0.74, 1.0, 7.0]), 8).tolist() == [0, 0, 1, 7, 7]


def test_grid():
    """Nine joint actions, whose targets are thirds of [-1, 1]; and 21 levels apart."""
    np.testing.assert_allclose(grid.action_of(jnp.arange(5), 5), [-1, -0.5, 0, 0.5, 1])
    assert grid.is_joint(4, 3) and not grid.is_joint(5, 3)
    # The levels of ACTION: (2, 0), (2, 1), (1, 2).
    logits = np.arange(9.0) / 4
    log_p = logits - np.log(np.exp(logits).sum())
    head = grid.action_grid(*SIZES, count=3)
    expected = [-log_p[2 + 3 * 0], -log_p[2 + 3 * 1], -log_p[1 + 3 * 2]]
    np.testing.assert_allclose(losses(head, logits), expected, rtol=1e-5)
    best = head.sample(KEY, constant(head, logits), (), OBS)
    np.testing.assert_allclose(best, np.ones((3, 2)))
    # Levels -1, -0.9, ..., 1: 441 actions, so the components are independent.
    head = grid.action_grid(*SIZES, count=21)
    logits = np.concatenate([np.arange(21.0) / 9, -np.arange(21.0) / 9])
    log_p = [x - np.log(np.exp(x).sum()) for x in np.split(logits, 2)]
    expected = [-(log_p[0][15] + log_p[1][5]), -(log_p[0][20] + log_p[1][10])]
    np.testing.assert_allclose(losses(head, logits)[:2], expected, rtol=1e-4)
    best = head.sample(KEY, constant(head, logits), (), OBS)
    np.testing.assert_allclose(best, np.tile([1.0, -1.0], (3, 1)))
    drawn = grid.draw_on_grid(KEY, (3000,), 2, 3)
    np.testing.assert_allclose([np.mean(drawn == v) for v in (-1, 0, 1)], 1 / 3, atol=0.03)


def test_a_grid_of_a_chunk_has_independent_components():
    """3 ** 64 joint actions do not fit an integer: nothing is computed of them."""
    head = grid.action_grid((8,), 2, 64, count=3)
    seen = jnp.zeros((5, 2))
    acts = head.sample(KEY, head.init(KEY), (), seen)
    assert acts.shape == (5, 64) and set(np.unique(acts)) <= {-1.0, 0.0, 1.0}


def test_autoregressive_bins_see_the_components_before():
    """Teacher forcing and sampling agree: the later component depends on the earlier one alone."""
    head = bins.autoregressive_bins((16,), 4, 2, count=4)
    params = head.init(KEY)

    def loss(action: Any) -> float:
        return float(head.loss(KEY, params, (), OBS[:1], jnp.array([action]))[0][0])

    def second(first: float) -> np.ndarray:
        """Log probabilities of the second component's bins."""
        alone = [loss([first, x]) for x in (-0.75, -0.25, 0.25, 0.75)]
        return -np.array(alone)

    low, high = second(-0.75), second(0.75)
    gap = (low - low.mean()) - (high - high.mean())
    assert np.abs(gap).max() > 1e-3
    # The probabilities of all combinations add up to 1.
    every = [loss([a, b]) for a in (-0.75, -0.25, 0.25, 0.75) for b in (-0.75, -0.25, 0.25, 0.75)]
    assert np.exp(-np.array(every)).sum() == pytest.approx(1, rel=1e-4)


def test_kmeans():
    centres = jnp.array([[0.5, -0.5], [0.0, 1.0]])
    head = kmeans.kmeans(*SIZES, count=2, offset=2.0)
    # Equal probabilities; offsets of 0.1. The second action is as near to neither: to the first.
    focal = (1 - 0.5) ** 2 * np.log(2)
    nearest = np.array([[0.5, -0.5], [0.5, -0.5], [0.0, 1.0]])
    expected = focal + 2.0 * np.sum((nearest + 0.1 - np.asarray(ACTION)) ** 2, axis=1)
    output = np.array([0.0, 0.0, 0.1, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(losses(head, output, centres), expected, rtol=1e-5)
    many = head.sample(KEY, constant(head, output), centres, jnp.zeros((500, 4)))
    drawn = {tuple(x) for x in np.asarray(many, np.float64).round(3).tolist()}
    assert drawn == {(0.6, -0.4), (0.1, 1.1)}


def test_centres_are_those_of_the_clusters():
    """Rows of weight 0 do not count."""
    rng = np.random.default_rng(0)
    truth = np.array([[-0.8, 0.8], [0.8, 0.8], [0.0, -0.8]])
    action = np.repeat(truth, 50, axis=0) + 0.02 * rng.normal(size=(150, 2))
    action = np.concatenate([action, np.full((50, 2), 0.1)])
    weight = np.concatenate([np.ones(150), np.zeros(50)])
    found = kmeans.find_centres(KEY, jnp.float32(action), jnp.float32(weight), 3)
    order = np.argsort(np.asarray(found)[:, 0])
    np.testing.assert_allclose(np.asarray(found)[order], truth[[0, 2, 1]], atol=0.02)


def test_the_noise_schedule_is_the_formula():
    def level(t: float) -> float:
        return np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2

    share, expected = 1.0, []
    for i in range(20):
        share *= 1 - min(1 - level((i + 1) / 20) / level(i / 20), 0.999)
        expected.append(share)
    np.testing.assert_allclose(diffusion.kept_signal(20), expected, rtol=1e-4)
    assert expected[0] > 0.98 and expected[-1] < 1e-4


def test_diffusion():
    of_action = diffusion.diffusion(*SIZES, 20, 5, "action", ancestral=False)
    of_noise = diffusion.diffusion(*SIZES, 20, 5, "noise", ancestral=False)
    expected = np.mean((np.asarray(ACTION) - 0.1) ** 2, axis=1)
    np.testing.assert_allclose(losses(of_action, 0.1), expected, rtol=1e-5)
    _, k_noise = jax.random.split(KEY)
    noise = np.asarray(jax.random.normal(k_noise, ACTION.shape))
    np.testing.assert_allclose(losses(of_noise), np.mean(noise**2, axis=1), rtol=1e-5)


@pytest.mark.parametrize("ancestral", [True, False])
def test_diffusion_ends_at_the_action_that_the_network_restores(ancestral):
    head = diffusion.diffusion(*SIZES, 20, 5, "action", ancestral)
    assert head.evaluations == (20 if ancestral else 5)
    output = np.array([0.4, -0.7])
    drawn = head.sample(KEY, constant(head, output), (), OBS)
    np.testing.assert_allclose(drawn, np.tile(output, (3, 1)), atol=1e-5)


def test_a_step_of_ddpm_has_the_posterior_of_gaussians():
    """Against Bayes' rule for the last but one noised action, by numbers."""
    steps = 10
    kept = np.asarray(diffusion.kept_signal(steps), np.float64)
    t, x, clean = 6, 0.8, 0.3
    alpha = kept[t] / kept[t - 1]
    grid = np.linspace(-6, 6, 200_001)
    prior = np.exp(-0.5 * (grid - np.sqrt(kept[t - 1]) * clean) ** 2 / (1 - kept[t - 1]))
    density = prior * np.exp(-0.5 * (x - np.sqrt(alpha) * grid) ** 2 / (1 - alpha))
    density /= density.sum()
    mean = (density * grid).sum()
    std = np.sqrt((density * (grid - mean) ** 2).sum())
    ours = diffusion.posterior(jnp.float32(clean), jnp.float32(x), jnp.int32(t), jnp.float32(kept))
    np.testing.assert_allclose(ours, (mean, std), rtol=1e-3)


def test_flow():
    head = flow.flow(*SIZES, sample_steps=4)
    _, k_noise = jax.random.split(KEY)
    noise = np.asarray(jax.random.normal(k_noise, ACTION.shape))
    expected = np.mean((0.1 - (np.asarray(ACTION) - noise)) ** 2, axis=1)
    np.testing.assert_allclose(losses(head, 0.1), expected, rtol=1e-4)
    start = jax.random.normal(KEY, (3, 2))
    drawn = head.sample(KEY, constant(head, 0.25), (), OBS)
    np.testing.assert_allclose(drawn, start + 0.25, rtol=1e-5)  # a constant velocity for time 1


def test_regression_in_two_passes():
    squares = np.mean((np.asarray(ACTION) - 0.1) ** 2, axis=1)
    head = flow.two_pass(*SIZES)
    expected = squares / 0.9**2 + squares / 0.1**2
    np.testing.assert_allclose(losses(head, 0.1), expected, rtol=1e-4)
    assert head.evaluations == 2


def test_the_second_pass_learns_from_what_it_meets_when_acting():
    """A network that returns the action that it gets, unscaled, misses the noise alone."""
    head = flow.two_pass(*SIZES)

    def pass_on(path, x):
        is_bias = jax.tree_util.keystr(path).endswith("['bias']")
        return jnp.zeros_like(x) if is_bias else jnp.zeros_like(x).at[4:6].set(jnp.eye(2))

    params = jax.tree_util.tree_map_with_path(pass_on, head.init(KEY))
    _, metrics = head.loss(KEY, params, (), OBS, ACTION)
    noise = jax.random.normal(KEY, ACTION.shape)
    np.testing.assert_allclose(metrics["second_error"], jnp.mean((0.1 * noise) ** 2), rtol=1e-4)
    np.testing.assert_allclose(metrics["first_error"], jnp.mean(ACTION**2), rtol=1e-4)


def test_actions_are_scaled_by_the_range_of_the_data():
    action = jnp.array([[0.2, 0.5], [0.6, 0.5], [9.0, 9.0]])
    scale = fit_scale(action, jnp.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(scale.middle, [0.4, 0.5])
    np.testing.assert_allclose(scale.half, [0.2, MIN_RANGE / 2], rtol=1e-5)
    np.testing.assert_allclose(scale.to_unit(action[:2])[:, 0], [-1, 1], rtol=1e-5)
    np.testing.assert_allclose(scale.from_unit(scale.to_unit(action[:2])), action[:2], rtol=1e-5)
    assert float(scale.from_unit(jnp.array([9.0, 0.0]))[0]) == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_vmap(kind):
    head = heads.make(heads.Config(kind), (8,), 4, 2)
    fitted = head.fit(KEY, ACTION, jnp.ones(3))
    init, sample = jax.jit(head.init), jax.jit(head.sample)
    params = init(KEY)
    loss, metrics = jax.eval_shape(head.loss, KEY, params, fitted, OBS, ACTION)
    assert loss.shape == (3,) and all(v.shape == () for v in metrics.values())
    single = sample(KEY, params, fitted, OBS[0])
    assert single.shape == (2,) and np.abs(single).max() <= 1
    many = jax.eval_shape(sample, KEY, params, fitted, jnp.zeros((5, 3, 4)))
    assert many.shape == (5, 3, 2)
    keys = jax.random.split(KEY, 2)
    both = jax.vmap(lambda k: sample(k, init(k), fitted, OBS))(keys)
    one = sample(keys[1], init(keys[1]), fitted, OBS)
    np.testing.assert_allclose(both[1], one, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bins": 1}, "bins=1: expected 2 or more"),
        ({"modes": 0}, "modes=0: expected 1 or more"),
        ({"kl": -1.0}, "kl=-1.0: expected 0 or more"),
        ({"kind": "ddim", "sample_steps": 60}, "sample_steps=60: expected at most noise_steps=50"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(UserError, match=words):
        heads.Config(**settings)
