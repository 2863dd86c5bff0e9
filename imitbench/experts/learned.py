"""Learned experts: a deterministic network and the card that says where it comes from, in one
small file."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.ops import Normaliser
from imitbench.core.policy_nets import MLPPolicy
from imitbench.core.types import Key, Policy, Spec
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import build_dataclass, check_fields

SCHEMA = 1
MAX_BYTES = 2**20  # of the arrays: the files ship with the package
Grade = Literal["expert", "medium"]
GRADES: tuple[str, ...] = get_args(Grade)
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
HEADS = {"tanh": jnp.tanh, "clip": lambda x: jnp.clip(x, -1.0, 1.0)}


@dataclass(frozen=True, kw_only=True)
class Card:
    """What an expert is, how it was made and how good it is."""

    task: str
    grade: Grade
    version: int = SCHEMA
    obs_size: int
    action_size: int
    method: str
    recipe: dict[str, Any]  # the method's settings
    env_steps: int
    grad_steps: int
    demonstrations: int = 0  # episodes of the scripted law that the learner was shown
    wall_seconds: float
    device: str
    engine: str
    environment_digest: str
    seed: int  # of the training run that was kept
    episodes: int  # of the evaluation that the numbers below come from
    mean_return: float
    std_return: float
    success_any: float | None  # share of the episodes; None where the task has no success
    success_final: float | None
    scores_by_seed: list[float]  # of every training run that was tried


def base_task(task: str) -> str:
    """The task whose experts a task can use too: `Hopper` for its fixed-horizon form `Hopper-fh`,
    which has the same observation."""
    return task.removesuffix("-fh")


def policy(net: MLPPolicy) -> Policy:
    """The network as a policy (key, obs [..., O]) -> action [..., A]; it needs no randomness.

    Raises:
        UserError: on the call, an observation of another size.
    """
    activation, head = ACTIVATIONS[net.activation], HEADS[net.head]
    size = np.shape(net.mean)

    def act(key: Key, obs: jax.Array) -> jax.Array:
        if obs.shape[-1:] != size:
            raise UserError(
                f"observation of shape {obs.shape}: this expert knows observations of size "
                f"{size[0]}; use one that was made for the task"
            )
        f = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), net)
        x = Normaliser(f.mean, f.std)(jnp.asarray(obs, jnp.float32), f.clip)
        for i, (kernel, bias) in enumerate(f.layers):
            # Labels should not depend on how an accelerator rounds its fast products.
            x = jnp.matmul(activation(x) if i else x, kernel, precision="highest") + bias
        return head(x)

    return act


def net_arrays(net: MLPPolicy) -> dict[str, np.ndarray]:
    """The network's numbers by name, as a file holds them; `activation` and `head` are text."""
    found = {"mean": net.mean, "std": net.std, "clip": net.clip}
    for i, (kernel, bias) in enumerate(net.layers):
        found |= {f"kernel_{i}": kernel, f"bias_{i}": bias}
    return {k: np.asarray(v, np.float32) for k, v in found.items()}


