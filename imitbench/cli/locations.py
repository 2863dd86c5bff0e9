"""Suites and methods by name or file, and the folders of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imitbench import algos
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.shipped import is_shipped, shipped_folder
from imitbench.suites.registry import load_suite, suite_names
from imitbench.suites.schema import Cell, Profile, Suite
from imitbench.utils import modules
from imitbench.utils.errors import UserError, pick

DEFAULT_RESULTS = Path("results")
SHIPPED_RESULTS = DEFAULT_RESULTS / "shipped"


def suite_cells(name: str, profile: Profile) -> tuple[Suite, Sequence[Cell]]:
    """Loads a suite and the cells of one of its profiles.

    Args:
        name: of the suite, or the path of a Python file that defines SUITE.
        profile: one of the suite's profiles.

    Returns:
        The suite and its cells.

    Raises:
        UserError: there is no such suite or profile.
    """
    suite = load_suite(str(Path(name).expanduser()))
    pick(f"profile of {suite.name}", profile, suite.profiles)
    return suite, suite.profiles[profile]


def suite_name(name: str) -> str:
    """The name of a suite that is given by its name or by its Python file."""
    path = Path(name).expanduser()
    return load_suite(str(path)).name if path.suffix == ".py" else name


def run_method_file(code: Path | None) -> None:
    """Runs the Python file that registers a method, if one is given.

    Raises:
        UserError: the file cannot be imported.
    """
    if code is not None:
        modules.import_file(code, "file of a method")


def check_method(name: str, code: Path | None) -> None:
    """Checks that there is a method of this name.

    Args:
        name: of the method.
        code: a Python file that is run first, and may register it; by default none.

    Raises:
        UserError: there is no such method, or the file cannot be imported.
    """
    run_method_file(code)
    pick("method", name, algos.ALGOS)


def folder_name(suite: str, profile: Profile) -> str:
    """The name of the folder for a suite's results."""
    return suite if profile == "cpu" else f"{suite}.{profile}"


def results_folder(suite: str, profile: Profile, results: Path) -> Path:
    """The folder of the user's own run of a suite if there is one, else the shipped one.

    Args:
        suite: the name of the suite.
        profile: of the run.
        results: the folder of all suites' folders.

    Returns:
        The folder; the user's own one if neither is there.

    Raises:
        UserError: the folder of all suites' folders is missing, and is none of those that may be.
    """
    check_results(results)
    name = folder_name(suite, profile)
    if not store.cells_folder(results / name).is_dir() and shipped_folder(name).is_dir():
        return shipped_folder(name)
    return results / name


def check_results(results: Path) -> None:
    """Checks that a folder of results that the user names is there.

    Args:
        results: the folder of all suites' folders. The default one may be missing, and so may
            `results/shipped`, which an installed package has elsewhere.

    Raises:
        UserError: there is no such folder.
    """
    if results not in (DEFAULT_RESULTS, SHIPPED_RESULTS) and not results.is_dir():
        raise UserError(
            f"--results {results}: there is no such folder; expected the one that holds the "
            "suites' folders, such as results; mend the path, or leave --results out"
        )


def require_own_folder(root: Path) -> None:
    """Refuses to write into the folder of shipped results.

    Args:
        root: the folder of a run or of a search.

    Raises:
        UserError: it is that of a suite's shipped results, or below `results/shipped`.
    """
    if is_shipped(root) or root.resolve().is_relative_to(SHIPPED_RESULTS.resolve()):
        raise UserError(
            f"{root} is for shipped results: run into another folder (--results), and ship the "
            "finished run with `imitbench ship`"
        )


def figures_folder(name: str, results: Path) -> Path:
    """The folder for figures of shipped results: neither that of the shipped results nor, where the
    user has a run, that of the run.

    Args:
        name: the name of the suite's folder (`folder_name`).
        results: the folder of all suites' folders.

    Returns:
        The folder for the user's own results; below `./results` where `results` is the folder of
        the shipped ones. NAME.shipped beside it where that has cells.
    """
    own = results / name
    if results == SHIPPED_RESULTS or is_shipped(own):
        own = DEFAULT_RESULTS / name
    if store.cells_folder(own).is_dir():
        own = own.with_name(f"{name}.shipped")
    return own


def read_results(suite: str, profile: Profile, results: Path) -> tuple[Path, list[Result]]:
    """Reads the finished cells of a suite: the user's own ones, else the shipped ones.

    Args:
        suite: the name of the suite, or its Python file.
        profile: of the run.
        results: the folder of all suites' folders.

    Returns:
        The folder, and at least one cell.

    Raises:
        UserError: there are no finished cells, or one is damaged, or the folder of all suites'
            folders is missing.
    """
    name = suite_name(suite)
    root = results_folder(name, profile, results)
    cells = store.read_all(root)
    if not cells:
        if name == suite:
            pick("suite", name, suite_names())  # a misspelt name has no results either
        raise UserError(no_cells(root, suite, profile))
    return root, cells


def all_finished(profile: Profile, results: Path) -> list[dict[str, Any]]:
    """Reads what the finished cells of all suites say of themselves: the shipped ones, then the
    user's own; those of a folder in the order in which they finished."""
    names = [folder_name(suite, profile) for suite in suite_names()]
    roots = [shipped_folder(name) for name in names] + [results / name for name in names]
    return [info for root in roots for info in store.read_infos(root)]


def no_cells(root: Path, suite: str, profile: Profile) -> str:
    """The message that a folder has no finished cells, and the command that makes some."""
    option = "" if profile == "cpu" else f" --profile {profile}"
    remedy = f"`imitbench run {suite}{option}` first"
    if suite in suite_names() and not shipped_folder(folder_name(suite, profile)).is_dir():
        return f"no finished cells in {root}, and none of this suite are shipped: {remedy}"
    return f"no finished cells in {root}: {remedy}"
