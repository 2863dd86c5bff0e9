"""Methods of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from imitbench import algos, envs
from imitbench.core.types import Algorithm, Cost, Traits
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    size: float = 0.5


def make(config: Config, spec: Any) -> Algorithm:
    def act(key: Any, state: Any, obs: Any) -> Any:
        return jnp.full((*obs.shape[:-1], spec.action_size), config.size)

    return Algorithm(lambda k, d: 0, lambda k, s, d: (s, {}), act, Cost(grad_steps=1))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algos, "ALGOS", dict(algos.ALGOS))


def test_a_registered_method_is_one_of_the_methods(own):
    algos.register("still", Config, make, "Always the same action.", Traits(needs_rewards=True))
    env = envs.make("PointMass")
    algo = algos.build("still", Config(0.25), env.spec, env, None)
    assert (algo.act(jax.random.key(0), 0, jnp.zeros((3, 4))) == 0.25).all()
    assert algos.needs("still") == () and algos.traits("still") == Traits(needs_rewards=True)


def test_mistakes_are_said(own):
    with pytest.raises(UserError, match="'bc' is there already"):
        algos.register("bc", Config, make, "")
    with pytest.raises(UserError, match=r"make\(spec\) of odd: expected \(config, spec\)"):
        algos.register("odd", Config, lambda spec: make(Config(), spec), "")
    with pytest.raises(UserError, match="then env and expert"):
        algos.register("odd", Config, lambda config, spec, world: make(config, spec), "")
