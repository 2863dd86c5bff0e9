"""Clips: files and checksums, conversions by hand, and errors for bad input."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from imitbench.envs.motion import clips, rotations
from imitbench.utils.errors import UserError


def write(path: Path, **content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def person(frames: int = 3) -> np.ndarray:
    """Frames in which nothing moves: 44 columns with rotations of 0."""
    out = np.zeros((frames, 44))
    out[:, 0] = 0.1
    for joint in (4, 8, 12, 16, 21, 25, 30, 35, 39):
        out[:, joint] = 1.0
    return out


def test_every_file_has_its_checksum_and_licence():
    files = {p.name for p in clips.FOLDER.iterdir()} - {"sources.json"}
    assert files == set(clips.sources())
    for file, source in clips.sources().items():
        assert hashlib.sha256((clips.FOLDER / file).read_bytes()).hexdigest() == source["sha256"]
        assert source["licence"] and source["archive"]


def test_clips_have_the_published_lengths():
    durations = {name: round(clips.load(name).duration, 2) for name in clips.CLIPS}
    assert durations == {
        "walk": 1.27, "run": 0.80, "spinkick": 1.28, "cartwheel": 2.72,
        "trot": 0.53, "pace": 0.63, "spin": 0.75,
    }  # fmt: skip
    assert [name for name in clips.CLIPS if clips.load(name).turns] == ["spin"]
    walk = clips.load("walk")
    np.testing.assert_allclose(walk.position[-1] - walk.position[0], [1.23859, 0, 0], atol=1e-9)


def test_y_up_becomes_z_up(tmp_path: Path):
    frames = person()
    frames[:, 1:4] = [1.0, 2.0, 3.0]  # forward, up, to the right
    frames[:, 4:8] = [np.cos(0.1), 0.0, np.sin(0.1), 0.0]  # 0.2 rad to the left, about the vertical
    frames[:, 20] = -0.7  # the right knee
    found = clips.read(write(tmp_path / "a.txt", Frames=frames.tolist()))
    np.testing.assert_allclose(found.position[0], [1.0, -3.0, 2.0], atol=1e-12)
    np.testing.assert_allclose(rotations.vector(found.rotation)[0], [0, 0, 0.2], atol=1e-12)
    np.testing.assert_allclose(found.joints["right_knee"], -0.7)
    assert found.name == "a" and found.duration == pytest.approx(0.2)


def test_laikago_stands_upright(tmp_path: Path):
    frames = np.zeros((3, 19))
    frames[:, 3:7] = 0.5  # the rest pose of its file
    frames[:, 7:10] = [0.1, 0.3, -1.0]
    path = write(tmp_path / "a.txt", Frames=frames.tolist(), FrameDuration=0.02)
    found = clips.read(path)
    np.testing.assert_allclose(rotations.vector(found.rotation), 0, atol=1e-12)
    legs = [found.joints[f"FR_{joint}"][0] for joint in ("hip", "thigh", "calf")]
    # At angles of 0 the file of the robot has the knee 0.2083 m below the hip and 0.1422 m behind
    # it, and the toe 0.25 m below the knee and 0.022 m behind it; ours are straight from one to the
    # next.
    thigh, calf = np.arctan2(0.1422, 0.2083), np.arctan2(0.022, 0.25)
    np.testing.assert_allclose(legs[:2], [-0.1, thigh + 0.3], atol=2e-3)
    assert legs[1] + legs[2] == pytest.approx(calf + 0.3 - 1.0, abs=2e-3)
    np.testing.assert_allclose(found.joints["FL_thigh"], thigh, atol=2e-3)


def test_signs_of_quaternions_do_not_matter(tmp_path: Path):
    frames = person()
    frames[1, 8:12] *= -1
    found = clips.read(write(tmp_path / "a.txt", Frames=frames.tolist()))
    np.testing.assert_array_equal(found.joints["chest"], [[1, 0, 0, 0]] * 3)


def test_bad_files_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="no such file; expected the path"):
        clips.read(tmp_path / "missing.txt")
    with pytest.raises(UserError, match="unknown clip 'wlak': did you mean walk"):
        clips.load("wlak")
    path = write(tmp_path / "a.txt", Frames=np.zeros((3, 20)).tolist())
    with pytest.raises(UserError, match="20 columns; expected 44 .* or 19"):
        clips.read(path)
    with pytest.raises(UserError, match="3 frames or more, of finite numbers"):
        clips.read(write(path, Frames=person(2).tolist()))
    with pytest.raises(UserError, match="expected JSON with a list of frames"):
        clips.read(write(path, Poses=[]))
    with pytest.raises(UserError, match="all of the same length"):
        clips.read(write(path, Frames=[[1.0], [1.0, 2.0]]))
    frames = person()
    frames[1, 0] = 0.2
    with pytest.raises(UserError, match=r"frames last 0.1 to 0.2 s; expected one"):
        clips.read(write(path, Frames=frames.tolist()))
    frames = person()
    frames[:, 12] = 2.0
    with pytest.raises(UserError, match="a quaternion of neck has length 2; expected 1"):
        clips.read(write(path, Frames=frames.tolist()))
    dog = np.zeros((3, 19))
    dog[:, 3:7] = 0.5
    with pytest.raises(UserError, match="FrameDuration=0; expected seconds above 0"):
        clips.read(write(path, Frames=dog.tolist(), FrameDuration=0))


def test_a_damaged_file_of_the_package_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for file in clips.FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(clips, "FOLDER", tmp_path)
    (tmp_path / clips.CLIPS["trot"]).write_text("{}")
    with pytest.raises(UserError, match="differs from the file that came with the package"):
        clips.load("trot")
    (tmp_path / clips.CLIPS["walk"]).unlink()
    with pytest.raises(UserError, match="is missing; install imitbench again"):
        clips.load("walk")
