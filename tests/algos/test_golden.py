"""Nobody's numbers change in silence: see `golden`."""

from __future__ import annotations

import pytest
from helpers import golden

from imitbench import algos

FILE = golden.read()
# Their code is that of others in the list but for a few lines, or they take twice as long.
LEFT_TO_SLOW_TESTS = (
    "airl", "ccil_true", "dac", "dart", "ddpg", "demodice", "gail_trpo", "ls_iq", "offline_awr",
    "offline_ddpg", "offline_gcsl", "offline_iq", "offline_rwr", "offline_td3", "pwil", "rwr",
    "sil", "slbo", "smodice", "sqil", "vins_rl",
)  # fmt: skip
METHODS = [
    pytest.param(name, marks=pytest.mark.slow if name in LEFT_TO_SLOW_TESTS else ())
    for name in algos.ALGOS
]


@pytest.mark.parametrize("name", METHODS)
def test_method(name):
    assert golden.difference(name, golden.method(name), FILE.get(f"method/{name}")) == ""


@pytest.mark.parametrize(("task", "kind"), golden.SCRIPTED)
def test_scripted_expert(task, kind):
    name = f"{kind}/{task}"
    assert golden.difference(name, golden.scripted_expert(task, kind), FILE.get(name)) == ""


@pytest.mark.parametrize("grade", ["expert", "noisy", "imperfect", "still", "random"])
def test_demonstrations(grade):
    entry = golden.collected(grade)
    assert golden.difference(grade, entry, FILE.get(f"demonstrations/{grade}")) == ""


def test_file_has_no_entry_too_many():
    assert {k.partition("/")[2] for k in FILE if k.startswith("method/")} == set(algos.ALGOS)


def test_changed_numbers_need_a_new_version_and_a_new_file():
    old = {"version": 1, "numbers": {"loss": 1.0}}
    changed = {"version": 1, "numbers": {"loss": 1.01}}
    assert "raise the version" in golden.difference("x", changed, old)
    assert "run `make golden`" in golden.difference("x", changed | {"version": 2}, old)
    assert golden.difference("x", old, old) == ""
    more = {"version": 1, "numbers": old["numbers"] | {"metric/new": 1.0}}
    assert golden.difference("x", more, old) == "x has new metrics (metric/new): run `make golden`"
    assert golden.difference("x", {"version": 1, "numbers": {}}, old) != ""
    assert golden.difference("x", {"version": 1, "numbers": {"loss": float("nan")}}, old) != ""
