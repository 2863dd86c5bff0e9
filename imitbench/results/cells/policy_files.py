"""Files of stored policies: `policy.json`, and `seed-<n>.safetensors` for each training seed.

`README.md`, the model card, is for people: nothing reads it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import build_dataclass, one_line, read_json

FOLDER, CARD, MODEL_CARD = "policy", "policy.json", "README.md"
SCHEMA = 1
MAX_BYTES = 2**30  # of one seed's file
REMEDY = "train again"

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class PolicyCard:
    """What is needed to rebuild the policies of a cell.

    Cards of older versions lack the fields with defaults.
    """

    schema: int
    task: str
    method: str
    version: int  # of the method
    config: dict[str, Any]  # the method's settings
    concurrent: bool  # the method learned while its data were collected
    obs_size: int
    action_size: int
    rows: int  # demonstrated steps that each seed had
    pose_size: int | None  # numbers of a recorded pose; None where none were recorded
    sha256: dict[str, str]  # of each seed's file, by the seed's number
    horizon: int = 0  # steps until the time limit; 0: not known
    discrete: bool = False  # whether actions are choices
    fields: dict[str, list[int]] | None = None  # begin and end of the parts of an observation
    normaliser: list[str] | None = None  # the arrays that normalise observations
    # What the actions -1 and 1 [A] are in the original environment; None: not known, or choices.
    action_bounds: list[list[float]] | None = None
    versions: dict[str, str | None] | None = None  # of the packages that trained them


class Policies(NamedTuple):
    """The policies of a cell, in memory."""

    card: PolicyCard
    arrays: dict[int, Arrays]  # for each training seed, by the arrays' places in the state


def write(folder: Path, policies: Policies) -> PolicyCard:
    """Writes `policy/` into a cell's folder, which is not in use yet; returns its card."""
    target = folder / FOLDER
    target.mkdir()
    digests = {}
    for seed, arrays in policies.arrays.items():
        contents = safetensors.numpy.save({k: np.array(v, order="C") for k, v in arrays.items()})
        digests[str(seed)] = hashlib.sha256(contents).hexdigest()
        _file(target, seed).write_bytes(contents)
    card = dataclasses.replace(policies.card, sha256=digests)
    text = json.dumps(dataclasses.asdict(card), indent=1, sort_keys=True)
    (target / CARD).write_text(text + "\n", encoding="utf-8")
    return card


def with_stored(cell: Path, policies: Policies | None) -> Policies | None:
    """Adds the policies that a cell stores to those of other seeds.

    Args:
        cell: the folder of the cell, which need not store any.
        policies: those of the other seeds.

    Raises:
        UserError: a stored policy is damaged.
    """
    if policies is None or not seeds_of(cell):
        return policies
    card = read_card(cell)
    stored = {int(seed): read_arrays(cell, card, int(seed)) for seed in card.sha256}
    return policies._replace(arrays=stored | policies.arrays)


def seeds_of(folder: Path) -> list[int]:
    """The training seeds whose policies are stored in a cell's folder; none in shipped cells."""
    path = folder / FOLDER / CARD
    return sorted(map(int, read_card(folder).sha256)) if path.exists() else []


def read_card(folder: Path) -> PolicyCard:
    """The card of a cell's policies.

    Raises:
        UserError: the cell has none, or the card is damaged or of another schema.
    """
    path = folder / FOLDER / CARD
    if not path.exists():
        raise UserError(f"{folder} holds no policies (shipped cells leave them out): {REMEDY}")
    values = read_json(path, "a policy's card", REMEDY)
    card = build_dataclass(PolicyCard, values, str(path), REMEDY)
    if card.schema != SCHEMA:
        raise UserError(f"{path} has schema {card.schema}, this version reads {SCHEMA}: {REMEDY}")
    if not all(seed.isdecimal() for seed in card.sha256):
        raise UserError(f"{path} is damaged: expected seeds as numbers; {REMEDY}")
    return card


def _file(folder: Path, seed: int | str) -> Path:
    return folder / f"seed-{seed}.safetensors"


def read_arrays(cell: Path, card: PolicyCard, seed: int) -> Arrays:
    """Reads the arrays of one seed.

    Args:
        cell: the folder of the cell.
        card: the card of its policies.
        seed: a training seed.

    Raises:
        UserError: there is no such seed, or its file is damaged.
    """
    folder = cell / FOLDER
    if str(seed) not in card.sha256:
        known = ", ".join(sorted(card.sha256, key=int)) or "none"
        raise UserError(f"{folder} holds no policy of seed {seed}: it has those of seeds {known}")
    path = _file(folder, seed)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        contents = path.read_bytes()
        if hashlib.sha256(contents).hexdigest() != card.sha256[str(seed)]:
            raise ValueError("its sha256 is not the one in policy.json")
        return safetensors.numpy.load(contents)
    except Exception as error:  # safetensors raises errors of its own kind
        raise UserError(f"{path} is damaged ({one_line(error)}): {REMEDY}") from None
