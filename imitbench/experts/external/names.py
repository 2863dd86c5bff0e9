"""Names of experts: `module:function`, `file.py:function`, a zip file of Stable-Baselines3."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from imitbench.core.types import Actor, Env, Policy
from imitbench.experts import scripted
from imitbench.experts.external import functions, stable_baselines
from imitbench.experts.external.expert import HostFunction, Source
from imitbench.experts.hidden import load_file
from imitbench.utils import modules
from imitbench.utils.errors import UserError

FORMS = (
    "module:function, file.py:function, a zip file of Stable-Baselines3, a learned expert's npz "
    "file, or CELL@SEED"
)


def load_name(name: str) -> Source:
    """Loads an expert by its name. A Python module that is named is imported, which executes it.

    Args:
        name: `module:function`, where the module is on the path or in the current folder;
            `path/to/file.py:function`; the zip file of a Stable-Baselines3 model; or the npz file
            of a learned expert. The function may be an object.

    Returns:
        The expert.

    Raises:
        UserError: there is no such thing, or it cannot be an expert.
    """
    path = Path(name).expanduser()
    if path.suffix == ".zip":
        digest = file_sha256(path)
        network = stable_baselines.read(path)
        return Source(path.name, lambda env: network.policy(env.spec), False, digest, complete=True)
    if path.suffix == ".npz":
        digest = file_sha256(path)

        def build(env: Env) -> Actor | Policy:
            return load_file(path, env.spec, env.name)

        return Source(path.name, build, False, digest, complete=True)
    where, _, attribute = name.rpartition(":")
    if not where or not attribute:
        kinds = ", ".join(("auto", *get_args(scripted.Kind), "learned"))
        raise UserError(f"unknown expert {name!r}: expected {kinds}, {FORMS}")
    if where.endswith(".py"):
        file = Path(where).expanduser()
        if not file.is_file():
            raise UserError(
                f"expert {name}: no file {file.name} in {file.absolute().parent}; expected "
                "PATH.py:FUNCTION"
            )
        module = modules.import_file(file, "expert")
    else:
        module = modules.import_module(where, "expert", FORMS)
    thing: Any = module
    for part in attribute.split("."):
        if not hasattr(thing, part):
            raise UserError(f"expert {name}: {where} has no {attribute!r}: name a function in it")
        thing = getattr(thing, part)
    short = f"{Path(where).name}:{attribute}"
    return _source(short, thing, _source_sha256(thing, module), in_memory=False)


def load_object(thing: Any) -> Source:
    """Takes a function or an object of this process as an expert.

    Args:
        thing: a function of observations, or an object with `predict` or `act`.

    Returns:
        The expert, named after the function or the class.

    Raises:
        UserError: it is neither.
    """
    name = getattr(thing, "__name__", None) or type(thing).__name__
    functions.check_kind(name, thing)
    try:
        text = inspect.getsource(thing if inspect.isroutine(thing) else type(thing))
    except (OSError, TypeError):  # typed into a prompt, or written in C
        text = None
    digest = None if text is None else hashlib.sha256(text.encode()).hexdigest()
    return _source(name, thing, digest, in_memory=True)


def file_sha256(path: Path) -> str:
    """The checksum of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot read the expert {path} ({reason}): name a file") from None


def _source(name: str, thing: Any, digest: str | None, *, in_memory: bool) -> Source:
    functions.check_kind(name, thing)
    if functions.is_jax_policy(thing):
        return Source(name, lambda env: thing, False, digest, in_memory=in_memory)

    def build(env: Env) -> HostFunction:
        return functions.host_function(name, thing, env)

    return Source(name, build, True, digest, in_memory=in_memory)


def _source_sha256(thing: Any, module: ModuleType) -> str | None:
    """The checksum of the file in which a function, or the class of an object, is written."""
    digests = []
    for part in (thing if inspect.isroutine(thing) else type(thing), module):
        try:
            file = inspect.getsourcefile(part)
        except TypeError:  # written in C
            file = None
        if file is not None and Path(file).is_file():
            digests.append(file_sha256(Path(file)))
    text = " ".join(dict.fromkeys(digests))
    return hashlib.sha256(text.encode()).hexdigest() if text else None
