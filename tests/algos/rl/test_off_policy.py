"""What the off-policy learners share: the outer loop, values on the probes, settings."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.common import off_policy
from imitbench.algos.rl import ddpg, sac, td3
from imitbench.core import buffer, nets
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

NO_DEMOS = buffer.no_rows(make_spec([("x", 1)], 1, 5))  # never looked at
LOOP = off_policy.Config(envs=4, grad_steps=1, rounds=600, warmup=64, capacity=4000, batch=32)


# On the last the value is as if for ever: a time limit is no end.
CONSTANT = "ProbeConstant", [0.0], [1.0]
DISCOUNT = "ProbeDiscount", [0.0, 1.0], [0.8, 1.0]
TIME_LIMIT = "ProbeTimeLimit", [0.0], [5.0]


@pytest.mark.parametrize(
    ("name", "task", "obs", "expected"),
    [
        pytest.param("td3", *CONSTANT, marks=pytest.mark.slow), ("td3", *DISCOUNT),
        pytest.param("td3", *TIME_LIMIT, marks=pytest.mark.slow),
        pytest.param("sac", *DISCOUNT, marks=pytest.mark.slow), ("sac", *TIME_LIMIT),
    ],
)  # fmt: skip
def test_action_values_on_probes(name, task, obs, expected):
    env = envs.make(task)
    common: dict[str, Any] = {
        "replay": LOOP, "discount": 0.8, "lr": 1e-2, "tau": 0.1, "hidden": (16,)
    }  # fmt: skip
    if name == "sac":  # so little temperature that the values are those without entropy
        algo = sac.make(sac.Config(temperature=1e-3, tune=False, **common), env.spec, env)
    else:
        algo = td3.make(td3.Config(**common), env.spec, env)

    def run(key):
        return algo.update(key, algo.init(key, NO_DEMOS), NO_DEMOS)[0]

    state = jax.jit(run)(jax.random.key(0)).learner
    params = state.params["critics"] if name == "sac" else state.critics
    x = jnp.array(obs)[:, None]
    action = jnp.linspace(-0.8, 0.8, len(obs))[:, None]
    values = nets.critics(env.spec, (16,), 2).apply(params, x, action)
    np.testing.assert_allclose(values, [expected] * 2, atol=0.12)


@pytest.mark.slow
def test_warmup_is_uniform_and_without_learning():
    env = envs.make("PointMass")
    replay = off_policy.Config(
        envs=4, length=5, rounds=8, warmup=160, capacity=400, batch=8, normalise_obs=True
    )
    algo = td3.make(td3.Config(replay=replay, hidden=(8,), noise=0.0), env.spec, env)
    start = algo.init(jax.random.key(0), NO_DEMOS)
    update = jax.jit(algo.update)
    state, metrics = update(jax.random.key(1), start, NO_DEMOS)
    # Rounds before the last had no learning: the eighth completes the warm-up.
    assert int(state.learner.steps) == 1 and int(state.replay.written) == 40
    assert [(algo.cost * n).grad_steps for n in (1, 2)] == [1, 9]
    # Metrics are those of the round that learned: a lone one is not mixed with zeros.
    assert float(metrics["critic_loss"]) > 0.3
    actions = np.asarray(state.replay.rows.action)[:40].ravel()
    assert np.abs(actions.mean()) < 0.15 and actions.std() == pytest.approx(3**-0.5, abs=0.06)
    assert float(metrics["reward"]) <= 0
    seen = np.asarray(state.replay.rows.obs)[:40].reshape(-1, 6)
    np.testing.assert_allclose(state.moments.mean, seen.mean(0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(state.moments.var, seen.var(0), rtol=1e-3, atol=1e-5)
    state, _ = update(jax.random.key(2), state, NO_DEMOS)
    assert (
        int(state.learner.steps) == (algo.cost * 2).grad_steps == 9 and int(state.replay.size) == 80
    )


def test_bad_settings():
    def fails(make, name, value, expected):
        with pytest.raises(UserError, match=f"^{name}={value}: {expected}[^\n]*$"):
            make(**{name: value})

    for name in ("envs", "length", "grad_steps", "rounds", "batch"):
        fails(off_policy.Config, name, 0, "expected 1 or more")
    for name in ("warmup", "her"):
        fails(off_policy.Config, name, -1, "expected 0 or more")
    fails(off_policy.Config, "capacity", 0, "expected 1 or more, the steps of a round")
    for make in (sac.Config, td3.Config, ddpg.Config):
        fails(make, "lr", 0, "expected a positive")
        fails(make, "tau", 0, "expected a number above 0, up to 1")
        for value in (-0.5, 1.5):
            fails(make, "discount", value, "expected a number in ")
    fails(sac.Config, "temperature", 0, "expected a positive")
    for name in ("critics", "delay"):
        fails(td3.Config, name, 0, "expected 1 or more")
    for name in ("target_noise", "target_noise_clip", "noise", "uniform", "action_l2"):
        fails(td3.Config, name, -1, "expected 0 or more")
    fails(td3.Config, "uniform", 1.5, "expected a probability")
    for bad in ((1.0,), (0.0, -10.0)):
        with pytest.raises(UserError, match="^value_range=.*expected two numbers"):
            td3.Config(value_range=bad)
        with pytest.raises(UserError, match="^value_range=.*expected two numbers"):
            sac.Config(value_range=bad)


@pytest.mark.parametrize("module", [sac, td3, ddpg])
def test_discrete_tasks_are_rejected(module):
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="^ProbePolicy has discrete actions: .*continuous[^\n]*$"):
        module.make(module.Config(), env.spec, env)
