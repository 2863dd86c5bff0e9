"""The one place that decides whether cells may be compared, and seed by seed.

Three questions, from the strictest to the mildest:
`require_comparable` (claims): the same physics and the same seeds, or an error;
`differences` (comparisons of two runs, the report): everything beside the method that differs;
`require_one_environment` (tables, ranks): cells of one task and engine have the same environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imitbench.envs.recorded import NO_TASK
from imitbench.results import effort
from imitbench.results.cells.cell import Result
from imitbench.utils.errors import UserError

EPISODES = "episodes of an evaluation"
ASKED = "asked experts"
NOISE = "noises on the observations"
MORE_PRECISE = "the estimate from more episodes is more precise"
OTHER_DATA = "the two sides learned from different demonstrations"


class Difference(NamedTuple):
    """Something beside the method in which two cells differ."""

    name: str  # what differs, in the plural
    values: tuple[Any, Any]
    consequence: str

    def __str__(self) -> str:
        return f"{self.name} differ ({self.values[0]}, {self.values[1]}): {self.consequence}"


def physics_differences(a: Result, b: Result) -> tuple[Difference, ...]:
    """Finds what differs between the environments of two cells.

    Args:
        a: a finished cell.
        b: another one. Cells of different tasks have different environments by intention; only
            their engines are compared.

    Returns:
        A difference for the engine and for the digest of the environment's golden trajectory;
        none where both are the same.
    """
    found = [_differing("engines", a, b, "engine", "the physics are not the same")]
    if a.identity["task"] == b.identity["task"]:
        remedy = "the task behaves differently; run the older one again"
        found.append(_differing("environment digests", a, b, "environment_digest", remedy))
    return tuple(d for d in found if d)


def differences(a: Result, b: Result) -> tuple[Difference, ...]:
    """Finds everything beside the method and the seeds in which two cells differ.

    Args:
        a: a finished cell.
        b: another one.

    Returns:
        A difference for each of: the physics, the number of evaluation episodes, the noise on the
        observations, whether the cell is for choosing settings, whether its seeds share their
        initial states, the expert that both methods ask, and the settings of the demonstration
        source where both cells have demonstrations. A source that does not name its expert has the
        one that demonstrated.
    """
    states = "they met other initial states"
    protocols = _identity(a, b, "initial_states", "shared by the seeds")
    pairs = {
        EPISODES: (_identity(a, b, "eval_episodes"), MORE_PRECISE),
        NOISE: ((a.obs_noise, b.obs_noise), "one policy saw less noise"),
        "uses for choosing settings": (_identity(a, b, "validation", False), states),
        "initial states": (protocols, states),
    }
    asked = a.info.get("asked_expert"), b.info.get("asked_expert")
    if None not in asked:  # both methods ask, and the cells are not older than the field
        pairs[ASKED] = asked, "they got other answers"
    if a.identity["demos"] and b.identity["demos"]:
        sources = _source(a), _source(b)
        for key in sorted(set(sources[0]) | set(sources[1])):
            values = sources[0].get(key), sources[1].get(key)
            pairs[f"{key} of the demonstrations"] = values, OTHER_DATA
    return physics_differences(a, b) + tuple(
        Difference(name, values, consequence)
        for name, (values, consequence) in pairs.items()
        if values[0] != values[1]
    )


def sentences(a: Result, b: Result) -> list[str]:
    """Says what to know before two cells are compared: their `differences`, and unequal budgets."""
    found = (*map(str, differences(a, b)), effort.unequal_steps(a, b))
    return [line for line in found if line]


def have_same_seeds(a: Result, b: Result) -> bool:
    """Whether two cells have the same training seeds, in the same order."""
    return a.identity["seeds"] == b.identity["seeds"]


def are_paired(a: Result, b: Result) -> bool:
    """Whether the scores of two cells may be subtracted seed by seed.

    They may where equal seeds have the same demonstrations and initial states. Those of fewer
    episodes are among those of more.
    """
    harmless = (EPISODES, ASKED, NOISE)
    return have_same_seeds(a, b) and all(d.name in harmless for d in differences(a, b))


def require_comparable(a: Result, b: Result, names: str) -> None:
    """Refuses to compare two cells whose physics or training seeds differ.

    The number of evaluation episodes and the demonstration source may differ: a claim may be about
    them.

    Args:
        a: a finished cell.
        b: another one.
        names: both cells, for the message.

    Raises:
        UserError: the engines, the environment digests or the seeds differ.
    """
    found = list(physics_differences(a, b))
    if not have_same_seeds(a, b):
        seeds = _identity(a, b, "seeds")
        found.append(Difference("seeds", seeds, "run both with the same number of seeds"))
    if found:
        raise UserError(f"{names} cannot be compared: {'; '.join(map(str, found))}")


def require_one_environment(results: Iterable[Result], root: Path | None = None) -> None:
    """Refuses cells of one task and engine whose environments behave differently.

    The environments of the task "none" are the held-out episodes of data sets, one for each.

    Args:
        results: finished cells.
        root: their folder, for the message; None where they are of several.

    Raises:
        UserError: two cells of one task and engine have different environment digests.
    """
    first: dict[tuple[str, ...], Result] = {}
    for result in results:
        task, engine = result.identity["task"], result.info["engine"]
        reference = first.setdefault((*_task_and_data(result), engine), result)
        if found := physics_differences(reference, result):
            digests = ", ".join(sorted(found[0].values))
            where = f"{root}: " if root else ""
            raise UserError(
                f"{where}the cells of {task} ran in environments that behave differently "
                f"(digests {digests}): run the older ones again"
            )


def physics_warnings(results: Sequence[Result]) -> list[str]:
    """Describes how the environments of cells differ within each task.

    Args:
        results: finished cells.

    Returns:
        A line for each difference from the task's first cell; each line once.
    """
    first: dict[tuple[str, ...], Result] = {}
    lines = []
    for result in results:
        task = result.identity["task"]
        reference = first.setdefault(_task_and_data(result), result)
        lines += [f"{task}: {d}" for d in physics_differences(reference, result)]
    return list(dict.fromkeys(lines))


def _task_and_data(r: Result) -> tuple[str, ...]:
    """The task; for the task "none" with the data set, which then is the environment, too."""
    task, data = r.identity["task"], r.identity["source"].get("dataset")
    return (task, str(data)) if task == NO_TASK else (task,)


def mixed_engines(results: Sequence[Result]) -> Mapping[str, list[str]]:
    """Finds the tasks whose cells ran in several engines.

    Args:
        results: finished cells.

    Returns:
        The sorted engines of each such task.
    """
    engines: dict[str, set[str]] = {}
    for result in results:
        engines.setdefault(result.identity["task"], set()).add(result.info["engine"])
    return {task: sorted(names) for task, names in engines.items() if len(names) > 1}


def _differing(name: str, a: Result, b: Result, key: str, consequence: str) -> Difference | None:
    values = a.info[key], b.info[key]
    return Difference(name, values, consequence) if values[0] != values[1] else None


def _source(r: Result) -> dict[str, Any]:
    """The settings of a cell's demonstration source. Where a collected source does not name its
    expert, the header of the demonstrations does."""
    source, header = r.identity["source"], r.info.get("demonstrations") or {}
    is_collected = "dataset" not in source and "behaviour" not in source
    named = {"expert": header["expert"]} if is_collected and header.get("expert") else {}
    return named | source


def _identity(a: Result, b: Result, key: str, default: Any = None) -> tuple[Any, Any]:
    return a.identity.get(key, default), b.identity.get(key, default)
