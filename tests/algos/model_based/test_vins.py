"""VINS: targets, negatives, model and policy against hand-worked numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.linear_networks import dense
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.algos.model_based import goal_features, vins, vins_rl, vins_true
from imitbench.core.types import GoalSpec, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

HORIZON = 4
KEY = jax.random.key(0)


def near(achieved: jax.Array, desired: jax.Array) -> jax.Array:
    return jnp.where(jnp.abs(achieved - desired)[..., 0] > 0.1, -1.0, 0.0)


LINE = make_spec([("at", 1), ("goal", 1)], 1, HORIZON, GoalSpec("at", "goal", near))
# Two episodes along the line: one reaches its goal after its third step, the other never does.
AT = np.array([[0.0, 0.3, 0.6, 0.95, 1.0], [5.0, 5.5, 6.0, 6.5, 7.0]], np.float32)
GOAL = np.array([[1.0], [9.0]], np.float32)
REACHED = np.abs(AT - GOAL) <= 0.1


def demos() -> Transition:
    obs = np.stack([AT, np.broadcast_to(GOAL, AT.shape)], axis=-1)
    action = (AT[:, 1:] - AT[:, :-1])[..., None]
    flag = np.zeros((2, HORIZON), bool)
    limit = flag.copy()
    limit[:, -1] = True
    reward = np.where(REACHED[:, 1:], 0.0, -1.0).astype(np.float32)
    ones = np.ones((2, HORIZON), np.float32)
    parts = (obs[:, :-1], action, action, reward, obs[:, 1:], flag, limit, REACHED[:, 1:], ones)
    return Transition(*(jnp.asarray(x.reshape(-1, *x.shape[2:])) for x in parts))


def fitted(steps: list[Any], **settings: Any):
    """One gradient step: the features that the value was fitted on, and to what; and its state."""
    clone = bc.Config(hidden=(), validation=0.0, steps=1, batch=2)
    config = vins.Config(clone=clone, hidden=(), model_hidden=(), batch=400, **settings)
    parts = vins.learner(config, LINE)
    state = parts.init(KEY, demos())
    target = dense([[2.0], [-3.0]], [-20.0])  # of normalised (goal - at, at)
    with jax.disable_jit():
        parts.update(KEY, state.replace(target=target), demos())
    (call,) = [c for c in steps if len(c) == 7]
    seen, wanted, first = call[4:]
    norm = state.norm
    raw = np.asarray(seen) * np.asarray(norm.std) + np.asarray(norm.mean)
    return raw, np.asarray(wanted), first, state, call[0]


def target_value(state: vins.State, at: Any, goal: Any) -> np.ndarray:
    norm = state.norm
    x = (np.stack([goal - at, at], axis=-1) - np.asarray(norm.mean)) / np.asarray(norm.std)
    return 2 * x[..., 0] - 3 * x[..., 1] - 20


def td_targets(state: vins.State, discount: float = 1.0) -> np.ndarray:
    """[2, T + 1] of every demonstrated state; the last one's is its own target value."""
    after = np.where(REACHED, 0.0, target_value(state, AT, GOAL))
    return np.concatenate(
        [np.where(REACHED[:, :-1], 0.0, discount * after[:, 1:] - 1.0), after[:, -1:]], 1
    )


