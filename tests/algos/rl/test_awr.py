"""AWR, RWR and self-imitation: returns, weights and losses against hand-worked numbers."""

from __future__ import annotations

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.linear_networks import SPEC, dense

from imitbench import envs
from imitbench.algos.common import on_policy, replay_buffer
from imitbench.algos.rl import awr, awr_learner, ppo, rwr, sil, weighted_regression
from imitbench.core import buffer, ops
from imitbench.core.types import Transition
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
RULE = {"hidden": (), "policy_steps": 1, "value_steps": 1, "discount": 0.5, "batch": 64}


def one_episode() -> weighted_regression.Steps:
    """[T, 1]: rewards 1, 2, 4 until the time limit, and a row that is not there."""
    x = jnp.array([0.0, 1.0, 2.0, 9.0])[:, None, None]
    no = jnp.zeros((4, 1), bool)
    return weighted_regression.Steps(
        obs=x,
        action=jnp.array([0.1, 0.2, 0.3, jnp.nan])[:, None, None],
        reward=jnp.array([1.0, 2.0, 4.0, 0.0])[:, None],
        next_obs=x + 1.0,
        terminated=no,
        truncated=no.at[2:].set(True),
        weight=jnp.array([1.0, 1.0, 1.0, 0.0])[:, None],
    )


def fitted(
    config: awr_learner.UpdateConfig, steps: list[Any]
) -> tuple[list[Any], awr_learner.Core]:
    """The gradient steps of one fit with value(x) = 2 x (the network has x, times 1 - 0.5)."""
    learner = awr_learner.learner(config, SPEC)
    core = learner.init(KEY)
    params = {"policy": dense([[0.0]], [0.5]), "value": dense([[1.0]], [0.0])}
    with jax.disable_jit():
        core, _ = learner.fit(KEY, core.replace(params=params), one_episode())
    return steps, core


@pytest.mark.slow
def test_value_learns_scaled_td_lambda_returns(steps):
    calls, _ = fitted(awr_learner.UpdateConfig(**RULE, td_lambda=0.5, value_lr=1e-9), steps)
    loss, _, params, _, rows = calls[0]
    # Values 0, 2, 4 and 6 after the time limit. delta = 1 + 1 - 0, 2 + 2 - 2, 4 + 3 - 4.
    adv = [2 + 0.25 * (2 + 0.25 * 3), 2 + 0.25 * 3, 3.0]
    expected = {0.0: adv[0] + 0, 1.0: adv[1] + 2, 2.0: adv[2] + 4}
    x = np.asarray(rows["obs"])[:, 0].tolist()
    found = dict(zip(x, np.asarray(rows["return"]), strict=True))
    assert found == pytest.approx(expected)
    value, _ = loss(params, rows)
    wanted = [0.5 * (i - 0.5 * expected[i]) ** 2 for i in x]
    assert float(value) == pytest.approx(np.mean(wanted), rel=1e-5)


@pytest.mark.slow
def test_the_step_size_of_the_policy_falls_to_0_and_that_of_the_value_stays():
    def moved(**settings: Any) -> list[tuple[float, float]]:
        """How far policy and value move in three fits of one step each, without momentum."""
        config = awr_learner.UpdateConfig(**RULE, policy_lr=0.01, value_lr=0.01, **settings)
        learner = awr_learner.learner(config, SPEC)
        core, sizes = learner.init(KEY), []
        for _ in range(3):
            fresh = core.replace(
                opt_state=jax.tree.map(
                    lambda x: jnp.zeros_like(x) if jnp.issubdtype(x.dtype, jnp.floating) else x,
                    core.opt_state,
                )
            )
            new, _ = learner.fit(KEY, fresh, one_episode())
            changes = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), new.params, core.params)
            sizes.append(
                tuple(max(map(float, jax.tree.leaves(changes[k]))) for k in ("policy", "value"))
            )
            core = new
        return sizes

    constant, falling = moved(), moved(lr_decay_steps=2)
    assert falling[0] == pytest.approx(constant[0]) and min(constant[2]) > 0
    assert falling[1][0] == pytest.approx(constant[1][0] / 2, rel=1e-4)  # half of the cosine
    assert falling[2][0] == 0 and falling[2][1] > 0