def build_net(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> MLPPolicy:
    """The network of a file's header and `arrays`.

    Raises:
        KeyError, TypeError, ValueError: a part is missing, or of another kind.
    """
    count = sum(name.startswith("kernel_") for name in arrays)
    layers = [(arrays[f"kernel_{i}"], arrays[f"bias_{i}"]) for i in range(count)]
    normaliser = arrays["mean"], arrays["std"], float(arrays["clip"])
    return MLPPolicy(layers, header["activation"], header["head"], *normaliser)


def save(path: Path, net: MLPPolicy, card: Card) -> None:
    """Writes the expert, atomically. The same expert gives the same bytes.

    Raises:
        UserError: network and card do not fit each other, or the network is over 1 MiB.
    """
    check(net, card, str(path))
    numbers = net_arrays(net)
    size = sum(x.nbytes for x in numbers.values())
    if size > MAX_BYTES:
        raise UserError(f"{path}: the network has {size} bytes, expected at most {MAX_BYTES}")
    header = dataclasses.asdict(card) | {"activation": net.activation, "head": net.head}
    npz.write(path, header | {"sha256": npz.checksum(numbers, header)}, numbers)


def load(path: Path, spec: Spec | None = None, task: str | None = None) -> tuple[Policy, Card]:
    """Reads an expert and checks it: schema, checksum, contents and, where given, spec and task.

    Raises:
        UserError: whatever is wrong with the file, or that it is another task's.
    """
    found, card = read(path)
    if task is not None and card.task not in (task, base_task(task)):
        raise UserError(f"{path} is an expert of {card.task}: expected one of {task}")
    sizes = None if spec is None else (spec.obs_size, spec.action_size)
    if sizes not in (None, (card.obs_size, card.action_size)):
        raise UserError(
            f"{path} maps {card.obs_size} observations to {card.action_size} actions, but "
            f"{task or 'the task'} has {sizes[0]} and {sizes[1]}; train an expert for it"
        )
    if spec is not None and spec.discrete:
        raise UserError(f"{path} gives continuous actions, but {task or 'the task'} has choices")
    return policy(found), card


def read(path: Path) -> tuple[MLPPolicy, Card]:
    """Network and card of a file, checked against each other.

    Raises:
        UserError: whatever is wrong with the file.
    """
    header, numbers = npz.read(path, "expert", limit=2 * MAX_BYTES)
    schema, expected = header.get("version"), header.pop("sha256", None)
    if schema != SCHEMA:
        raise UserError(f"{path} has schema {schema!r}, this version reads {SCHEMA}; make it again")
    if npz.checksum(numbers, header) != expected:
        raise UserError(
            f"{path} is damaged: its sha256 is not the one in its header; make it again"
        )
    check_fields(header, {"activation": str, "head": str}, f"{path}: bad header", "make it again")
    try:
        found = build_net(header, numbers)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: bad header or arrays ({error}); make it again") from None
    about = {k: v for k, v in header.items() if k not in ("activation", "head")}
    card = build_dataclass(Card, about, f"{path}: bad header", "make it again")
    check(found, card, str(path))
    return found, card


def check(net: MLPPolicy, card: Card, where: str) -> None:
    """The network in itself, and against its card.

    Raises:
        UserError: naming what does not fit.
    """
    if net.activation not in ACTIVATIONS or net.head not in HEADS:
        raise UserError(
            f"{where}: activation {net.activation!r} and head {net.head!r}: expected one of "
            f"{', '.join(ACTIVATIONS)} and one of {', '.join(HEADS)}"
        )
    if card.grade not in GRADES:
        raise UserError(f"{where}: grade {card.grade!r}: expected one of {', '.join(GRADES)}")
    numbers = net_arrays(net)
    widths = [card.obs_size, *(np.size(b) for _, b in net.layers[:-1]), card.action_size]
    shapes = {"mean": (card.obs_size,), "std": (card.obs_size,), "clip": ()}
    for i, (size_in, size_out) in enumerate(itertools.pairwise(widths)):
        shapes |= {f"kernel_{i}": (size_in, size_out), f"bias_{i}": (size_out,)}
    for name, x in numbers.items():
        if x.shape != shapes.get(name):
            raise UserError(
                f"{where}: array {name!r} has shape {x.shape}, expected {shapes.get(name)}"
            )
        if name != "clip" and not np.isfinite(x).all():
            raise UserError(f"{where}: array {name!r} has a non-finite number")
    if not net.layers or not (numbers["std"] > 0).all() or not net.clip > 0:
        raise UserError(f"{where}: expected layers, and a std and a clip above 0")


def folder() -> Path:
    """Where the experts that ship lie, as <task>.<grade>.npz."""
    return Path(__file__).with_name("weights")


def shipped_files() -> dict[tuple[str, str], Path]:
    """The files that ship, by task and grade."""
    files = {tuple(p.stem.rsplit(".", 1)): p for p in sorted(folder().glob("*.npz"))}
    return {(k[0], k[1]): p for k, p in files.items() if len(k) == 2 and k[1] in GRADES}


def weights_path(task: str, grade: Grade) -> Path:
    """The file of a task's expert in the folder that ships.

    Raises:
        UserError: a task from outside, whose name ("brax/ant") is no file name.
    """
    if "/" in task:
        raise UserError(f"experts of {task!r} do not ship: save it to a file of your own")
    return folder() / f"{task}.{grade}.npz"