def index(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Episode and step of positions."""
    which = np.abs(at[:, None] - AT.ravel()).argmin(axis=1)
    return which // (HORIZON + 1), which % (HORIZON + 1)


@pytest.mark.parametrize("discount", [1.0, 0.5])
def test_value_is_fitted_to_one_step_less_than_the_successor(steps, discount):
    raw, wanted, first, state, _ = fitted(steps, mu=0.0, interpolations=0, discount=discount)
    assert len(raw) == first == 400
    episode, t = index(raw[:, 1])
    assert set(zip(episode.tolist(), t.tolist(), strict=True)) == {
        (e, t) for e in (0, 1) for t in range(HORIZON)
    }
    np.testing.assert_allclose(raw[:, 0], GOAL[episode, 0] - raw[:, 1], atol=1e-5)
    np.testing.assert_allclose(wanted, td_targets(state, discount)[episode, t], rtol=1e-5)
    # Whoever is at the goal is worth 0, and one step before it -1.
    assert set(wanted[(episode == 0) & (t == 3)]) == {0.0}
    assert set(wanted[(episode == 0) & (t == 2)]) == {-1.0}


def test_states_between_two_are_worth_what_lies_between(steps):
    raw, wanted, first, state, _ = fitted(steps, mu=0.0, interpolations=3)
    assert len(raw) == first == 1200
    episode = (raw[:, 1] > 3).astype(int)
    at, worth = AT[episode], td_targets(state)
    after = np.where(REACHED, 0.0, target_value(state, AT, GOAL))
    t = np.clip((raw[:, 1, None] >= at - 1e-6).sum(axis=1) - 1, 0, HORIZON - 1)
    rows = np.arange(len(raw))
    share = (raw[:, 1] - at[rows, t]) / (at[rows, t + 1] - at[rows, t])
    assert share.min() < 0.05 and share.max() > 0.95
    expected = (1 - share) * worth[episode, t] + share * after[episode, t + 1]
    np.testing.assert_allclose(wanted, expected, atol=2e-3)


@pytest.mark.parametrize("centre", ["td", "target"])
def test_negatives_fall_off_with_their_distance(steps, centre):
    raw, wanted, first, state, loss = fitted(
        steps, interpolations=0, samples=2, slope=7.0, centre=centre, noise=(0.001, 0.004), mu=0.5
    )
    assert (first, len(raw)) == (400, 1200)
    raw, wanted = raw[first:], wanted[first:]
    episode, t = index(raw[:, 1])
    # Displaced from a demonstrated state, while the goal stays and the difference follows.
    np.testing.assert_allclose(raw.sum(axis=1), GOAL[episode, 0], atol=1e-4)
    std = float(state.model_norms.state.std[0])
    far = np.abs(raw[:, 1] - AT[episode, t]) / std
    assert 0 < far.max() < 0.02
    middle = td_targets(state) if centre == "td" else target_value(state, AT, GOAL)
    np.testing.assert_allclose(wanted, middle[episode, t] - 7.0 * far, atol=2e-3)
    # The loss: mean squared error on the data, and half of that on the negatives.
    seen = jnp.array([[1.0, 2.0], [0.0, 1.0], [1.0, 1.0]])
    value, metrics = loss(dense([[1.0], [1.0]], [0.0]), seen, jnp.array([0.0, 0.0, 5.0]), 2)
    assert float(metrics["td_loss"]) == pytest.approx((9 + 1) / 2)
    assert float(value) == pytest.approx((9 + 1) / 2 + 0.5 * 9)


def test_where_episodes_end():
    view = goal_features.make_view(LINE, (), "VINS")
    whole, first, last = (
        vins.demo_rows(vins.Config(goal=g), view, demos()) for g in ("absorbing", "first", "last")
    )
    np.testing.assert_array_equal(whole.cost, np.where(REACHED[:, :-1], 0, -1).ravel())
    np.testing.assert_array_equal(whole.here, REACHED[:, :-1].ravel())
    np.testing.assert_array_equal(whole.end, REACHED[:, 1:].ravel())
    np.testing.assert_array_equal(first.weight, [1, 1, 1, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(whole.weight, np.ones(8))
    np.testing.assert_array_equal(last.end, [0, 0, 0, 1] * 2)
    np.testing.assert_array_equal(last.cost, np.where(REACHED[:, 1:], 0, -1).ravel())
    assert not last.here.any()


HAND = make_spec(
    [("grip_pos", 2), ("object_pos", 2), ("gripper_state", 1), ("goal", 2)],
    2, HORIZON, GoalSpec("object_pos", "goal", near),
)  # fmt: skip


def test_fields_are_displaced_together_or_alone():
    view = goal_features.make_view(HAND, (), "VINS")
    assert view.fields == ("object_pos", "grip_pos", "gripper_state") and view.size == 7
    groups = goal_features.groups(view, ())
    rng = np.random.default_rng(0)
    before = {
        k: jnp.asarray(rng.normal(size=(9000, n)))
        for k, n in zip(view.fields, view.sizes, strict=True)
    }
    std = {
        "object_pos": jnp.array([9.0, 9.0]),
        "grip_pos": jnp.array([1.0, 2.0]),
        "gripper_state": jnp.array([4.0]),
    }
    after, far = goal_features.perturb(KEY, groups, before, std, (0.1, 0.4), "std")
    step = {k: np.asarray(after[k] - before[k]) for k in before}
    moved = np.stack([np.abs(step[k]).sum(axis=1) > 0 for k in view.fields], axis=1)
    kinds, counts = np.unique(moved, axis=0, return_counts=True)
    assert kinds.tolist() == [[False, False, True], [False, True, False], [True, True, False]]
    np.testing.assert_allclose(counts / 9000, 1 / 3, atol=0.03)
    both = moved[:, 0]
    np.testing.assert_allclose(step["object_pos"][both], step["grip_pos"][both], atol=1e-5)
    hand = step["grip_pos"] / np.array([1.0, 2.0])
    length = np.where(
        moved[:, 2], np.abs(step["gripper_state"][:, 0]) / 4, np.linalg.norm(hand, axis=1)
    )
    np.testing.assert_allclose(far, length, atol=1e-5)
    # Sizes are log-uniform: half of them below the root of 0.1 * 0.4.
    spread = np.abs(hand[moved[:, 1]]).mean()
    mean_size = (0.4 - 0.1) / np.log(4)
    assert spread == pytest.approx(mean_size * (2 / np.pi) ** 0.5, rel=0.05)
    raw = np.linalg.norm(step["grip_pos"], axis=1) + np.abs(step["gripper_state"][:, 0])
    rms = length / np.where(moved[:, 2], 1, 2**0.5)
    same, far_rms = goal_features.perturb(KEY, groups, before, std, (0.1, 0.4), "rms")
    jax.tree.map(np.testing.assert_array_equal, after, same)
    far_raw = goal_features.perturb(KEY, groups, before, std, (0.1, 0.4), "raw")[1]
    np.testing.assert_allclose(far_rms, rms, atol=1e-5)
    np.testing.assert_allclose(far_raw, raw, atol=1e-5)


def test_fields_that_are_not_seen_are_not_displaced():
    def default(*features: str) -> goal_features.Groups:
        return goal_features.groups(goal_features.make_view(HAND, features, "VINS"), ())

    assert default("goal - object_pos", "object_pos - grip_pos") == (
        ("grip_pos", "object_pos"),
        ("grip_pos",),
    )
    assert default("goal - object_pos") == (("object_pos",),)
    assert goal_features.groups(goal_features.make_view(LINE, (), "VINS"), ()) == (("at",),)


def test_model_is_fitted_by_length_not_by_its_square(steps):
    fitted(steps)
    (call,) = [c for c in steps if len(c) == 6 and getattr(c[4], "shape", ()) == (400, 2)]
    loss, inputs, change = call[0], call[4], call[5]
    assert inputs.shape == (400, 2) and change.shape == (400, 1)
    real = (AT[:, 1:] - AT[:, :-1]).ravel()
    scaled = (real - real.mean()) / real.std()
    found = np.unique(np.round(np.asarray(change, np.float64), 3))
    np.testing.assert_allclose(found, np.unique(np.round(scaled, 3)), atol=2e-3)
    value, _ = loss(dense([[0.0], [0.0]], [0.0]), inputs[:3], jnp.array([[3.0], [-4.0], [0.0]]))
    assert float(value) == pytest.approx(7 / 3, rel=1e-5)
    slope = jax.grad(lambda b: loss(dense([[0.0], [0.0]], b), inputs[:1], jnp.zeros((1, 1)))[0])
    assert np.isfinite(slope(jnp.zeros(1))).all()


def chooser(**settings: Any):
    """A policy whose value grows along the line, and whose model believes in the action."""
    clone = bc.Config(hidden=(), validation=0.0)
    config = vins.Config(clone=clone, hidden=(), model_hidden=(), **settings)
    parts = vins.learner(config, LINE)
    state = parts.init(KEY, demos())
    params = {"value": dense([[0.0], [1.0]], [0.0]), "model": dense([[0.0], [1.0]], [0.0])}
    prior = state.clone.replace(params=dense([[0.0], [0.0]], [np.arctanh(0.5)]))
    return parts, state.replace(params=params, clone=prior)


def test_the_best_candidate_around_the_prior_is_taken():
    obs = jnp.array([[1.0, 3.0], [2.0, 3.0]])
    parts, state = chooser(alpha=0.2, k=400)
    actions = parts.propose(KEY, state, obs)
    assert actions.shape == (2, 400, 1)
    assert 0.3 <= actions.min() < 0.31 and 0.69 < actions.max() <= 0.7
    np.testing.assert_array_equal(parts.act(KEY, state, obs), actions.max(axis=1))
    norm = state.model_norms.change
    np.testing.assert_allclose(
        parts.predict(state, obs[:, None], actions),
        obs[:, None, :1] + norm.mean + norm.std * actions,
        rtol=1e-5,
    )
    parts, state = chooser(alpha=1.0, k=400, prior=False)
    actions = parts.propose(KEY, state, obs)
    assert actions.min() < -0.98 and 0.98 < actions.max() <= 1
    parts, state = chooser(alpha=0.8, k=50)
    assert float(parts.propose(KEY, state, obs).max()) == 1.0


def test_true_dynamics_step_the_environment():
    env = envs.make("PointMass")
    clone = bc.Config(hidden=(4,), validation=0.0)
    config = vins_true.Config(clone=clone, hidden=(), alpha=1.0, k=3)
    algo = vins_true.make(config, env.spec, env)
    parts = vins.learner(config, env.spec)
    rows = demos_of(env)
    state = parts.init(KEY, rows.replace(obs=jax.random.normal(KEY, rows.obs.shape)))
    value = dense([[0.0], [0.0], [1.0], [0.0]], [0.0])  # grows with x
    state = state.replace(params=state.params | {"value": value})
    now = jax.vmap(env.reset)(jax.random.split(KEY, 2))
    assert algo.actor is not None
    chosen, _ = algo.actor(state).act(KEY, (), now)
    actions = parts.propose(KEY, state, now.obs)
    for b in range(2):
        one = jax.tree.map(lambda x, b=b: x[b], now)
        after = [float(env.step(one, a).obs[0]) for a in actions[b]]
        np.testing.assert_array_equal(chosen[b], actions[b, int(np.argmax(after))])


def demos_of(env: Any) -> Transition:
    n = 2 * env.spec.horizon
    size = env.spec.obs_size
    flag, number = jnp.zeros(n, bool), jnp.ones(n)
    obs, action = jnp.ones((n, size)), jnp.zeros((n, env.spec.action_size))
    return Transition(obs, action, action, number, obs, flag, flag, flag, number)


def test_rl_goes_on_from_vins_without_negatives_and_without_the_prior():
    env = envs.make("ProbeGoal")
    config = shrink(vins_rl.Config())
    algo = vins_rl.make(config, env.spec, env)
    shown = data.collect(env, experts.load("ProbeGoal"), 6, seed=1)
    rows = data.subset(shown, 3, [0], same=True)
    state = jax.jit(algo.init)(KEY, rows)
    plain = vins.learner(config.vins, env.spec)
    own = plain.init(jax.random.split(KEY, 3)[0], rows)
    for key in jax.random.split(jax.random.split(KEY, 3)[1], 2):  # 6 steps, 3 an update
        own, _ = jax.jit(plain.update)(key, own, rows)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), state.vins, own)
    n, each = 3 * env.spec.horizon, config.envs * config.length
    assert int(state.replay.written) == n
    new, metrics = jax.jit(algo.update)(KEY, state, rows)
    assert int(new.replay.written) == n + config.rounds * each
    assert "ns_loss" not in metrics and {"td_loss", "model_loss", "reward"} <= set(metrics)
    jax.tree.map(np.testing.assert_array_equal, new.vins.clone, state.vins.clone)
    kept = jax.tree.map(lambda x: np.asarray(x)[: n + config.rounds * each], new.replay.rows)
    np.testing.assert_array_equal(kept.state[:n], rows.obs[:, :2])
    collected = kept.state[n:] + 0.1 * kept.action[n:]
    np.testing.assert_allclose(kept.next_state[n:], collected, atol=1e-6)
    at_goal = np.linalg.norm(kept.state - kept.desired, axis=1) <= 0.1
    np.testing.assert_array_equal(kept.here, at_goal)
    np.testing.assert_array_equal(kept.cost, np.where(at_goal, 0, -1))
    # Noise around 0 over the whole range, not around the prior.
    wide = np.abs(kept.action[n:])
    assert wide.max() > 0.8 and wide.min() < 0.2
    assert [(algo.cost * u).grad_steps for u in (0, 1)] == [6, 6 + config.rounds * 2]
    for bad, words in (
        ({"pretrain": 7}, "pretrain=7: expected a multiple of vins.clone.steps=3"),
        ({"capacity": 20}, "capacity=20: demos and a round need"),
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"vins": dataclasses.replace(config.vins, goal="first")}, "vins.goal=first"),
    ):
        with pytest.raises(UserError, match=words):
            vins_rl.make(dataclasses.replace(config, **bad), env.spec, env).init(KEY, rows)


def test_bad_settings():
    wrong: tuple[tuple[str, Any], ...] = (
        ("alpha", 0.0), ("alpha", 2.5), ("k", 0), ("mu", -0.1), ("slope", 0.0), ("samples", 0),
        ("noise", (0.5, 0.1)), ("noise", (0.1,)), ("tau", 0.0), ("interpolations", -1),
        ("discount", 1.1),
    )  # fmt: skip
    for name, value in wrong:
        with pytest.raises(UserError, match=f"^{name}="):
            dataclasses.replace(vins.Config(), **{name: value})
    for features, negatives, words in (
        (("att",), (), "unknown field of the observation 'att': did you mean at"),
        (("at - goal - at",), (), "expected a field, or 'a - b'"),
        (("goal",), (), "a field that changes"),
        ((), (("attt",),), "unknown field to perturb"),
    ):
        with pytest.raises(UserError, match=words):
            vins.make(vins.Config(features=features, negatives=negatives), LINE)
    with pytest.raises(UserError, match="equal sizes"):
        vins.make(vins.Config(negatives=(("grip_pos", "gripper_state"),)), HAND)
    with pytest.raises(UserError, match="VINS needs a task with goals"):
        vins.make(vins.Config(), make_spec([("x", 1)], 1, 5))


@pytest.mark.slow
def test_the_value_climbs_to_the_goal_and_falls_off_the_demonstrations():
    """And without negative samples it does not fall off."""
    env = envs.make("ProbeGoal")
    shown = data.collect(env, experts.load("ProbeGoal"), 60, seed=1)
    rows = data.subset(shown, 30, [0], same=True)
    clone = bc.Config(hidden=(32,), validation=0.0, steps=4000)
    drop = {}
    for mu in (1 / 3, 0.0):
        config = vins.Config(clone=clone, hidden=(64, 64), model_hidden=(64,), mu=mu, lr=1e-3)
        parts = vins.learner(config, env.spec)
        state = jax.jit(parts.init)(KEY, rows)
        state, metrics = jax.jit(parts.update)(KEY, state, rows)
        view = parts.view
        steps = jax.tree.map(lambda x: x.reshape(30, env.spec.horizon, *x.shape[1:]), rows)
        value = np.asarray(parts.value(state, view.state(steps.obs), view.desired(steps.obs)))
        togo = np.asarray(view.reached(steps.obs)).argmax(axis=1)
        first = value[np.arange(30), 0]
        assert np.corrcoef(first, -togo)[0, 1] > 0.8
        away = steps.obs[:, 0].at[:, :2].add(jnp.array([0.5, -0.5]))
        moved = np.asarray(parts.value(state, view.state(away), view.desired(away)))
        drop[mu] = (first - moved).mean()
        assert float(metrics["model_loss"]) < 0.5
    assert drop[1 / 3] > 3.0 and drop[1 / 3] > drop[0.0] + 2.0, drop