@pytest.mark.parametrize("baseline", [True, False])
def test_policy_is_weighted_by_what_the_method_says(steps, baseline):
    settings = {"td_lambda": 1.0, "value_lr": 1e-9, "standardise": False, "temperature": 2.0}
    config = awr_learner.UpdateConfig(
        **RULE, **settings, baseline=baseline, max_weight=8.0, bound=10.0
    )
    calls, _ = fitted(config, steps)
    loss, _, _, _, rows = calls[1]
    returns = np.array([1 + 0.5 * (2 + 0.5 * (4 + 0.5 * 6)), 2 + 0.5 * (4 + 0.5 * 6), 4 + 0.5 * 6])
    gain = returns - np.array([0.0, 2.0, 4.0]) if baseline else returns
    weight = dict(zip([0.0, 1.0, 2.0], np.minimum(np.exp(gain / 2.0), 8.0), strict=True))
    x = np.asarray(rows["obs"])[:, 0].tolist()
    np.testing.assert_allclose(rows["weight"], [weight[i] for i in x], rtol=1e-5)
    # Mean 1.25 everywhere: 0.25 too far, half its square, times 10.
    value, _ = loss(dense([[0.0]], [1.25]), rows)
    action = np.asarray(rows["action"])[:, 0]
    log_prob = -0.5 * ((action - 1.25) / 0.4) ** 2 - np.log(0.4) - 0.5 * np.log(2 * np.pi)
    expected = -np.mean(np.asarray(rows["weight"]) * log_prob) + 10.0 * 0.5 * 0.25**2
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_weights_are_standardised_over_real_rows_and_bounded():
    gain, real = jnp.array([1.0, 2.0, 3.0, jnp.nan]), jnp.array([1.0, 1.0, 1.0, 0.0])
    defaults = {"standardise": True, "temperature": 1.0, "max_weight": 20.0}

    def weights(**changes: Any) -> Any:
        return weighted_regression.advantage_weights(gain, real, **(defaults | changes))

    found, metrics = weights(max_weight=3.0)
    z = np.array([-1.0, 0.0, 1.0]) / (np.std([1, 2, 3]) + 1e-5)
    np.testing.assert_allclose(found[:3], np.minimum(np.exp(z), 3.0), rtol=1e-5)
    assert float(metrics["clipped"]) == pytest.approx(1 / 3)
    raw, _ = weights(standardise=False, temperature=0.05)
    np.testing.assert_allclose(raw[:3], 20.0)
    free, _ = weights(max_weight=float("inf"))
    np.testing.assert_allclose(free[:3], np.exp(z), rtol=1e-5)


def test_rwr_is_awr_without_the_baseline():
    assert (rwr.Config().baseline, rwr.Config().td_lambda) == (False, 1.0)
    assert rwr.make is awr.make


def test_replay_goes_back_over_the_rings_seam(monkeypatch):
    """The rows that are fitted are the newest ones in order, cut where the newest step is."""
    seen: list[weighted_regression.Steps] = []
    env = envs.make("PointMass")
    config = awr.Config(envs=2, length=30, capacity=100, policy_steps=1, value_steps=1)
    real = awr_learner.learner(config, env.spec)

    def fit(key, core, rows):
        return core, {"rows": rows}

    monkeypatch.setattr(awr_learner, "learner", lambda *a: real._replace(fit=fit))
    algo = awr.make(config, env.spec, env)
    state, update = algo.init(KEY, buffer.no_rows(env.spec)), jax.jit(algo.update)
    for i in range(3):
        state, metrics = update(jax.random.key(i), state, buffer.no_rows(env.spec))
        seen.append(cast(Any, metrics)["rows"])
    first, _, last = seen
    assert first.weight.shape == (50, 2) and first.weight.sum() == 60  # 30 of 50 slots
    assert last.weight.sum() == 100 and int(state.replay.written) == 90
    for rows, end in ((first, 29), (last, 49)):
        assert rows.truncated[end].all() and not rows.terminated.any()
        goes_on = ~np.asarray(rows.truncated)[:end]
        ahead = np.asarray(rows.obs)[1 : end + 1] - np.asarray(rows.next_obs)[:end]
        np.testing.assert_allclose(ahead[goes_on], 0.0, atol=1e-5)
    # PointMass lasts 20 steps: of the last 50, one in 20 is its own time limit.
    assert 2 <= np.asarray(last.truncated)[:49].sum(axis=0).min() <= 3


def test_observation_moments_stand_still_after_their_budget():
    env = envs.make("ProbeWalk")
    config = awr.Config(
        envs=2, length=10, capacity=40, normalise_until=20, policy_steps=1, value_steps=1
    )
    algo = awr.make(config, env.spec, env)
    update = jax.jit(algo.update)
    demos = buffer.no_rows(env.spec)
    states = [algo.init(KEY, demos)]
    for i in range(3):
        states.append(update(jax.random.key(i), states[-1], demos)[0])
    assert [float(s.moments.count) for s in states] == [0, 20, 20, 20]


