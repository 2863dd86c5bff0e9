"""Names of data sets in the cache depend on all that decides their numbers, and on nothing else."""

from __future__ import annotations

import jax
import pytest

from imitbench.data import demonstrations
from imitbench.data.sources import cache
from imitbench.utils import machine
from imitbench.utils.errors import UserError

REQUEST = {"task": "PointMass", "episodes": 3, "seed": 0, "version": 1}


def test_the_name_does_not_depend_on_where_code_lies(tmp_path):
    """A name is made of versions and behaviour; no source file is read for it."""
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")
    assert cache.name_of(REQUEST, "native", [first]) == cache.name_of(REQUEST, "native", [second])


def test_the_name_changes_with_all_that_decides_the_numbers(monkeypatch, tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"other weights")
    names = [
        cache.name_of(REQUEST, "native"),
        cache.name_of(REQUEST | {"seed": 1}, "native"),
        cache.name_of(REQUEST | {"version": 2}, "native"),
        cache.name_of(REQUEST, "native", [path]),
        cache.name_of(REQUEST | {"task": "ProbeGoal"}, "native"),
    ]
    for owner, name, value in (
        (demonstrations, "VERSION", 2),
        (cache, "digest", lambda task, engine: "another environment"),
        (machine, "version", lambda package: "9.9"),
    ):
        with monkeypatch.context() as change:
            change.setattr(owner, name, value)
            names.append(cache.name_of(REQUEST, "native"))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("option", "value"), [("jax_enable_x64", True), ("jax_default_prng_impl", "rbg")]
)
def test_data_made_with_other_arithmetic_have_another_name(option, value, monkeypatch):
    monkeypatch.setattr(cache, "digest", lambda task, engine: "an environment")
    plain, before = cache.name_of(REQUEST, "native"), getattr(jax.config, option)
    try:
        jax.config.update(option, value)
        assert cache.name_of(REQUEST, "native") != plain
        with pytest.raises(UserError, match=f"{option} is {value}: imitbench supports"):
            cache.read_or_make("name", lambda: 1, lambda: None)
    finally:
        jax.config.update(option, before)
