"""Loggers: the numbers they write, and that their packages are imported only on demand."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.training import loggers, loop
from imitbench.utils.errors import UserError


def train_with(on_eval: loggers.OnEval) -> loop.Eval:
    env = envs.make("ProbeTarget")
    pool = data.collect(env, experts.load("ProbeTarget"), 20, only_success=False)
    algo = bc.make(bc.Config(hidden=(8,), batch=8, steps=5, validation=0.0), env.spec)
    keys = jnp.stack([jax.random.key(s) for s in range(2)])
    options: Any = {"num_updates": 4, "num_evals": 2, "eval_episodes": 5, "on_eval": on_eval}
    return loop.train(algo, data.subset(pool, 10, [0, 1]), keys, env=env, **options)[1]


def test_tensorboard_gets_every_evaluation(tmp_path):
    events: Any = importlib.import_module("tensorboardX.proto.event_pb2")
    ev = train_with(loggers.tensorboard(tmp_path))
    written = {}
    for file in tmp_path.iterdir():
        raw, at = file.read_bytes(), 0
        while at < len(raw):  # length, its checksum, the event, its checksum
            length = int.from_bytes(raw[at : at + 8], "little")
            event = events.Event.FromString(raw[at + 12 : at + 12 + length])
            written |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
            at += 16 + length
    for e, updates in enumerate((2, 4)):
        assert written["return", updates] == pytest.approx(ev.returns[:, e].mean())
        assert written["return/seed_1", updates] == pytest.approx(ev.returns[1, e])
        assert written["loss", updates] == pytest.approx(ev.metrics["loss"][:, e].mean())


def test_wandb_gets_every_evaluation(monkeypatch):
    logged: list[Any] = []
    fake = SimpleNamespace(
        init=lambda **options: SimpleNamespace(
            log=lambda values, step: logged.append((options, values, step))
        )
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    ev = train_with(loggers.wandb("toys", mode="offline"))
    assert [step for _, _, step in logged] == [2, 4]
    assert all(options == {"project": "toys", "mode": "offline"} for options, _, _ in logged)
    assert logged[-1][1]["success_any"] == pytest.approx(ev.success_any[:, -1].mean())


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"pip install 'imitbench\[wandb\]'"):
        loggers.wandb("toys")


@pytest.mark.slow
def test_packages_are_imported_on_demand():
    code = (
        "import sys, imitbench.cli.main, imitbench.training.loggers;"
        "print([m for m in ('tensorboardX', 'wandb') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
