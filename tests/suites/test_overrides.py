"""Settings as text."""

from __future__ import annotations

import dataclasses

import pytest

from imitbench.algos.cloning import bc, dagger
from imitbench.algos.inverse import demodice
from imitbench.algos.rl import ppo, sil
from imitbench.core.config import config_dict
from imitbench.suites import overrides
from imitbench.utils.errors import UserError


def test_values_of_every_type():
    got = overrides.apply(
        bc.Config(), ["lr=1e-4", "batch=32", "hidden=64,64", "loss=nll", "early_stopping=true"]
    )
    assert got == bc.Config(lr=1e-4, batch=32, hidden=(64, 64), loss="nll", early_stopping=True)
    nested = overrides.apply(dagger.Config(), ["clone.lr=0.01", "beta=linear", "episodes=3"])
    assert nested == dagger.Config(clone=bc.Config(lr=0.01), beta="linear", episodes=3)


@pytest.mark.parametrize(
    ("config", "word", "expected"),
    [
        (bc.Config(), "lrr=1", "unknown setting of bc 'lrr': did you mean lr"),
        (bc.Config(), "learning_rate=1", "unknown setting of bc 'learning_rate': here it is lr"),
        (dagger.Config(), "clone.bach=1", "unknown setting of bc 'bach': did you mean batch"),
        (bc.Config(), "batch=many", "batch='many': expected a whole number"),
        (bc.Config(), "batch=1.5", "batch='1.5': expected a whole number"),
        (bc.Config(), "hidden=foo", "hidden='foo': expected whole numbers separated by commas, su"),
        (bc.Config(), "hidden=64,6.5", "hidden='64,6.5': expected whole numbers separated by com"),
        (demodice.Config(), "reward_bounds=a", "expected numbers separated by commas, such as"),
        (bc.Config(), "loss=l1", "loss='l1': expected one of mse, nll"),
        (bc.Config(), "early_stopping=maybe", "expected true or false"),
        (bc.Config(), "lr", "setting 'lr': expected field=value"),
        (bc.Config(), "lr.x=1", "'lr' is a value without fields"),
        (dagger.Config(), "clone=1", "setting 'clone' is a group"),
        (bc.Config(), "lr=-1", "lr=-1.0: expected a positive number"),
        (bc.Config(), "validation=2", "validation=2.0: expected a share"),
        (bc.Config(), "lr=inf", "lr=inf: expected a finite number"),
        (bc.Config(), "hidden=64,0", "expected the sizes of layers, whole numbers of 1 or more"),
        (dagger.Config(), "clone.hidden=-1", "clone.hidden=(-1,): expected the sizes of layers"),
    ],
)
def test_mistakes_are_named(config, word, expected):
    with pytest.raises(UserError) as error:
        overrides.apply(config, [word])
    assert expected in str(error.value) and "\n" not in str(error.value)


def test_settings_added_later_are_left_out_at_their_defaults():
    """Cells that are older than a setting keep their names."""
    assert "log_std" not in config_dict(ppo.Config())
    assert config_dict(ppo.Config(log_std=-0.5))["log_std"] == -0.5
    nested = config_dict(sil.Config())
    assert {f.name for f in dataclasses.fields(sil.Config)} == set(nested)
    inner = [v for v in nested.values() if isinstance(v, dict)]
    assert inner and all("log_std" not in v for v in inner)
