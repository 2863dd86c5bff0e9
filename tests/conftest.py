"""Shared pieces of the tests: a toy data set, and shrunken settings for every method."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from typing import Any

import jax
import pytest

from imitbench import algos, data, envs, experts
from imitbench.core.types import Env, UserError

CACHE = pytest.StashKey[str]()
SMALL = {
    "batch": 16,
    "hidden": (16,),
    "steps": 3,
    "fits": 2,
    "episodes": 2,
    "capacity": 400,
    "validation": 0.25,
    "envs": 2,
    "length": 4,
    "epochs": 2,
    "minibatches": 2,
    "rounds": 3,
    "warmup": 10,
    "grad_steps": 2,
    "vae_hidden": (16,),
    "policy_steps": 3,
    "value_steps": 3,
}


def pytest_configure(config: pytest.Config) -> None:
    """Compilation is most of the fast tests' time: the same program is compiled once, and without
    the compiler's costly passes, which the run with the slow tests has."""
    config.stash[CACHE] = tempfile.mkdtemp(prefix="imitbench-tests-")
    jax.config.update("jax_compilation_cache_dir", config.stash[CACHE])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if config.option.markexpr == "not slow":
        jax.config.update("jax_disable_most_optimizations", True)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[CACHE], ignore_errors=True)


def shrink(config: Any) -> Any:
    """The config with every setting that costs time made small, in nested groups too."""
    changes = {}
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            changes[f.name] = shrink(value)
        elif f.name in SMALL:
            changes[f.name] = SMALL[f.name]
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="session")
def env() -> Env:
    return envs.make("PointMass")


@pytest.fixture(scope="session")
def demos(env: Env) -> data.Demos:
    return data.collect(env, experts.load("PointMass"), 12, seed=3)


@pytest.fixture(scope="session")
def small():
    """small(name) -> the method on PointMass, with shrunken settings; `changes` to those among
    them that the method has."""

    def build(name: str, task: str = "PointMass", **changes: Any):
        env = envs.make(task)
        config = shrink(algos.ALGOS[name].Config())
        own = {f.name for f in dataclasses.fields(config)}
        config = dataclasses.replace(config, **{k: v for k, v in changes.items() if k in own})
        return algos.build(name, config, env.spec, env, experts.load(task))

    return build


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """The user's cache, elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def message(error: pytest.ExceptionInfo[UserError]) -> str:
    text = str(error.value)
    assert "\n" not in text, "an error is one line"
    return text
