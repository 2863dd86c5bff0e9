"""The registry: methods of the user's own, and the descriptions of all methods."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import algos, data, envs
from imitbench.algos import registry
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
def registry_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    for module in (algos, registry):
        monkeypatch.setattr(module, "ALGOS", dict(algos.ALGOS))


def test_a_registered_method_is_one_of_the_methods(registry_copy):
    registry.register("still", Config, make, "Always the same action.", Traits(needs_rewards=True))
    env = envs.make("PointMass")
    algo = registry.build("still", Config(0.25), env.spec, env, None)
    assert (algo.act(jax.random.key(0), 0, jnp.zeros((3, 4))) == 0.25).all()
    assert algos.needs("still") == () and algos.traits("still") == Traits(needs_rewards=True)


def test_the_example_of_the_docstring_runs(registry_copy, env, demos):
    docstring = inspect.cleandoc(algos.register.__doc__ or "")
    (example,) = re.findall(r"\n\n((?: {4}.*\n|\n)+)", docstring)
    code = compile(textwrap.dedent(example), "example", "exec", dont_inherit=True)
    exec(code, {"__name__": __name__})
    rows = data.subset(demos, 3, [0], same=True)
    config = registry.ALGOS["mean_action"].Config(scale=0.5)
    algo = algos.build("mean_action", config, env.spec, env, None)
    key = jax.random.key(0)
    state, _ = algo.update(key, algo.init(key, rows), rows)
    action = algo.act(key, state, rows.obs[:4])
    expected = 0.5 * np.asarray(rows.intended_action).mean(axis=0)
    np.testing.assert_allclose(action, np.tile(expected, (4, 1)), rtol=1e-5)


def test_mistakes_are_named(registry_copy):
    with pytest.raises(UserError, match="'bc' exists already"):
        algos.register("bc", Config, make, "")
    with pytest.raises(UserError, match=r"make\(spec\) of odd: expected \(config, spec\)"):
        algos.register("odd", Config, lambda spec: make(Config(), spec), "")
    with pytest.raises(UserError, match="then env and expert"):
        algos.register("odd", Config, lambda config, spec, world: make(config, spec), "")


@pytest.mark.parametrize("name", algos.ALGOS)
def test_methods_describe_themselves(name):
    """`imitbench list methods` prints the first line, and the pages need the other parts."""
    summary, blank, *rest = (algos.ALGOS[name].__doc__ or "").splitlines()
    assert summary.endswith(".") and blank == "" and len(summary) <= 97
    starts = [line.partition(" ")[0] for line in rest]
    assert "Source:" in starts
    text = "\n".join(rest)
    assert re.search(r"^Use it ", text, re.MULTILINE)
    assert re.search(r"^Sensitive to: ", text, re.MULTILINE)
