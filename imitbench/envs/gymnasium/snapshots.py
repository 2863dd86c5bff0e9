"""The whole state of an environment as a row of numbers: taken, and set in another instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import mujoco
import numpy as np

from imitbench.envs.gymnasium.python_state import Key, PythonState
from imitbench.utils.errors import UserError

MODEL_LIMIT = 20_000  # numbers of a model's field; larger ones (meshes, textures) do not change
# What a step of MuJoCo needs. Most environments leave the rest (applied forces, controls) as it is.
SMALL = int(mujoco.mjtState.mjSTATE_FULLPHYSICS | mujoco.mjtState.mjSTATE_WARMSTART) | int(
    mujoco.mjtState.mjSTATE_MOCAP_POS | mujoco.mjtState.mjSTATE_MOCAP_QUAT
)
WHOLE = int(mujoco.mjtState.mjSTATE_INTEGRATION)
# Some environments read these before a step, when they are those of the substep before it.
DERIVED = (
    "xpos", "xquat", "xmat", "xipos", "ximat", "xanchor", "xaxis", "geom_xpos", "geom_xmat",
    "site_xpos", "site_xmat", "cam_xpos", "cam_xmat", "subtree_com", "subtree_linvel",
    "subtree_angmom", "cinert", "cvel", "cacc", "cfrc_ext", "cfrc_int", "sensordata", "qacc",
    "act_dot", "actuator_force", "actuator_length", "actuator_velocity", "qfrc_actuator",
    "qfrc_bias", "qfrc_passive", "qfrc_constraint", "ten_length", "ten_velocity", "energy",
)  # fmt: skip


class Contents(NamedTuple):
    """What a snapshot holds of MuJoCo."""

    signature: int = SMALL  # which components of `mj_getState`
    derived: tuple[str, ...] = ()  # fields of MjData beside them
    model: tuple[str, ...] = ()  # fields of MjModel, in environments that change their model


class Snapshots:
    """Takes and sets the state of one instance of an environment.

    Args:
        env: the instance, which has been reset and stepped.
        contents: what a snapshot holds of MuJoCo.
        capacity: bytes for the Python attributes.
        base: the attributes of the first instance, see `PythonState`; by default this one's.
        tables: attributes that count as constants.
    """

    def __init__(
        self,
        env: Any,
        contents: Contents,
        capacity: int,
        base: dict[Key, Any] | None = None,
        tables: frozenset[Key] = frozenset(),
    ):
        self.python = PythonState(env, base, tables)
        self.contents, self.capacity = contents, capacity
        sizes = [mujoco.mj_stateSize(d.model, contents.signature) for d in self.python.sims]
        self._physics = [np.empty(n) for n in sizes]
        parts = [*self._physics, *self._fields(), np.zeros(1, np.int64)]
        words = (sum(x.nbytes for x in parts) + capacity + 3) // 4
        self.words = words  # W

    def _fields(self) -> list[np.ndarray]:
        """Views of the fields of MjData and MjModel that belong to a snapshot."""
        sims = self.python.sims
        derived = [getattr(d, name) for d in sims for name in self.contents.derived]
        return derived + [getattr(d.model, name) for d in sims for name in self.contents.model]

    def save(self, out: np.ndarray) -> None:
        """Writes the state.

        Args:
            out: [W] uint32, for the result.

        Raises:
            UserError: the Python attributes do not fit.
        """
        attributes = self.python.save()
        if len(attributes) > self.capacity:
            raise UserError(
                f"the Python attributes of the environment grew to {len(attributes)} bytes, and "
                f"{self.capacity} were reserved after trying it out: do not keep a growing history "
                "of the episode in the environment"
            )
        for data, state in zip(self.python.sims, self._physics, strict=True):
            mujoco.mj_getState(data.model, data, state, self.contents.signature)
        length = np.array([len(attributes)], np.int64)
        parts = [x.tobytes() for x in (*self._physics, *self._fields(), length)]
        contents = b"".join([*parts, attributes])
        out[:] = np.frombuffer(contents.ljust(4 * self.words, b"\0"), np.uint32)

    def load(self, state: np.ndarray) -> None:
        """Sets the state.

        Args:
            state: [W] uint32, as `save` wrote it.

        Raises:
            UserError: it is damaged.
        """
        contents, start = state.tobytes(), 0
        fields = self._fields()
        for x in (*self._physics, *fields):
            part = np.frombuffer(contents, x.dtype, x.size, start)
            x[...] = part.reshape(x.shape)
            start += x.nbytes
        for data, physics in zip(self.python.sims, self._physics, strict=True):
            mujoco.mj_setState(data.model, data, physics, self.contents.signature)
        length = int(np.frombuffer(contents, np.int64, 1, start)[0])
        try:
            self.python.load(contents[start + 8 : start + 8 + length])
        except ValueError as error:
            raise UserError(f"the state of an environment is damaged ({error})") from None


def model_fields(sims: Sequence[mujoco.MjData]) -> dict[str, list[np.ndarray]]:
    """Copies the fields of models that an environment may change.

    Args:
        sims: the simulations.

    Returns:
        For each field of MjModel that is an array of at most `MODEL_LIMIT` numbers, its values.
    """
    fields: dict[str, list[np.ndarray]] = {}
    for data in sims:
        for name in dir(data.model):
            value = getattr(data.model, name, None) if not name.startswith("_") else None
            if isinstance(value, np.ndarray) and 0 < value.size <= MODEL_LIMIT:
                fields.setdefault(name, []).append(value.copy())
    return fields
