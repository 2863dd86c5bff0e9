"""Reference clips: recorded motions of a person and of a dog, in the formats of their authors.

Sources: the motion files of DeepMimic (Peng et al. 2018, arXiv:1804.02717), as PyBullet ships them,
and those of Peng et al. 2020 (arXiv:2004.00784), retargeted to the robot Laikago. The files in
`clips/` are unchanged; `clips/sources.json` has their origin, licence and checksum, and
`benchmarks/clips.py` extracts them anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.envs.motion import rotations
from imitbench.utils.errors import UserError, pick

FOLDER = Path(__file__).with_name("clips")
CLIPS = {
    **{name: f"humanoid3d_{name}.txt" for name in ("walk", "run", "spinkick", "cartwheel")},
    **{name: f"dog_{name}.txt" for name in ("trot", "pace", "spin")},
}
"""The file of each clip."""

# Columns of the two formats after time and root: (joint, number of columns). A quaternion is wxyz.
PERSON = (
    ("chest", 4), ("neck", 4),
    ("right_hip", 4), ("right_knee", 1), ("right_ankle", 4), ("right_shoulder", 4),
    ("right_elbow", 1),
    ("left_hip", 4), ("left_knee", 1), ("left_ankle", 4), ("left_shoulder", 4), ("left_elbow", 1),
)  # fmt: skip
LEGS = ("FR", "FL", "RR", "RL")
DOG = tuple((f"{leg}_{joint}", 1) for leg in LEGS for joint in ("hip", "thigh", "calf"))

UPRIGHT = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])  # turns the axis y up into z up
# The base of the robot Laikago in its file: its axes in the clip's.
LAIKAGO_BASE = np.array([0.5, 0.5, 0.5, 0.5])
# The angles of straight links from joint to joint, in rad, where the motors of Laikago are at 0.
LAIKAGO_ZEROS = {"hip": 0.0, "thigh": 0.599, "calf": -0.511}
UNEVEN = 1e-4  # s, tolerated difference of the durations of frames: rounding of the files


@dataclass(frozen=True)
class Clip:
    """A recorded motion, of F frames at equal distances, with z up and x forward.

    A cyclic clip begins anew where it ends: its last frame is the first of the next cycle, moved by
    the horizontal displacement of the root, and turned by its change of heading if `turns`.
    """

    name: str
    frame_time: float  # s between two frames
    position: np.ndarray  # [F, 3] m, of the root
    rotation: np.ndarray  # [F, 4] unit quaternions wxyz of the root, continuous
    # Of each joint: [F, 4] unit quaternions in the parent's frame, continuous; or [F] rad.
    joints: dict[str, np.ndarray]
    turns: bool = False  # whether the change of heading of a cycle adds up

    @property
    def duration(self) -> float:
        """The duration of a cycle in s."""
        return self.frame_time * (len(self.position) - 1)


def load(name: str) -> Clip:
    """Loads a clip of the package.

    Args:
        name: one of `CLIPS`.

    Raises:
        UserError: there is no such clip, or its file is missing or damaged.
    """
    file = CLIPS[pick("clip", name, CLIPS)]
    expected = sources()[file]["sha256"]
    path = FOLDER / file
    if not path.is_file():
        raise UserError(f"clip {name!r}: {path} is missing; install imitbench again")
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise UserError(
            f"clip {name!r}: {path} differs from the file that came with the package (sha256 "
            f"{expected[:12]}...); install imitbench again"
        )
    return read(path, name)


def sources() -> dict[str, dict[str, str]]:
    """Returns archive, path in it, licence and sha256 of each file in `clips/`."""
    return json.loads((FOLDER / "sources.json").read_text(encoding="utf-8"))


def read(path: Path, name: str = "") -> Clip:
    """Reads a clip in the format of DeepMimic (44 columns) or of Peng et al. 2020 (19 columns).

    Args:
        path: the file.
        name: the clip's name; by default that of the file.

    Raises:
        UserError: there is no such file, it is no JSON of a motion, or it has another number of
            columns.
    """
    if not path.is_file():
        raise UserError(f"clip {path}: there is no such file; expected the path of a motion file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        frames = np.asarray(content["Frames"], np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"clip {path}: expected JSON with a list of frames, all of the same length, under "
            f"'Frames' ({type(error).__name__}: {error})"
        ) from None
    if frames.ndim != 2 or len(frames) < 3 or not np.isfinite(frames).all():
        raise UserError(f"clip {path}: expected 3 frames or more, of finite numbers")
    readers = {44: _person, 19: _dog}
    if frames.shape[1] not in readers:
        raise UserError(
            f"clip {path}: {frames.shape[1]} columns; expected 44 (a person of 13 bodies with "
            "joints) or 19 (a dog of 12 hinges)"
        )
    return readers[frames.shape[1]](name or path.stem, path, content, frames)


def _person(name: str, path: Path, content: dict[str, Any], frames: np.ndarray) -> Clip:
    """A clip of DeepMimic: duration, root position and rotation, joints; with y up."""
    durations = frames[:-1, 0]  # the last frame lasts until nothing
    if durations.min() <= 0 or np.ptp(durations) > UNEVEN:
        raise UserError(
            f"clip {path}: frames last {durations.min():g} to {durations.max():g} s; expected one "
            "positive duration"
        )
    up = np.broadcast_to(UPRIGHT, (len(frames), 4))
    position = rotations.rotate(up, frames[:, 1:4])
    joints = {
        k: _upright(v) if v.ndim == 2 else v for k, v in _split(path, frames[:, 8:], PERSON).items()
    }
    rotation = _upright(_unit(path, "root", frames[:, 4:8]))
    return Clip(name, float(durations.mean()), position, rotation, joints)


def _dog(name: str, path: Path, content: dict[str, Any], frames: np.ndarray) -> Clip:
    """A clip of Peng et al. 2020: root position and rotation (xyzw), hinges of Laikago; z up."""
    frame_time = content.get("FrameDuration", 0)
    if not isinstance(frame_time, int | float) or not frame_time > 0:
        raise UserError(f"clip {path}: FrameDuration={frame_time!r}; expected seconds above 0")
    laikago = _unit(path, "root", np.roll(frames[:, 3:7], 1, axis=1))
    rotation = rotations.multiply(laikago, rotations.conjugate(LAIKAGO_BASE))
    joints = _split(path, frames[:, 7:], DOG)
    for joint, angle in joints.items():  # zeros and signs of Laikago's motors
        leg, kind = joint.split("_")
        sign = -1.0 if kind == "hip" and leg.endswith("R") else 1.0
        joints[joint] = sign * angle + LAIKAGO_ZEROS[kind]
    turns = bool(content.get("EnableCycleOffsetRotation", False))
    rotation = rotations.continuous(rotation)
    return Clip(name, float(frame_time), frames[:, :3], rotation, joints, turns)


def _split(
    path: Path, columns: np.ndarray, layout: tuple[tuple[str, int], ...]
) -> dict[str, np.ndarray]:
    """Splits columns [F, C] into joints."""
    joints, start = {}, 0
    for joint, size in layout:
        part = columns[:, start : start + size]
        joints[joint] = part[:, 0] if size == 1 else _unit(path, joint, part)
        start += size
    return joints


def _unit(path: Path, joint: str, q: np.ndarray) -> np.ndarray:
    """Unit quaternions [F, 4] of a joint, continuous; files round them."""
    length = np.linalg.norm(q, axis=1)
    if np.abs(length - 1).max() > 0.05:
        worst = length[np.abs(length - 1).argmax()]
        raise UserError(f"clip {path}: a quaternion of {joint} has length {worst:g}; expected 1")
    return rotations.continuous(q)


def _upright(q: np.ndarray) -> np.ndarray:
    """Rotations [F, 4] between axes with y up as rotations between axes with z up."""
    return q[:, [0, 1, 3, 2]] * np.array([1.0, 1.0, -1.0, 1.0])
