"""Names of experts: `module:function`, `file.py:function`, a zip file of Stable-Baselines3."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from imitbench.core.types import Actor, Env, Policy
from imitbench.experts import scripted
from imitbench.experts.external import functions, stable_baselines
from imitbench.experts.external.expert import HostFunction, Source
from imitbench.experts.hidden import load_file
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
    module = _import_file(where) if where.endswith(".py") else _import_module(where)
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


def _import_file(name: str) -> ModuleType:
    path = Path(name).expanduser().absolute()
    digest = hashlib.sha256(f"{path} {file_sha256(path)}".encode()).hexdigest()[:16]
    module_name = f"imitbench_expert_{digest}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    _find_modules_in(path.parent)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[module_name]
        raise _import_error(name, error) from error
    return module


def _import_module(name: str) -> ModuleType:
    _find_modules_in(Path.cwd())
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except BaseException as error:
        raise _import_error(name, error) from error


def _find_modules_in(folder: Path) -> None:
    """Lets modules be imported from a folder, after those of all other places."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _import_error(name: str, error: BaseException) -> BaseException:
    """A mistake in the module of an expert as a `UserError`; interruptions stay what they are."""
    if not isinstance(error, Exception):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]:
        return UserError(
            f"expert: there is no module {name!r} on the path or in the current folder: expected "
            f"{FORMS}"
        )
    text = " ".join(str(error).split())[:300]
    return UserError(
        f"expert: {name} cannot be imported ({type(error).__name__}: {text}); mend the module"
    )
