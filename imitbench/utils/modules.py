"""Python files and modules of users: imported, and their mistakes told in one line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from imitbench.utils.errors import UserError


def import_file(path: Path, what: str) -> ModuleType:
    """Runs a user's Python file, once in a process as long as the file does not change.

    Modules beside the file can be imported from it.

    Args:
        path: the file.
        what: its name in an error.

    Returns:
        Its module.

    Raises:
        UserError: there is no such file, it is no Python file, or it raises an error.
    """
    path = path.expanduser()
    if path.suffix != ".py":
        raise UserError(f"{what} {path}: expected a Python file, *.py")
    if not path.is_file():
        raise UserError(f"no such {what}: {path}")
    path = path.absolute()
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]
    name = f"imitbench_user_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    _find_modules_in(path.parent)
    sys.modules[name] = module  # dataclasses in the file look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        raise _import_error(f"{what} {path.name}", error) from error
    return module


def import_module(name: str, what: str, expected: str) -> ModuleType:
    """Imports a module of the path or of the current folder.

    Args:
        name: the module's name.
        what: its name in an error.
        expected: what could have been named in its place, for the error.

    Returns:
        The module.

    Raises:
        UserError: there is no such module, or it raises an error.
    """
    _find_modules_in(Path.cwd())
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError)
        if missing and error.name == name.partition(".")[0]:
            raise UserError(
                f"{what}: there is no module {name!r} on the path or in the current folder: "
                f"expected {expected}"
            ) from None
        raise _import_error(f"{what} {name}", error) from error


def place(error: BaseException) -> str:
    """Where an error was raised, such as `suite.py:12`; empty where nobody knows."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def type_and_text(error: BaseException) -> str:
    """An error's type and the first 300 characters of its text in one line."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}"


def _find_modules_in(folder: Path) -> None:
    """Lets modules be imported from a folder, after those of all other places."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _import_error(what: str, error: BaseException) -> BaseException:
    """A mistake in a user's module as a `UserError`; interruptions stay what they are."""
    if isinstance(error, UserError) or not isinstance(error, Exception):
        return error
    where = "" if isinstance(error, SyntaxError) else f" at {place(error)}"  # it names its own line
    return UserError(f"{what} cannot be imported ({type_and_text(error)}){where}; mend it")
