"""Captions of tables: what their numbers are, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imitbench.envs.recorded import NO_TASK
from imitbench.results import comparability
from imitbench.results.cells.cell import Result
from imitbench.results.tables.marks import RISING
from imitbench.suites.registry import load_suite, suite_names

COLUMNS = {
    "Over training": (
        "*Over training*: the mean over the learning curve (the area under it by its length in "
        "environment steps), of final success where the task has it, else of the return. "
    ),
    "Seeds apart": (
        "*Seeds apart*: the scores of the single seeds, where a gap of 0.3 of the scale parts "
        "them. "
    ),
    "Success any, %": "*any*: the goal was reached at some step; *final*: at the last one. ",
    "Noise seen": (
        "*Noise seen*: Gaussian noise on what policies see in evaluations, in standard "
        "deviations of the demonstrated observations. "
    ),
    "Expert queries": "Expert queries count the demonstrations' steps. ",
    "Mode entropy": (
        "Mode entropy: of the ways that the successful episodes of a seed take, to the base of "
        "their number; 0 for a seed without success. "
    ),
    "Network calls": "Network calls: passes through the policy's network for one executed action. ",
}
"""What columns mean, in the order of the sentences."""


def caption(results: Sequence[Result], rows: Sequence[Mapping[str, str]]) -> str:
    """Explains the columns of a table of cells.

    Args:
        results: the cells.
        rows: their rows, from `tables.table_rows`; a column that they lack is not explained.

    Returns:
        Sentences in Markdown.
    """
    devices = sorted({r.info["device"] for r in results})
    profile = results[0].identity["profile"]
    text = (
        "Mean over training seeds with its 95% interval for fresh seeds and fresh initial states, "
        "at the last evaluation. Bold: the best method of a place, and those that a test seed by "
        f"seed (5%) does not tell from it. {RISING}: still rising at the end (the last evaluation "
        "against the one at four fifths of the budget, one-sided paired t test, 5%). "
    )
    text += shared_states_sentence(results) + unknown_task_sentence(results)
    text += "".join(meaning for column, meaning in COLUMNS.items() if column in rows[0])
    text += f"Profile {profile}. Device: {'; '.join(devices)}."
    sentences = peers_sentence, versions_sentence, trials_sentence, engines_sentence
    return text + "".join(sentence(results) for sentence in sentences)


def peers_sentence(results: Sequence[Result]) -> str:
    """Says which rows are other packages' methods.

    Args:
        results: the cells.

    Returns:
        A sentence with a space before it; empty where there is none.
    """
    peers = {r.identity["label"]: r.peer for r in results if r.peer}
    if not peers:
        return ""
    named = ", ".join(f"{k} ({p['package']} {p['version']})" for k, p in peers.items())
    return (
        f" Trained by other packages on the same data with the same budget, and evaluated here: "
        f"{named}."
    )


def versions_sentence(results: Sequence[Result]) -> str:
    """Names the rows whose methods have changed since they ran.

    Args:
        results: the cells.

    Returns:
        A sentence with a space before it; empty where there is none.
    """
    old = dict.fromkeys(
        f"{r.identity['label']} ({r.old_version})" for r in results if r.old_version
    )
    if not old:
        return ""
    return f" Run with an older version of the method, whose numbers differ: {', '.join(old)}."


def shared_states_sentence(results: Sequence[Result]) -> str:
    """Says that seeds met the same initial states, as those of version 0.2.0 and older did.

    Args:
        results: the cells.

    Returns:
        A sentence with a space behind it; empty where no cell's seeds do.
    """
    shared = [r for r in results if r.shares_states]
    if not shared:
        return ""
    if len(shared) == len(results):
        return "The seeds of these cells share their initial states. "
    names = dict.fromkeys(f"{r.identity['label']} on {r.identity['task']}" for r in shared)
    return f"The seeds of some cells share their initial states ({', '.join(names)}). "


def unknown_task_sentence(results: Sequence[Result]) -> str:
    """Explains the return of policies that were trained without a task.

    Args:
        results: the cells.

    Returns:
        A sentence with a space behind it; empty where all tasks are known.
    """
    if all(r.identity["task"] != NO_TASK for r in results):
        return ""
    return (
        "Task none: the return is minus the error of the actions on held-out episodes, in percent "
        "of the action range (of the steps, for choices). "
    )


def trials_sentence(results: Sequence[Result]) -> str:
    """Says how many settings were tried for each method.

    Args:
        results: cells of one suite.

    Returns:
        A sentence with a space before it; empty for a suite that does not come with the package.
    """
    name = results[0].identity["suite"]
    if name not in suite_names():
        return ""
    trials = load_suite(name).trials
    labels = dict.fromkeys(r.identity["label"] for r in results)
    tried = ", ".join(f"{label} {trials[label]}" for label in labels if trials.get(label))
    if not tried:
        return " Settings tried on validation seeds: none."
    rest = "; others none" if any(not trials.get(label) for label in labels) else ""
    return f" Settings tried on validation seeds for each task and expert: {tried}{rest}."


def engines_sentence(results: Sequence[Result]) -> str:
    """Warns of tasks whose cells ran in several engines.

    Args:
        results: the cells.

    Returns:
        A sentence for each such task, with a space before it; empty where there is none.
    """
    return "".join(
        f" {task} ran in several engines ({', '.join(engines)}), whose physics are not the same: "
        "compare cells of one engine only."
        for task, engines in comparability.mixed_engines(results).items()
    )
