"""The inverse methods walk to the origin as their expert does, without any reward."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import algos, data, envs, experts
from imitbench.algos.common import off_policy
from imitbench.algos.inverse import iq_learn, ls_iq, offline_iq, pwil
from imitbench.algos.offline import fixed_data
from imitbench.training import loop

TASK = "ProbeWalk"  # a random policy gets -6.6, a bad one -13, the expert -2.3
SEEDS = 3  # of which one may drift off again, as a seed of `iq_learn-v0` does
REPLAY = off_policy.Config(rounds=250, warmup=250, batch=64, capacity=10_000)
STEPS: dict[str, Any] = {"hidden": (32, 32), "critic_lr": 1e-3, "policy_lr": 1e-3}
ONLINE: dict[str, Any] = {"replay": REPLAY, **STEPS}
METHODS: dict[str, tuple[str, Any, int]] = {
    "iq_learn": ("iq_learn", iq_learn.Config(**ONLINE), 16),
    "iq_learn-v0": ("iq_learn", iq_learn.Config(second_term="v0", **ONLINE), 16),
    "ls_iq": ("ls_iq", ls_iq.Config(policy_start=0, **ONLINE), 16),
    "pwil": (
        "pwil",
        pwil.Config(replay=REPLAY, hidden=(32, 32), lr=1e-3, subsample=1, prefill=1_000),
        16,
    ),
    "offline_iq": (
        "offline_iq",
        offline_iq.Config(data=fixed_data.Config(batch=64, steps=250), **STEPS),
        16,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_it_imitates(name):
    method, config, updates = METHODS[name]
    env = envs.make(TASK)
    demos = data.collect(env, experts.load(TASK), 20, only_success=False)
    algo = algos.build(method, config, env.spec, env, None)
    _, ev = loop.train(
        algo,
        data.subset(demos, 10, range(SEEDS)),
        jnp.stack([jax.random.key(seed) for seed in range(SEEDS)]),
        env=env,
        num_updates=updates,
        num_evals=1,
        eval_episodes=50,
    )
    assert np.median(ev.returns[:, -1]) > -3.5
