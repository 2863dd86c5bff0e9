"""A user's data set on disk as a source of demonstrations: found, read, described."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from imitbench.data.demonstrations import hold_out
from imitbench.data.formats import minari
from imitbench.data.memory_map import memory_mapped
from imitbench.data.recordings import opening
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.envs.recorded import NO_TASK
from imitbench.utils.errors import UserError

MAX_NAME = 60  # characters of a name in tables
NOT_IN_NAMES = re.compile(r"[^\w.+,=:()'/ -]")  # figures read `$` as mathematics


def check(source: DemoSource) -> None:
    """Checks that the data set of a source is there, without reading it.

    Args:
        source: any source; those without a path pass.

    Raises:
        UserError: there is no such file or folder, it has none of the formats, or settings of the
            source contradict each other.
    """
    source.check_own()
    if source.path is None:
        return
    if NOT_IN_NAMES.search(source.name) or len(source.name) > MAX_NAME:
        raise UserError(
            f"name {source.name[:MAX_NAME]!r} of {source.path}: expected up to {MAX_NAME} letters, "
            "digits, spaces or _.+,=:()'/-"
        )
    if source.dataset is None:
        opening.resolve(source.path, source.format, source.filter_key)


def read_all(sources: Sequence[tuple[str, DemoSource]]) -> list[DemoSource]:
    """Reads the data sets of sources, each once.

    Args:
        sources: pairs of a task and a source. For the task "none" some episodes are held out.
            Sources without a path, or whose data set was read before, stay as they are.

    Returns:
        The sources with their data sets in memory; `pool` is the number of episodes to learn from.

    Raises:
        UserError: a data set is not there, is damaged, or does not fit its task.
    """
    datasets: dict[tuple[str, ...], DatasetInMemory] = {}
    read = []
    for task, source in sources:
        if source.path is not None and source.dataset is None:
            parts = source.path, source.format, source.filter_key, source.name, source.stream
            place = task, *map(str, parts)
            if place not in datasets:
                datasets[place] = _read(source, task)
            source = with_dataset(source, datasets[place])
        read.append(source)
    return read


def read_of_task(source: DemoSource, task: str, *, actions: bool = True) -> DemoSource:
    """Reads the data set of a source as one of a task, which need not be the one that is learned.

    Args:
        source: a source with a path.
        task: the task of the data set, not "none".
        actions: keep the actions.

    Returns:
        The source with its data set in memory.

    Raises:
        UserError: a data set is not there, is damaged, or does not fit the task.
    """
    return with_dataset(source, _read(source, task, actions=actions))


def with_dataset(source: DemoSource, dataset: DatasetInMemory) -> DemoSource:
    """Puts a data set into a source, all of whose episodes each seed draws from.

    Args:
        source: the source.
        dataset: what its path holds.
    """
    return dataclasses.replace(source, dataset=dataset, pool=len(dataset.demos))


def _read(source: DemoSource, task: str, *, actions: bool = True) -> DatasetInMemory:
    check(source)
    assert source.path is not None
    path, found = opening.resolve(source.path, source.format, source.filter_key)
    demos, held_out = opening.open_demos(path, task, found, source.filter_key), None
    if not actions:
        demos = demos.without_actions()
    if task == NO_TASK:
        demos, held_out = hold_out(demos)
    name = source.name or NOT_IN_NAMES.sub("_", _default_name(source.path))[:MAX_NAME]
    dataset = DatasetInMemory.of(demos, held_out, name=name, format=found)
    if source.stream:  # the arrays in memory are not needed any more
        dataset = dataclasses.replace(dataset, demos=memory_mapped(demos))
    return dataset


def _default_name(path: str | Path) -> str:
    """The name of a file or a folder without its ending; a Minari identifier itself."""
    found = Path(path).expanduser()
    if not found.exists():
        return str(path)
    return found.resolve().stem if found.is_file() else found.resolve().name


def start_from(source: DemoSource, folder: Path) -> DemoSource:
    """Makes the path of a source absolute.

    Args:
        source: any source.
        folder: where a relative path starts. A Minari identifier stays one where nothing of its
            name is in the folder.
    """
    if source.path is None:
        return source
    path = folder.absolute() / Path(source.path).expanduser()
    if not path.exists() and minari.ID.fullmatch(str(source.path)):
        return source
    return dataclasses.replace(source, path=path)


def describe(source: DemoSource) -> str:
    """Describes the data set of a source in one line, for the console.

    Args:
        source: one whose data set was read.

    Returns:
        Path, name, format, and numbers of episodes.
    """
    dataset = source.dataset
    assert dataset is not None
    origin = "in memory" if source.path is None else f"{source.path} ({dataset.format})"
    if source.name:
        origin = f"{source.name}, {origin}"
    text = f"{origin}, {len(dataset.demos)} episodes"
    if dataset.held_out is not None:
        text += f", {len(dataset.held_out)} held out for evaluation"
    return text