def test_offline_awr_sees_no_reward_where_there_is_no_step():
    number, flag = jnp.arange(10.0), jnp.zeros(10, bool)
    x = number[:, None]
    reward, weight = number.at[9].set(jnp.nan), jnp.ones(10).at[9].set(0.0)
    demos = Transition(x, x, x, reward, x, flag, flag.at[4].set(True), flag, weight)
    steps = weighted_regression.demo_steps(demos)
    np.testing.assert_array_equal(steps.reward, [0, 1, 2, 3, 4, 5, 6, 7, 8, 0])
    np.testing.assert_array_equal(steps.truncated, demos.truncated)


# Self-imitation


def self_imitation(task: str, **settings: Any) -> Any:
    """A compiled first update of PPO on sixteen steps, with self-imitation after it."""
    env = envs.make(task)
    inner = ppo.Config(
        envs=8, length=2, epochs=1, minibatches=1, hidden=(), normalise_obs=False,
        normalise_reward=False, discount=0.5,
    )  # fmt: skip
    algo = sil.make(sil.Config(ppo=inner, capacity=32, steps=1, **settings), env.spec, env)
    demos = buffer.no_rows(env.spec)
    return jax.jit(algo.update)(KEY, algo.init(KEY, demos), demos)


@pytest.mark.slow
def test_sil_loss_by_hand(steps):
    self_imitation("ProbeConstant", value=0.3, max_advantage=0.8, max_nll=20.0)
    loss = steps[-1][0]
    params = {
        "policy": {"net": dense([[0.0]], [0.0]), "log_std": jnp.zeros(1)},
        "value": dense([[0.0]], [0.5]),
    }
    batch = {
        "obs": jnp.zeros((3, 1)),
        "action": jnp.array([[0.5], [9.0], [0.1]]),
        "return": jnp.array([1.0, 2.5, 0.2]),
        "weight": jnp.array([1.0, 0.5, 1.0]),
    }
    value, metrics = loss(params, batch)
    gain, w = np.array([0.5, 0.8, 0.0]), np.array([1.0, 0.5, 1.0])
    # Two rows have an advantage; the sums are divided by 64, the least number.
    nll = np.minimum(0.5 * np.array([0.5, 9.0, 0.1]) ** 2 + 0.5 * np.log(2 * np.pi), 20.0)
    expected = 0.1 * np.sum(w * gain * nll + 0.5 * 0.3 * w * -gain * 0.5) / 64
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["sil_gain"]) == pytest.approx(gain.sum() / 64, rel=1e-5)
    # The value is pulled up to the returns that it lies below of, and never down; beyond the bound
    # of the advantage the pull stays what it is at the bound, and so does the policy's beyond that
    # of the likelihood.
    slopes = jax.grad(lambda p: loss(p, batch)[0])(params)
    slope = slopes["value"]["params"]["Dense_0"]["bias"]
    assert float(slope[0]) == pytest.approx(-0.1 * 0.5 * 0.3 * np.sum(w * gain) / 64, rel=1e-4)
    slope = slopes["policy"]["net"]["params"]["Dense_0"]["bias"]
    pull = -np.sum(w * gain * np.array([0.5, 9.0, 0.1])) / 64
    assert float(slope[0]) == pytest.approx(0.1 * pull, rel=1e-4)


def test_sil_divides_by_the_rows_with_an_advantage(steps):
    self_imitation("ProbeConstant")
    loss = steps[-1][0]
    params = {
        "policy": {"net": dense([[0.0]], [0.0]), "log_std": jnp.zeros(1)},
        "value": dense([[0.0]], [0.5]),
    }

    def value(better: int, worse: int) -> float:
        n = better + worse
        batch = {
            "obs": jnp.zeros((n, 1)), "action": jnp.zeros((n, 1)), "weight": jnp.ones(n),
            "return": jnp.array([1.0] * better + [0.0] * worse),
        }  # fmt: skip
        return float(loss(params, batch)[0])

    assert value(100, 400) == pytest.approx(value(100, 0), rel=1e-5)
    assert value(32, 0) == pytest.approx(value(100, 0) / 2, rel=1e-5)


