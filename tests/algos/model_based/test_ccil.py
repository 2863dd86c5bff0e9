"""CCIL: its labels against the physics, which labels are kept, and what the clone learns from."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.linear_networks import dense
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc, labelled
from imitbench.algos.model_based import ccil, corrective_labels
from imitbench.core import rollout
from imitbench.core.types import Transition
from imitbench.data import loading
from imitbench.data.sources.source import DemoSource
from imitbench.training import loop
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def ball() -> Any:
    """PointMass, whose dynamics are linear, and whose pose is its observation."""
    return envs.make("PointMass")


@pytest.fixture(scope="module")
def steps(ball) -> Transition:
    """Steps of random actions in it."""

    def act(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (*obs.shape[:-1], 2), minval=-1.0, maxval=1.0)

    return rollout.flatten(rollout.episodes(ball, act, KEY, 6))


def fitted(steps: Transition, error: float = 0.0, **settings: Any):
    """A maker of labels whose linear network is fitted by least squares, off by `error`.

    Returns:
        The maker, its parameters, its normalisers, and the slope of the true dynamics.
    """
    config = ccil.Config(model_hidden=(), **settings)
    maker = ccil.label_maker(config, envs.make("PointMass").spec)
    norms = maker.fit_norms(steps)
    inputs = maker.model.inputs(norms, steps.obs, steps.obs[:, :0], steps.action)
    change = norms.change(steps.next_obs - steps.obs, jnp.inf)
    x = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    kernel = np.linalg.lstsq(x, np.asarray(change, np.float64), rcond=None)[0]
    wrong = kernel[:-1] + error * np.sign(np.sin(np.arange(48))).reshape(8, 6)
    slope = float(np.linalg.norm(kernel[:-1], 2))
    return maker, dense(wrong.astype(np.float32), kernel[-1].astype(np.float32)), norms, slope


def lead(env: Any, pairs: bc.Pairs) -> np.ndarray:
    """Where the labels lead in the physics, [M, O]."""
    return np.asarray(
        jax.vmap(lambda x, a: env.step(env.reset_to(x), a).obs)(pairs.obs, pairs.target)
    )


def test_disturbed_actions_lead_to_the_next_states_exactly(ball, steps):
    """At the root, with a model that is exact."""
    maker, params, norms, _ = fitted(
        steps, labels="disturbed-action", number=3, noise=0.5, iterations=12, max_bound=np.inf
    )
    pairs, _ = maker.labels(KEY, params, norms, steps)
    assert pairs.obs.shape == (3 * len(steps.obs), 6)
    np.testing.assert_allclose(lead(ball, pairs), np.repeat(steps.next_obs, 3, axis=0), atol=2e-5)
    change = np.abs(np.asarray(pairs.target) - np.repeat(steps.action, 3, axis=0))
    assert 0.2 < change.mean() < 0.5 and np.abs(pairs.target).max() <= 1
    moved = np.abs(np.asarray(pairs.obs) - np.repeat(steps.obs, 3, axis=0))
    assert moved[:, 2:4].max() > 0.1 and moved[:, 4:].max() < 1e-4  # velocities, not the goal


def test_backtrack_leads_to_the_state_but_for_what_the_state_changes(ball, steps):
    """x + f(x, a) is s + f(x, a) - f(s, a), so that positions are off by what velocities differ."""
    maker, params, norms, _ = fitted(steps, max_bound=np.inf)
    pairs, _ = maker.labels(KEY, params, norms, steps)
    np.testing.assert_array_equal(pairs.target, steps.action)
    np.testing.assert_allclose(
        pairs.obs, 2 * np.asarray(steps.obs) - np.asarray(steps.next_obs), atol=1e-5
    )
    f = partial(maker.change, params, norms)
    off = f(pairs.obs, steps.action) - f(steps.obs, steps.action)
    np.testing.assert_allclose(lead(ball, pairs), steps.obs + off, atol=1e-5)
    error = np.abs(lead(ball, pairs) - steps.obs)
    assert 1e-3 < error[:, :2].mean() < np.abs(steps.next_obs - steps.obs)[:, :2].mean()


@pytest.mark.parametrize("labels", ["backtrack", "disturbed-action"])
@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_the_errors_in_the_physics_are_within_their_bounds(ball, steps, labels, wrong):
    """With a model that is right or wrong, and the slope of the true dynamics."""
    maker, params, norms, slope = fitted(steps, wrong, labels=labels, max_bound=np.inf)
    config = dataclasses.replace(maker.config, lipschitz=slope)
    maker = dataclasses.replace(maker, config=config)
    pairs, bound = maker.labels(KEY, params, norms, steps)
    target = steps.obs if labels == "backtrack" else steps.next_obs
    error = (lead(ball, pairs) - np.asarray(target)) / np.asarray(norms.change.std)
    error = np.sqrt((error**2).mean(axis=-1))
    assert (error <= np.asarray(bound) + 1e-2).all()
    assert (error / np.asarray(bound)).max() > 0.3


@pytest.mark.slow
@pytest.mark.parametrize(("labels", "number", "within"), [
    ("backtrack", 1, 0.95), ("disturbed-action", 5, 0.8),
])  # fmt: skip
def test_kept_labels_of_a_learned_model_are_within_their_bounds_in_mujoco(labels, number, within):
    """Default settings on one trajectory of Hopper, whose pose is its observation and a place."""
    env: Any = envs.make("Hopper")
    pool = loading.load_pool("Hopper", "auto", DemoSource(pool=10, expert="learned"))
    rows = jax.tree.map(lambda x: jnp.asarray(x[: pool.lengths[0]]), pool.rows)
    maker = ccil.label_maker(ccil.Config(labels=labels, number=number), env.spec)
    norms = maker.fit_norms(rows)
    params = jax.jit(maker.fit)(KEY, norms, rows)
    pairs, bound = jax.jit(maker.labels)(KEY, params, norms, rows)
    kept = np.flatnonzero(np.asarray(pairs.weight) > 0)[:300]
    assert len(kept) > 20
    step = np.repeat(np.arange(len(rows.obs)), number)[kept]
    pose = np.asarray(rows.pose)[step].copy()
    pose[:, 1:] = np.asarray(pairs.obs)[kept]
    led = jax.vmap(lambda x, a: env.step(env.reset_to(x), a).obs)(pose, pairs.target[kept])
    target = np.asarray(rows.obs if labels == "backtrack" else rows.next_obs)[step]
    error = np.asarray(corrective_labels.mean_length((led - target) / norms.change.std))
    assert np.mean(error <= np.asarray(bound)[kept]) > within
    if labels == "backtrack":  # and they lead back
        moved = corrective_labels.mean_length((pairs.obs[kept] - target) / norms.change.std)
        assert np.median(error) < 0.3 * np.median(moved)


def test_steps_whose_successor_is_unknown_give_no_labels(steps):
    """The last step of a file that lacks the observation after it seems to change nothing."""
    config = ccil.Config(model_hidden=(4,), model_steps=2, max_bound=np.inf)
    maker = ccil.label_maker(config, envs.make("PointMass").spec)
    lost = steps.replace(
        terminated=steps.terminated.at[3].set(True), next_obs=steps.next_obs.at[3].set(steps.obs[3])
    )
    left_out = steps.replace(weight=steps.weight.at[3].set(0.0))
    (pairs, found), (without, expected) = (maker(KEY, rows) for rows in (lost, left_out))
    np.testing.assert_array_equal(pairs.weight, without.weight)
    assert float(pairs.weight[3]) == 0 and float(pairs.weight.sum()) == len(steps.obs) - 1
    assert float(found["label_bound"]) == pytest.approx(float(expected["label_bound"]), rel=1e-5)


def test_labels_are_kept_by_their_bound(steps):
    """BackTrack's, by hand: L times the distance plus the model's error at the step."""
    maker, params, norms, _ = fitted(steps, 0.1, lipschitz=1.5, max_bound=0.6)
    rows = steps.replace(weight=steps.weight.at[:7].set(0.0))
    pairs, bound = maker.labels(KEY, params, norms, rows)
    change = np.asarray(steps.next_obs - steps.obs)
    inputs = np.concatenate(
        [(steps.obs - norms.state.mean) / norms.state.std, steps.action], axis=1
    )
    net = params["params"]["Dense_0"]
    output = inputs @ np.asarray(net["kernel"]) + np.asarray(net["bias"])
    predicted = np.asarray(norms.change.mean) + np.asarray(norms.change.std) * output
    far = np.sqrt(((predicted / np.asarray(norms.state.std)) ** 2).mean(axis=1))
    off = np.sqrt((((predicted - change) / np.asarray(norms.change.std)) ** 2).mean(axis=1))
    np.testing.assert_allclose(bound, 1.5 * far + off, rtol=1e-2, atol=1e-3)
    expected = np.asarray(bound) <= 0.6
    assert 0.1 < expected.mean() < 0.9
    expected[:7] = False  # not trained on
    np.testing.assert_array_equal(np.asarray(pairs.weight) > 0, expected)


def test_the_penalty_makes_the_model_flatter(steps):
    """Where the data are steep: the changes of a jump."""
    jump = jnp.where(steps.obs[:, :1] > 0.1, 1.0, -1.0)
    rows = steps.replace(next_obs=steps.obs + jump)

    def excess(penalty: float) -> float:
        config = ccil.Config(
            model_hidden=(32,), model_steps=300, model_lr=3e-3, lipschitz=1.0, penalty=penalty
        )
        maker = ccil.label_maker(config, envs.make("PointMass").spec)
        norms = maker.fit_norms(rows)
        params = jax.jit(maker.fit)(KEY, norms, rows)
        f = partial(maker.change, params, norms)
        near = rows.obs.at[:, 0].add(1e-2)
        change = jnp.linalg.norm(f(near, rows.action) - f(rows.obs, rows.action), axis=-1)
        return float(jnp.max(change / 1e-2))

    assert excess(5.0) < 0.5 * excess(0.0)


def test_noise_only_disturbs_observations_and_keeps_actions(steps):
    config = ccil.Config(labels="noise-only", number=400, noise=0.3)
    rows = steps.replace(intended_action=0.5 * steps.action)
    pairs, metrics = ccil.noise_labels(config, KEY, rows)
    np.testing.assert_array_equal(pairs.target, np.repeat(rows.intended_action, 400, axis=0))
    noise = np.asarray(pairs.obs) - np.repeat(steps.obs, 400, axis=0)
    std = np.asarray(steps.obs).std(axis=0)
    np.testing.assert_allclose(noise.std(axis=0), 0.3 * std, rtol=2e-2)
    np.testing.assert_allclose(noise.mean(axis=0) / std, 0, atol=1e-2)
    assert float(metrics["labels_kept"]) == 1
    cost = ccil.make(config, envs.make("PointMass").spec).cost
    assert (cost * 2).grad_steps == 2 * config.clone.steps


def rows_of(task: str, episodes: int) -> Transition:
    found = data.collect(envs.make(task), experts.load(task), episodes)
    return data.subset(found, episodes, [0], same=True)


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["backtrack", "disturbed-action", "noise-only"])
def test_the_clone_learns_from_demonstrations_and_kept_labels(labels, monkeypatch):
    """Each demonstrated step `repeats` times, each label once, and nothing of what is held out."""
    seen: list[bc.Pairs] = []

    def spy(self: Any, key: Any, state: Any, pairs: bc.Pairs) -> Any:
        seen.append(pairs)
        return state, {"loss": jnp.float32(0.0)}

    monkeypatch.setattr(bc.SupervisedLearner, "fit", spy)
    number = 1 if labels == "backtrack" else 2
    config = dataclasses.replace(
        shrink(ccil.Config(), validation=0.25), labels=labels, number=number, repeats=3,
        max_bound=5.0,
    )  # fmt: skip
    demos = rows_of("PointMass", 4)
    algo = ccil.make(config, envs.make("PointMass").spec)
    state = jax.jit(algo.init)(KEY, demos)
    _, metrics = algo.update(KEY, state, demos)
    (rows,) = seen
    n = 3 * 20  # of four episodes of 20 steps, one is held out
    assert len(rows.weight) == (3 + number) * n
    for i in range(3):
        part = slice(i * n, (i + 1) * n)
        np.testing.assert_array_equal(rows.obs[part], demos.obs[:n])
        np.testing.assert_array_equal(rows.target[part], demos.intended_action[:n])
        assert (rows.weight[part] == 1).all()
    np.testing.assert_array_equal(rows.obs[3 * n :], state.labels.obs)
    kept = float((np.asarray(state.labels.weight) > 0).mean())
    assert float(metrics["labels_kept"]) == pytest.approx(kept)
    assert ("val_loss" in metrics) and ("label_bound" in metrics) == (labels != "noise-only")
    np.testing.assert_allclose(
        state.clone.norm.mean, np.asarray(demos.obs[:n]).mean(axis=0), atol=1e-5
    )


@pytest.mark.slow
def test_without_kept_labels_it_is_bc():
    """The same rows in another store: the draws differ, what is learned does not."""
    clone = bc.Config(hidden=(16,), batch=200, steps=300, validation=0.0, lr=3e-3)
    config = ccil.Config(clone, max_bound=1e-9, model_steps=1, model_hidden=(4,))
    demos, spec = rows_of("PointMass", 4), envs.make("PointMass").spec
    errors = []
    for algo in (bc.make(clone, spec), ccil.make(config, spec)):
        state, metrics = jax.jit(algo.update)(KEY, jax.jit(algo.init)(KEY, demos), demos)
        errors.append(float(jnp.mean((algo.act(KEY, state, demos.obs) - demos.action) ** 2)))
    assert float(metrics["labels_kept"]) == 0
    assert errors[1] < 0.02 and errors[1] == pytest.approx(errors[0], rel=0.6)


def test_gradient_steps_of_the_model_count():
    config = ccil.Config(bc.Config(steps=50), model_steps=300)
    cost = ccil.make(config, envs.make("PointMass").spec).cost
    assert (cost * 0).grad_steps == 300 and (cost * 4).grad_steps == 500
    assert cost.env_steps == 0


@pytest.mark.slow
def test_any_head_learns_the_labels():
    head = dataclasses.replace(bc.Config().head, kind="mixture")
    config = dataclasses.replace(shrink(ccil.Config()), labels="disturbed-action", max_bound=9.0)
    config = dataclasses.replace(
        config, clone=dataclasses.replace(config.clone, head=head, ema=0.9)
    )
    demos = rows_of("PointMass", 4)
    algo = ccil.make(config, envs.make("PointMass").spec)
    state, metrics = jax.jit(algo.update)(KEY, jax.jit(algo.init)(KEY, demos), demos)
    assert np.isfinite(metrics["loss"]) and float(metrics["labels_kept"]) > 0.5
    assert np.isfinite(algo.act(KEY, state, demos.obs)).all()


@pytest.mark.slow
def test_labels_help_a_clone_of_few_demonstrations():
    """On the pendulum BC spins, and CCIL stands."""
    env = envs.make("Swing")
    clone = bc.Config(hidden=(64, 64), batch=128, steps=100, validation=0.0, lr_decay_steps=3_000)
    labels = ccil.Config(
        clone, "disturbed-action", number=5, noise=0.5, max_bound=1.0,
        model_steps=2_000, model_hidden=(64, 64), model_batch=128,
    )  # fmt: skip
    found = data.collect(env, experts.load("Swing"), 22, seed=5)
    rows = data.subset(found, 10, [100, 101])
    keys = jnp.stack([jax.random.key(s) for s in (100, 101)])
    options: dict[str, Any] = {"num_updates": 30, "num_evals": 1, "eval_episodes": 50}
    returns = [
        loop.train(algo, rows, keys, env=env, **options)[1].returns[:, -1]
        for algo in (bc.make(clone, env.spec), ccil.make(labels, env.spec))
    ]
    assert (returns[1] > returns[0] + 300).all() and returns[1].mean() > -1_900


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="this task has discrete actions"):
        ccil.make(ccil.Config(), envs.make("ProbePolicy").spec)
    env = envs.make("PointMass")
    demos, keys = rows_of("PointMass", 2), jax.random.key(0)[None]
    algo = ccil.make(shrink(ccil.Config()), env.spec)
    options: dict[str, Any] = {"num_updates": 1, "num_evals": 1, "eval_episodes": 1}
    with pytest.raises(UserError, match="'next_obs' is missing"):
        lost: Any = demos.replace(next_obs=None)
        loop.train(algo, lost, keys, env=env, **options)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"number": 2}, "number=2: expected 1, because backtrack has one label a step"),
        ({"max_bound": 0.0}, "max_bound=0.0: expected a positive number"),
        ({"lipschitz": -1.0}, "lipschitz=-1.0: expected a positive number"),
        ({"penalty": -1.0}, "penalty=-1.0: expected 0 or more"),
        ({"iterations": 0}, "iterations=0: expected 1 or more"),
    )
    for settings, message in wrong:
        with pytest.raises(UserError, match=message):
            ccil.Config(**settings)
    assert algos.traits("ccil").needs_demos and not algos.needs("ccil")
    assert float(labelled.kept_share(jnp.zeros(3), jnp.zeros(3))) == 0
