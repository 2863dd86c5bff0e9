"""`imitbench evaluate`: stored policies on new episodes."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import message

from imitbench.api.evaluation import evaluate, load_policy
from imitbench.cli.evaluate import Evaluate
from imitbench.results.cells import policy_files, store
from imitbench.utils.errors import UserError


def test_every_stored_policy_is_evaluated(finished, tmp_path, capsys):
    out = tmp_path / "episodes.csv"
    Evaluate(finished, episodes=4, seed=2, out=out)()
    cells = [r.folder for r in store.read_all(finished)]
    frame = pd.read_csv(out)
    assert len(frame) == len(cells) * 2 * 4
    text = capsys.readouterr().out
    assert all(f"{cell.name}, seed {seed}: return" in text for cell in cells for seed in (0, 1))
    one = evaluate(load_policy(cells[0], seed=1), episodes=4, seed=2)
    part = frame.query("cell == @cells[0].name and policy == 1")
    np.testing.assert_allclose(part["return"], one["return"], rtol=1e-4)


def test_what_has_no_policies_is_named(finished, tmp_path):
    shipped = tmp_path / "shipped"
    shutil.copytree(finished, shipped, ignore=shutil.ignore_patterns(policy_files.FOLDER))
    for command, words in (
        (Evaluate(shipped), "stores policies"),
        (Evaluate(tmp_path), "is no folder of results"),
        (Evaluate(finished, episodes=0), "episodes=0"),
        (Evaluate(finished, out=tmp_path / "none" / "x.csv"), "there is no folder"),
    ):
        with pytest.raises(UserError, match=words) as error:
            command()
        message(error)
