"""Checkpoints that cannot be written or read: the ones before them are used."""

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


def training_state(updates: int) -> loop.TrainState:
    arrays = {"w": jax.random.normal(jax.random.key(updates), (1, 10_000))}
    return loop.TrainState(arrays, jnp.int32(updates), jnp.zeros(1, bool))


def evaluations() -> loop.Eval:
    zero = np.zeros((1, 1))
    scores = {"success_any": zero, "success_final": zero, "returns": zero}
    rest = {"episodes": {}, "diverged": np.zeros(1, bool), "seconds": {}}
    metrics = {"estimates": {}, "metric_updates": np.arange(0), "metrics": {}}
    return loop.Eval(updates=np.arange(1), **scores, **metrics, **rest)


def restored_updates(folder: Path, *, save: int | None = None) -> int | None:
    """Updates of the checkpoint that is restored; `save`: after saving a state of so many."""
    checkpoints = checkpoint.Checkpoints(folder)
    restored = checkpoints.restore(training_state(0))
    if save is not None:
        checkpoints.save(training_state(save), evaluations())
        restored = checkpoints.restore(training_state(0))
    checkpoints.close()
    return None if restored is None else int(restored[0].updates)


ORBAX = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@ORBAX
def test_failed_save_leaves_earlier_checkpoints(tmp_path):
    folder = tmp_path / "x"
    assert restored_updates(folder, save=1) == 1
    with (
        pytest.raises(UserError, match="to .*/x: .*File too large.*; raise the limit on a file's"),
        largest(20_000),
    ):
        restored_updates(folder, save=2)
    assert restored_updates(folder) == 1 and restored_updates(folder, save=3) == 3


def test_unfinished_checkpoint_of_a_killed_process_is_removed(tmp_path):
    unfinished = tmp_path / "2.orbax-checkpoint-tmp" / "state"
    unfinished.mkdir(parents=True)
    assert restored_updates(tmp_path, save=1) == 1 and not unfinished.parent.exists()


@ORBAX
def test_truncated_and_foreign_checkpoints_are_logged_and_skipped(tmp_path, caplog):
    mine, other = tmp_path / "mine", tmp_path / "other"
    assert restored_updates(mine, save=1) == 1 and restored_updates(mine, save=2) == 2
    for file in (mine / "2").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    caplog.clear()
    assert restored_updates(mine) == 1
    assert f"checkpoint {mine / '2'} cannot be used" in caplog.text
    assert restored_updates(mine, save=2) == 2  # the damaged one is replaced
    restored_updates(other, save=3)
    shutil.copytree(other / "3", mine / "3")
    caplog.clear()
    assert restored_updates(mine) == 2
    assert f"{mine / '3'} cannot be used (it belongs to 'other', not to 'mine')" in caplog.text
    shutil.rmtree(mine / "1")
    shutil.rmtree(mine / "2")
    assert restored_updates(mine) is None and restored_updates(mine, save=1) == 1


def test_checkpoint_with_changed_numbers_is_skipped(tmp_path, caplog, monkeypatch):
    restored_updates(tmp_path, save=1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_checksum", lambda arrays, evals: "another checksum")
        restored_updates(tmp_path, save=2)
    assert restored_updates(tmp_path) == 1
    assert "its sha256 does not match its contents" in caplog.text
