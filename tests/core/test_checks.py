"""Checks of steps and keys: the message names the field, its shape and the expected one."""

from __future__ import annotations

import dataclasses
import re
from typing import get_type_hints

import jax
import numpy as np
import pytest

from imitbench import algos, data
from imitbench.core.checks import as_keys, check_shapes
from imitbench.core.config import check_values
from imitbench.suites import overrides
from imitbench.training import loop
from imitbench.utils.errors import UserError, seed_number, whole_number


def test_observations_with_a_row_more_than_actions_are_refused(demos, env, small):
    """Minari and Gymnasium give n + 1 observations; taken as rows, every pair would be off."""
    steps = demos.steps
    rows = data.flatten(demos.replace(rows=demos.rows.replace(pose=None)))
    obs = np.concatenate([steps.obs, steps.next_obs[:, -1:]], axis=1).reshape(-1, 6)
    k = len(obs) - len(rows.weight)
    text = (
        rf"'obs' has shape \({len(obs)}, 6\), expected \(rows, 6\) with {len(obs) - k} rows as in"
    )
    with pytest.raises(UserError, match=text):
        loop.train(
            small("bc"), rows.replace(obs=obs), [0, 1], env=env, num_updates=1, num_evals=1,
            eval_episodes=2,
        )  # fmt: skip


def test_whole_numbers_are_the_keys_of_seeds(demos, env, small):
    rows = data.flatten(demos.replace(rows=demos.rows.replace(pose=None)))
    options = {"env": env, "num_updates": 1, "num_evals": 1, "eval_episodes": 2}
    _, by_number = loop.train(small("bc"), rows, [0, 7], **options)
    _, by_key = loop.train(small("bc"), rows, as_keys([0, 7]), **options)
    np.testing.assert_array_equal(by_number.returns, by_key.returns)


def test_keys_are_one_for_each_seed():
    split = jax.random.split(jax.random.PRNGKey(0), 3)
    numbers = as_keys([4, 5])
    assert (numbers == jax.numpy.stack([jax.random.key(4), jax.random.key(5)])).all()
    assert as_keys(split).shape == (3,) and as_keys(as_keys(split)).shape == (3,)
    for bad in (jax.random.key(0), jax.random.PRNGKey(0)[0], 3, [], [[1]]):
        with pytest.raises(UserError, match="expected one for each training seed"):
            as_keys(bad)  # type: ignore[arg-type]
    for number in (-1, 2**32, 0.5, True):
        with pytest.raises(UserError, match=f"seed={number}: expected"):
            seed_number("seed", number)
    assert whole_number("n", np.int64(3)) == 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"intended_action": None}, "'intended_action' is missing, expected .* (episodes, 20, 2)"),
        ({"obs": [[0.0]]}, "'obs' is of type list, expected an array"),
        ({"reward": np.array([["a"]])}, "'reward' is of type <U1, expected numbers"),
        ({"weight": np.ones(20)}, "'weight' has shape (20,), expected (episodes, 20)"),
        ({"action": np.ones((12, 20))}, "'action' has shape (12, 20), expected (episodes, 20, 2)"),
    ],
)
def test_a_field_that_does_not_fit_is_named(demos, env, change, text):
    expected = ".*".join(map(re.escape, text.split(".*")))
    axes = {"episodes": None, "steps": 20}
    with pytest.raises(UserError, match=f"mine: (array )?{expected}"):
        check_shapes(demos.steps.replace(**change), env.spec, axes, "mine")


def test_values_that_no_setting_may_have():
    for method, module in algos.ALGOS.items():
        check_values(module.Config())
        words = _numbers(module.Config())
        for word in words:
            with pytest.raises(UserError, match=r"expected|raise capacity"):
                check_values(overrides.apply(module.Config(), [word]))
                pytest.fail(f"{method} takes {word}")
    check_values(overrides.apply(algos.ALGOS["bc"].Config(), ["clip=inf"]))  # no limit


def _numbers(config, prefix=""):
    """Settings that are never sensible, for each numeric field."""
    words = []
    for name, kind in get_type_hints(type(config)).items():
        value = getattr(config, name)
        if dataclasses.is_dataclass(value):
            words += _numbers(value, f"{prefix}{name}.")
        elif kind is float:
            words += [f"{prefix}{name}=nan", f"{prefix}{name}=-inf"]
            words += (
                [] if name.startswith("max_") or name.endswith("clip") else [f"{prefix}{name}=inf"]
            )
        elif kind is int:
            words += [f"{prefix}{name}=-1", f"{prefix}{name}=1.5"]
        elif kind == tuple[int, ...]:
            words += [f"{prefix}{name}=0", f"{prefix}{name}=-1", f"{prefix}{name}=64,0"]
    return words
