"""Checkpoints that cannot be written, or not be read: those before them are used."""

from __future__ import annotations

import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.failing_disks import largest

from imitbench.training import checkpoint, loop
from imitbench.utils.errors import UserError


def state(k: int) -> loop.TrainState:
    """After k updates."""
    numbers = {"w": jax.random.normal(jax.random.key(k), (1, 10_000))}
    return loop.TrainState(numbers, jnp.int32(k), jnp.zeros(1, bool))


def evals() -> loop.Eval:
    blank = np.zeros((1, 1))
    scores = {"success_any": blank, "success_final": blank, "returns": blank}
    rest = {"metrics": {}, "episodes": {}, "diverged": np.zeros(1, bool), "seconds": {}}
    return loop.Eval(updates=np.arange(1), **scores, **rest)


def newest(folder: Path, *, save: int | None = None) -> int | None:
    """Updates of the checkpoint that is taken, after one more is saved where asked for."""
    checkpoints = checkpoint.Checkpoints(folder)
    found = checkpoints.restore(state(0))
    if save is not None:
        checkpoints.save(state(save), evals())
        found = checkpoints.restore(state(0))
    checkpoints.close()
    return None if found is None else int(found[0].updates)


ORBAX = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@ORBAX
def test_a_checkpoint_that_cannot_be_written_leaves_those_before_it(tmp_path):
    folder = tmp_path / "x"
    assert newest(folder, save=1) == 1
    with (
        pytest.raises(UserError, match="to .*/x: .*File too large.*; raise the limit on a file's"),
        largest(20_000),
    ):
        newest(folder, save=2)
    assert newest(folder) == 1 and newest(folder, save=3) == 3


def test_what_was_half_written_when_the_process_was_killed_is_removed(tmp_path):
    left = tmp_path / "2.orbax-checkpoint-tmp" / "state"
    left.mkdir(parents=True)
    assert newest(tmp_path, save=1) == 1 and not left.parent.exists()


@ORBAX
def test_a_truncated_or_foreign_checkpoint_is_named_and_the_one_before_it_is_used(tmp_path, caplog):
    mine, other = tmp_path / "mine", tmp_path / "other"
    assert newest(mine, save=1) == 1 and newest(mine, save=2) == 2
    for file in (mine / "2").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    caplog.clear()
    assert newest(mine) == 1 and f"checkpoint {mine / '2'} cannot be used" in caplog.text
    assert newest(mine, save=2) == 2  # the damaged one does not stand in its way
    newest(other, save=3)
    shutil.copytree(other / "3", mine / "3")
    caplog.clear()
    assert newest(mine) == 2
    assert f"{mine / '3'} cannot be used (it is of 'other', not of 'mine')" in caplog.text
    shutil.rmtree(mine / "1")
    shutil.rmtree(mine / "2")
    assert newest(mine) is None and newest(mine, save=1) == 1


def test_a_checkpoint_that_holds_other_numbers_is_refused(tmp_path, caplog, monkeypatch):
    newest(tmp_path, save=1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_checksum", lambda packed, evals: "of something else")
        newest(tmp_path, save=2)
    assert newest(tmp_path) == 1 and "its sha256 is not that of what it holds" in caplog.text
