"""Shared pieces of the tests: a toy data set, and every method with shrunken settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import pytest
from helpers import compiled
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.core.types import Env
from imitbench.results import publish
from imitbench.runs import plan, runner
from imitbench.suites.registry import load_suite
from imitbench.utils import machine, runtime
from imitbench.utils.errors import UserError

TOY = str(Path(__file__).parent / "helpers" / "toy_suite.py")
CACHE = "JAX_COMPILATION_CACHE_DIR"  # read by the processes that tests start
QUICK_COMPILER = "--xla_cpu_use_fusion_emitters=false"  # halves the time of a compilation


def pytest_configure(config: pytest.Config) -> None:
    """All processes of a run, and the runs after it, share compiled programs. The compiler's costly
    passes are left to the run with the slow tests, whose programs are others."""
    fast = config.option.markexpr == "not slow"
    if not hasattr(config, "workerinput"):
        os.environ[CACHE] = str(compiled.begin(compiled_programs(config)))
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        # Else the path of the folder is a part of what a program is found by.
        os.environ["JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES"] = "none"
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(int(fast))
        if fast:
            os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK_COMPILER}".strip()
    jax.config.update("jax_compilation_cache_dir", os.environ[CACHE])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    jax.config.update("jax_disable_most_optimizations", fast)
    runtime.collect_less_garbage()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        compiled.end(Path(os.environ[CACHE]), compiled_programs(config))


def compiled_programs(config: pytest.Config) -> Path:
    """The folder of the programs that runs of the same kind share."""
    return machine.cache_dir("tests" if config.option.markexpr == "not slow" else "tests-slow")


@pytest.fixture(scope="session")
def env() -> Env:
    return envs.make("PointMass")


@pytest.fixture(scope="session")
def demos(env: Env) -> data.Demos:
    return data.collect(env, experts.load("PointMass"), 12, seed=3)


@pytest.fixture(scope="session")
def small():
    """small(name) -> the method on PointMass, with shrunken settings; `changes` to those that it
    has, in nested groups too."""

    def build(name: str, task: str = "PointMass", **changes: Any):
        env = envs.make(task)
        config = shrink(algos.ALGOS[name].Config(), **changes)
        return algos.build(name, config, env.spec, env, experts.load(task))

    return build


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """The toy suite, run straight through. Not to be changed by a test."""
    root = tmp_path_factory.mktemp("finished") / "toy"
    found = load_suite(TOY)
    jobs = plan.prepare("toy", "cpu", found.profiles["cpu"])
    assert runner.run(jobs, root) == []
    publish.derive(root)
    return root


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """The user's cache, elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def message(error: pytest.ExceptionInfo[UserError]) -> str:
    text = str(error.value)
    assert "\n" not in text, "an error is one line"
    return text
