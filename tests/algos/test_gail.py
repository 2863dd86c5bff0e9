"""The discriminator by hand and at its optimum, its rewards, and what GAIL makes of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shrunken import shrink

from imitbench import data, envs, experts
from imitbench.algos import _discriminator, gail, ppo
from imitbench.algos._discriminator import Pairs, Rule
from imitbench.core import train
from imitbench.core.types import UserError
from imitbench.envs.base import make_spec

KEY = jax.random.key(0)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_rewards_and_their_signs():
    """D is the probability that a step is the expert's: all rewards grow with it."""
    logit = jnp.array([-3.0, 0.0, 2.0])
    d = sigmoid(np.asarray(logit, np.float64))
    close: Any = {"rtol": 1e-5}
    np.testing.assert_allclose(_discriminator.rewards("positive", logit), -np.log(1 - d), **close)
    np.testing.assert_allclose(_discriminator.rewards("negative", logit), np.log(d), **close)
    np.testing.assert_allclose(
        _discriminator.rewards("logit", logit), np.log(d) - np.log(1 - d), rtol=1e-5, atol=1e-7
    )
    assert (_discriminator.rewards("positive", logit) > 0).all()
    assert (_discriminator.rewards("negative", logit) < 0).all()


def test_the_loss_by_hand():
    """f = 2 x + 3 a - 1: the gradient's norm is the root of 13 everywhere."""
    w = jnp.array([2.0, 3.0])
    both = jnp.array([[[1.0, 0.5], [0.0, 0.0]], [[-1.0, 0.2], [0.5, -0.5]]])
    f = np.array([[2.5, -1.0], [-2.4, -1.5]])
    rule = Rule(penalty=10.0, entropy=0.5)
    share = jnp.array([[0.3], [0.9]])
    total, metrics = _discriminator.loss(rule, lambda x: x @ w - 1.0, share, both)
    d = sigmoid(f)
    fit = -np.mean(np.log(d[0])) - np.mean(np.log(1 - d[1]))
    entropy = -np.mean(d * np.log(d) + (1 - d) * np.log(1 - d))
    penalty = (13**0.5 - 1) ** 2
    assert float(metrics["discriminator_loss"]) == pytest.approx(fit, rel=1e-5)
    assert float(metrics["penalty"]) == pytest.approx(penalty, rel=1e-5)
    assert float(total) == pytest.approx(fit - 0.5 * entropy + 10 * penalty, rel=1e-5)
    assert (float(metrics["expert_told"]), float(metrics["policy_told"])) == (0.5, 1.0)


def test_the_penalty_looks_between_the_two():
    """f = x^2 has the slope 2 x: at share 0.25 between 4 and 0 it is 2, and the penalty 1."""
    both = jnp.array([[[4.0]], [[0.0]]])
    rule = Rule(penalty=1.0, entropy=0.0)
    _, metrics = _discriminator.loss(rule, lambda x: x[:, 0] ** 2, jnp.array([[0.25]]), both)
    assert float(metrics["penalty"]) == pytest.approx(1.0)
    flat = _discriminator.loss(rule, lambda x: 0.0 * x[:, 0], jnp.array([[0.25]]), both)
    slope = jax.grad(lambda c: _discriminator.loss(rule, lambda x: c * x[:, 0], share, both)[0])
    share = jnp.array([[0.25]])
    assert float(flat[1]["penalty"]) == pytest.approx(1.0, abs=1e-5) and np.isfinite(slope(0.0))