def test_returns_and_priorities_of_the_replay_are_those_of_a_loop():
    """Eight steps of two environments in a replay for six: the two oldest are overwritten."""
    inner = ppo.Config(
        envs=2, length=4, minibatches=1, hidden=(), normalise_obs=False, normalise_reward=False,
        discount=0.5,
    )  # fmt: skip
    config = sil.Config(ppo=inner, capacity=12, max_advantage=1.5, alpha=0.6)
    rng, no = np.random.default_rng(0), np.zeros((8, 2), bool)
    obs = rng.normal(size=(9, 2, 1)).astype(np.float32)
    terminated, truncated = no.copy(), no.copy()
    terminated[3, 0] = truncated[5, 1] = terminated[1, 1] = True
    reward = rng.normal(size=(8, 2)).astype(np.float32)
    # The first observation of a new episode is another one.
    next_obs = obs[1:] + 0.25 * (terminated | truncated)[..., None].astype(np.float32)
    action = rng.normal(size=(8, 2, 1)).astype(np.float32)
    columns: Any = obs[:-1], action, 2 * action, reward, next_obs, terminated, truncated, no, ~no
    steps = Transition(*columns)
    replay = buffer.ring(jax.tree.map(jnp.asarray, steps), 6)
    for part in (slice(0, 4), slice(4, 8)):
        replay = buffer.append(replay, jax.tree.map(lambda x, p=part: jnp.asarray(x[p]), steps))
    networks = on_policy.networks(inner, SPEC)
    core = ppo.learner(inner, SPEC, ppo.optimiser(inner, 1)).init(KEY)
    params = core.params | {"value": dense([[0.5]], [0.1])}
    rows, priority = sil.replay_rows(networks, config, core.replace(params=params), replay)

    def value(x: np.ndarray) -> np.ndarray:
        return np.asarray(networks.value.apply(params["value"], jnp.asarray(x)))

    returns = np.zeros((8, 2))
    for env in range(2):
        for t in reversed(range(8)):
            if terminated[t, env]:
                later = 0.0
            elif truncated[t, env] or t == 7:
                later = value(next_obs[t])[env]
            else:
                later = returns[t + 1, env]
            returns[t, env] = reward[t, env] + 0.5 * later
    gain = np.clip(returns - value(obs[:-1]), 0.0, 1.5)
    np.testing.assert_allclose(rows["return"], returns[2:].ravel(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(priority, ((gain + 1e-6) ** 0.6)[2:].ravel(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(rows["obs"], obs[2:8].reshape(12, 1))
    np.testing.assert_array_equal(rows["action"], 2 * action[2:].reshape(12, 1))


def test_one_optimiser_serves_ppo_and_self_imitation():
    state, _ = self_imitation("ProbeConstant")
    (count,) = {int(x) for x in jax.tree.leaves(state.core.opt_state) if x.dtype == jnp.int32}
    assert count == 2  # one step of PPO, one of self-imitation


def test_sil_draws_what_turned_out_better(monkeypatch):
    """ProbePolicy pays 1 or -1 for a guess; half of the replay is empty. What is drawn seldom
    because it was expected weighs most."""

    def spy(loss, opt, params, opt_state, rows, real=ops.gradient_step):
        *moved, metrics = real(loss, opt, params, opt_state, rows)
        if "weight" in rows:
            metrics = {
                "worst": jnp.min(rows["return"]),
                "top": jnp.max(rows["weight"]),
                "rare": jnp.mean(rows["weight"] == jnp.max(rows["weight"])),
            }
        return (*moved, metrics)

    monkeypatch.setattr(ops, "gradient_step", spy)
    _, metrics = self_imitation("ProbePolicy", batch=2000, alpha=1.0, beta=0.5)
    assert metrics["worst"] > 0.9 and metrics["top"] < 0.1 and 0 < metrics["rare"] < 0.1


def test_prioritised_rows_by_hand():
    """Weights are (p / p_min)^-beta: 1 for the row of least priority, drawn or not."""
    priority = jnp.array([1.0, 4.0, 0.0, 0.25])
    draw = replay_buffer.priority_sampler(jnp.arange(4), priority, 4000, 0.5)
    rows, weight = draw(jax.random.key(0))
    shares = np.bincount(np.asarray(rows), minlength=4) / 4000
    np.testing.assert_allclose(shares, priority / 5.25, atol=0.03)
    np.testing.assert_allclose(weight, np.array([0.5, 0.25, np.nan, 1.0])[np.asarray(rows)])


def test_bad_settings():
    kind = awr_learner.UpdateConfig
    for make, name, value in (
        (awr.Config, "capacity", 100), (kind, "discount", 1.0), (kind, "std", 0),
        (kind, "td_lambda", 1.5), (kind, "policy_steps", 0), (kind, "bound", -1),
        (sil.Config, "capacity", 100), (sil.Config, "alpha", -1), (sil.Config, "batch", 0),
    ):  # fmt: skip
        build: Any = make
        with pytest.raises(UserError, match=f"^{name}={value}: [^\n]*$"):
            build(**{name: value})
