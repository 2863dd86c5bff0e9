"""The adversarial methods walk to the origin as their expert does, without any reward."""

from __future__ import annotations

from typing import Any

import jax
import pytest

from imitbench import algos, data, envs, experts
from imitbench.algos.adversarial import airl, dac, dac_sac, gail, gail_trpo, sqil
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.common import off_policy
from imitbench.algos.rl import ppo, sac, td3, trpo
from imitbench.training import loop

TASK = "ProbeWalk"  # a random policy gets -6.6, a bad one -13, the expert -2.3
SMALL: dict[str, Any] = {"hidden": (32, 32)}
WALK: dict[str, Any] = {"length": 64, "envs": 8} | SMALL
REPLAY = off_policy.Config(rounds=250, warmup=250, batch=64, capacity=10_000)
LIPSCHITZ = DiscriminatorConfig(batch=128, spectral=True, penalty=0.0, **SMALL)
REPLAYED = DiscriminatorConfig(lr=1e-3, batch=64, steps=1, reward="logit", entropy=0.0, **SMALL)
UNBOUND = DiscriminatorConfig(lr=1e-3, batch=64, reward="logit", penalty=0.0, entropy=0.0, **SMALL)
METHODS: dict[str, tuple[Any, int]] = {
    "gail": (gail.Config(ppo=ppo.Config(**WALK), discriminator=LIPSCHITZ), 60),
    "gail_trpo": (gail_trpo.Config(trpo=trpo.Config(**WALK), discriminator=LIPSCHITZ), 60),
    "airl": (airl.Config(ppo=ppo.Config(**WALK), discriminator=UNBOUND), 20),
    "dac": (
        dac.Config(td3=td3.Config(lr=1e-3, replay=REPLAY, **SMALL), discriminator=REPLAYED),
        16,
    ),
    "dac_sac": (
        dac_sac.Config(sac=sac.Config(lr=1e-3, replay=REPLAY, **SMALL), discriminator=REPLAYED),
        16,
    ),
    "sqil": (sqil.Config(lr=1e-3, replay=REPLAY, **SMALL), 16),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_it_imitates(method):
    config, updates = METHODS[method]
    env = envs.make(TASK)
    demos = data.collect(env, experts.load(TASK), 20, only_success=False)
    algo = algos.build(method, config, env.spec, env, None)
    _, ev = loop.train(
        algo,
        data.subset(demos, 10, [0]),
        jax.random.key(0)[None],
        env=env,
        num_updates=updates,
        num_evals=1,
        eval_episodes=50,
    )
    assert ev.returns[0, -1] > -3.5