def test_the_best_discriminator_is_p_over_p_plus_q():
    """Three states, which the expert visits with p and the policy with q. The loss is at its
    optimum log 4 minus twice the Jensen-Shannon divergence; log 4 where p = q."""
    spec = make_spec([("state", 3)], 1, 5)
    rule = Rule(
        hidden=(), lr=0.02, batch=500, steps=1500, state_only=True, penalty=0.0, entropy=0.0
    )
    judge = _discriminator.discriminator(rule, spec)
    p, q = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])

    def rows(share: np.ndarray) -> Pairs:
        state = np.repeat(np.eye(3), np.round(1000 * share).astype(int), axis=0)
        return Pairs(jnp.asarray(state, jnp.float32), jnp.zeros((1000, 1)), jnp.ones(1000))

    def fitted(policy: np.ndarray) -> tuple[Any, float]:
        start = judge.init(KEY, rows(p))
        state, _ = jax.jit(judge.fit)(KEY, start, rows(p), rows(policy))
        _, last = jax.jit(judge.fit)(jax.random.key(1), state, rows(p), rows(policy))
        return state, float(last["discriminator_loss"])

    state, value = fitted(q)
    logit = dataclasses.replace(rule, reward="logit")
    found = _discriminator.discriminator(logit, spec).reward(state, jnp.eye(3), jnp.zeros((3, 1)))
    np.testing.assert_allclose(sigmoid(np.asarray(found)), p / (p + q), atol=0.03)
    mixed = (p + q) / 2
    divergence = 0.5 * np.sum(p * np.log(p / mixed)) + 0.5 * np.sum(q * np.log(q / mixed))
    assert value == pytest.approx(np.log(4) - 2 * divergence, abs=0.03)
    assert fitted(p)[1] == pytest.approx(np.log(4), abs=0.01)


def test_actions_are_seen_unless_only_states_are(demos):
    spec = envs.make("PointMass").spec
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x[0]), demos.steps)
    pairs = Pairs(rows.obs, rows.action, rows.weight)
    for state_only, same in ((False, False), (True, True)):
        judge = _discriminator.discriminator(Rule(hidden=(8,), state_only=state_only), spec)
        state = judge.init(KEY, pairs)
        made = [judge.reward(state, rows.obs, a) for a in (rows.action, -rows.action)]
        assert np.allclose(made[0], made[1]) == same


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that PPO is given."""
    seen: list[Any] = []
    real = ppo.learner

    def learner(config: Any, spec: Any) -> ppo.Learner:
        made = real(config, spec)
        return made._replace(learn=lambda k, c, s: (seen.append(s), made.learn(k, c, s))[1])

    monkeypatch.setattr(ppo, "learner", learner)
    return seen


@pytest.mark.parametrize("changes", [{}, {"imitation": 0.25}, {"constant": True}])
def test_ppo_is_paid_by_the_discriminator(demos, paid, changes):
    env = envs.make("PointMass")
    config = dataclasses.replace(shrink(gail.Config()), **changes)
    algo = gail.make(config, env.spec, env)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    state, metrics = algo.update(KEY, algo.init(KEY, rows), rows)
    (steps,) = paid
    made = _discriminator.discriminator(config.discriminator, env.spec).reward(
        state.discriminator, steps.obs, steps.action
    )
    # The task pays 0 or -1 for a step.
    task = (np.asarray(steps.reward) - config.imitation * np.asarray(made)) / 0.75
    if config.constant:
        np.testing.assert_array_equal(steps.reward, 1.0)
    elif config.imitation == 1:
        np.testing.assert_allclose(steps.reward, made, rtol=1e-5)
    else:
        assert np.isclose(task, 0, atol=1e-4).any() or np.isclose(task, -1, atol=1e-4).any()
        assert (np.isclose(task, 0, atol=1e-4) | np.isclose(task, -1, atol=1e-4)).all()
    assert float(metrics["task_reward"]) <= 0


@pytest.mark.slow
def test_gail_hops_after_eleven_thin_trajectories():
    """A random policy gets about 20, the expert 3,562; in five runs of `make bench-gail` with fewer
    trajectories the mean was above 2,000 after 60 updates."""
    env = envs.make("Hopper")
    expert = experts.load("Hopper", kind="learned", spec=env.spec)
    shown = data.collect(env, expert, 11, only_success=False)
    rows = data.subset(shown, 11, [0], every=20)
    algo = gail.make(gail.Config(), env.spec, env)
    _, ev = train.train(
        algo, rows, KEY[None], env=env, num_updates=80, num_evals=4, eval_episodes=5
    )
    assert ev.returns.max() > 1000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Rule(reward="odd"), "reward=odd: expected one of positive, negative, logit"),  # type: ignore[arg-type]
        (lambda: Rule(penalty=-1), "penalty=-1: expected 0 or more"),
        (lambda: Rule(steps=0), "steps=0: expected 1 or more"),
        (lambda: gail.Config(imitation=1.5), r"imitation=1.5: expected a number in \[0, 1\]"),
    ],
)
def test_mistakes_are_said(make, words):
    with pytest.raises(UserError, match=words):
        make()
