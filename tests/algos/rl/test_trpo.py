"""TRPO's pieces by hand, and what it learns."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.rl import trpo
from imitbench.core import buffer, distributions, policy_nets
from imitbench.core.config import config_dict
from imitbench.envs.base import make_spec
from imitbench.training import loop
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def test_conjugate_gradients_solve_a_linear_system():
    a = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)
    a, b = jnp.asarray(a @ a.T + np.eye(6, dtype=np.float32)), jnp.arange(6.0)
    x = trpo.conjugate_gradients(lambda v: a @ v, b, 10)
    np.testing.assert_allclose(x, np.linalg.solve(a, b), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(
        trpo.conjugate_gradients(lambda v: a @ v, jnp.zeros(6), 10), np.zeros(6)
    )


def test_divergences_by_hand():
    p = distributions.Gaussian(jnp.array([[1.0, 0.0]]), jnp.log(jnp.array([1.0, 2.0])))
    q = distributions.Gaussian(jnp.array([[0.0, 0.0]]), jnp.log(jnp.array([2.0, 2.0])))
    # log(2 / 1) + (1 + 1) / (2 * 4) - 1 / 2 in the first component, 0 in the second.
    assert float(distributions.kl_divergence(p, q)[0]) == pytest.approx(
        np.log(2) + 0.25 - 0.5, rel=1e-5
    )
    a, b = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    found = distributions.kl_divergence(
        distributions.Categorical(jnp.log(a)), distributions.Categorical(jnp.log(b))
    )
    assert float(found) == pytest.approx(np.sum(a * np.log(a / b)), rel=1e-5)


def step(max_kl: float, halvings: int = 10) -> tuple[Any, Any, dict[str, float]]:
    """A policy's mean at 0 before and after a step; actions above it were the good ones."""
    config = trpo.Config(max_kl=max_kl, damping=1e-4, halvings=halvings)
    spec = make_spec([("state", 1)], 1, 5)
    policy = policy_nets.policy(spec, (8,), "normal", activation="tanh")
    params = policy.init(KEY)
    obs = jnp.zeros((512, 1))
    dist: Any = policy.apply(params, obs)
    action = dist.sample(KEY)
    data = {
        "obs": obs, "action": action, "log_prob": dist.log_prob(action),
        "advantage": (action - dist.mode)[:, 0],
    }  # fmt: skip
    new, metrics = trpo.policy_step(policy, config, params, data)
    after: Any = policy.apply(new, obs)
    return dist, after, {k: float(v) for k, v in metrics.items()}


@pytest.mark.slow
def test_a_step_goes_as_far_as_it_may():
    """A Gaussian of width 1 whose mean moves by d diverges by d^2 / 2 from what it was."""
    old, new, metrics = step(0.01)
    assert metrics["moved"] == 1
    assert 0.002 < metrics["kl"] <= 0.01
    assert float(new.mode[0, 0] - old.mode[0, 0]) > 0.05
    assert float(jnp.mean(distributions.kl_divergence(old, new))) == pytest.approx(
        metrics["kl"], rel=1e-3
    )


@pytest.mark.parametrize(("slack", "kl"), [(1.0, 0.0035), (1.5, 0.014)])
def test_the_line_search_accepts_a_little_more_where_it_may(slack, kl):
    """A step of length d diverges by d^2 / 2. The first one diverges by 0.014, half of it by a
    quarter of that."""
    config = trpo.Config(max_kl=0.01, kl_slack=slack)
    length = jnp.sqrt(2 * 0.014)
    moved, metrics = trpo.line_search(
        config, lambda x: (x[0], x[0] ** 2 / 2), jnp.zeros(1), jnp.ones(1), length
    )
    assert float(metrics["kl"]) == pytest.approx(kl, rel=1e-4)
    assert float(moved[0]) == pytest.approx(np.sqrt(2 * kl), rel=1e-4)


def test_a_step_that_gains_nothing_is_not_taken(monkeypatch):
    """Where the direction is wrong, every length of it loses."""
    real = trpo.conjugate_gradients
    monkeypatch.setattr(
        trpo, "conjugate_gradients", lambda product, b, steps: -real(product, b, steps)
    )
    old, new, metrics = step(0.01)
    assert metrics == {"kl": 0.0, "moved": 0.0}
    np.testing.assert_array_equal(old.mode, new.mode)


@pytest.mark.slow
def test_it_learns_what_choice_pays():
    env = envs.make("ProbePolicy")
    config = trpo.Config(envs=8, length=32, epochs=2, minibatches=4, hidden=(16,), max_kl=0.05)
    algo = trpo.make(config, env.spec, env)
    _, ev = loop.train(
        algo, buffer.no_rows(env.spec), KEY[None], env=env, num_updates=30, num_evals=1,
        eval_episodes=20,
    )  # fmt: skip
    assert ev.returns[0, -1] == pytest.approx(1.0)


def test_mistakes_are_said():
    with pytest.raises(UserError, match="max_kl=0: expected a positive number"):
        trpo.Config(max_kl=0)
    with pytest.raises(UserError, match="kl_slack=0.5: expected 1 or more"):
        trpo.Config(kl_slack=0.5)
    with pytest.raises(UserError, match="damping=-1: expected 0 or more"):
        trpo.Config(damping=-1)
    with pytest.raises(UserError, match="entropy_limit=-2: expected 0 or more"):
        trpo.Config(entropy_limit=-2)
    with pytest.raises(UserError, match="has discrete actions"):
        trpo.learner(trpo.Config(entropy_limit=2.0), envs.make("ProbePolicy").spec)


def test_the_limit_of_the_entropy_is_no_part_of_older_settings():
    assert "entropy_limit" not in config_dict(trpo.Config())
    assert config_dict(trpo.Config(entropy_limit=2.0))["entropy_limit"] == 2.0
