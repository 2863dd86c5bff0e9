"""Reference scores of motion imitation: the clip earns 1 in each step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imitbench.envs.motion.imitation import HORIZON
from imitbench.experts import reference_scores
from imitbench.runs import score_policy


@pytest.mark.slow
def test_the_clip_is_the_expert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "reference.json"
    monkeypatch.setattr(reference_scores, "path", lambda: path)
    reference_scores.table.cache_clear()
    try:
        entry = score_policy.measure_references("Walker2d-mocap-walk")
        assert (entry["expert"], entry["expert_kind"]) == (HORIZON, "clip")
        assert 0 < entry["random"] < 0.2 * HORIZON
        assert json.loads(path.read_text())["Walker2d-mocap-walk"] == entry
    finally:
        reference_scores.table.cache_clear()
