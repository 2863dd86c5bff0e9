"""The model card beside the policies of a cell."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from imitbench import algos
from imitbench.api.evaluation import load_policy
from imitbench.results import publish, scores
from imitbench.results.cells import policy_files, store
from imitbench.results.cells.finding import one_cell
from imitbench.results.tables.formatting import format_estimate


@pytest.mark.parametrize("label", ["bc", "dagger"])
def test_a_card_says_what_the_policies_are(finished, label):
    r = store.read(one_cell(finished, label))
    folder = r.folder / policy_files.FOLDER
    text = (folder / policy_files.MODEL_CARD).read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == f"# {label} on PointMass"
    for words in (
        f"| Digest of the environment | {r.info['environment_digest']} |",
        "| Observation | 6 numbers: pos [0:2], vel [2:4], desired_goal [4:6] |",
        "2 numbers in [-1, 1]; the same in the original environment",
        "4 episodes for each seed (80 steps), of: scripted",
        f"| Method | {label}, version {algos.traits(label).version} |",
        "the arrays state.",
        f"| success final, % | {format_estimate(scores.estimate(r, 'success_final'), 100, 1)} |",
        f"| return | {format_estimate(scores.estimate(r, 'return'), 1, 2)} |",
        f"The last evaluation of 2 training seeds, {r.identity['eval_episodes']} episodes each",
        f"imitbench export path/to/{r.folder.name} --seed-of-policy 0",
        f"jax {r.info['versions']['jax']}",
    ):
        assert words in text, words
    prefix = "" if label == "bc" else "clone."
    assert f"- `{prefix}hidden`: `[16]`, by default `[256, 256]`" in lines
    assert not any(f"`{prefix}lr`" in line for line in lines)
    for seed in (0, 1):
        name = f"seed-{seed}.safetensors"
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert f"| {name} | {digest} |" in lines


def test_a_cell_does_not_need_its_card(finished, tmp_path):
    cell = one_cell(finished, "bc")
    copied = store.copy(cell, tmp_path / "run" / "cells")
    assert (copied / policy_files.FOLDER / policy_files.MODEL_CARD).exists()
    (copied / policy_files.FOLDER / policy_files.MODEL_CARD).unlink()
    assert load_policy(copied, seed=1).method == "bc" and store.read(copied)
    shutil.rmtree(copied / policy_files.FOLDER)
    publish.derive(tmp_path / "run")
