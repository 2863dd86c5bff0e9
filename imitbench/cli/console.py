"""The output of the commands: runs, tables, comparisons, ranks and trials."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from imitbench.cli.terminal import print_rows
from imitbench.results import compare, publish, rank, tables
from imitbench.results.cells.cell import Result
from imitbench.results.policy_trials.comparison import PolicyPair, pairing, sentence
from imitbench.results.shipped import compare_with_shipped
from imitbench.results.tables.captions import (
    engines_sentence,
    shared_states_sentence,
    unknown_task_sentence,
    versions_sentence,
)
from imitbench.results.tables.formatting import format_estimate, format_p
from imitbench.runs import finished, plan, runner, tune
from imitbench.suites.schema import Cell
from imitbench.training import loggers
from imitbench.utils.machine import import_optional

# Columns of the table of cells that a narrow terminal leaves out, the first ones first.
LESS_IMPORTANT = (
    "Engine", "Compile s", "Train s", "Network calls", "Gradient steps", "Environment steps",
    "Expert queries", "Seeds apart", "Over training", "Mode entropy", "Seeds x episodes",
)  # fmt: skip


def run(
    jobs: Sequence[plan.Job],
    root: Path,
    shipped: Path | None,
    execute: Callable[[Sequence[plan.Job], Path], list[str]] = runner.run,
) -> None:
    """Runs jobs, writes the table and the figures, and prints the table.

    Args:
        jobs: the checked cells.
        root: the folder of the results.
        shipped: the folder of the shipped results to compare with; None for no comparison.
        execute: runs the jobs into the folder; its result are lines for the user.

    Raises:
        UserError: the folder cannot be written.
    """
    start = time.perf_counter()
    notes = execute(jobs, root)
    results = finished.results_of(jobs, root)
    if not results:
        print(*notes, sep="\n")
        return
    _, figures = publish.derive(root)
    print_table(results)
    for note in notes:
        print(note)
    names = ("cells", "summary.csv", "table.md", *(path.name for path in figures))
    print(f"written to {root}: {', '.join(names)}")
    if shipped is not None:
        print(compare_with_shipped(results, shipped))
    print(f"took {time.perf_counter() - start:.0f} s")


def live_loggers(tensorboard: Path | None, wandb: str | None) -> runner.MakeLoggers:
    """Builds what logs the evaluations of each cell while it trains.

    Args:
        tensorboard: a folder; each cell has its own folder below it. None: no TensorBoard.
        wandb: a project; each cell is a run of its own. None: no Weights & Biases.

    Raises:
        UserError: the package is not installed.
    """
    for name, package in (("tensorboard", "tensorboardX"), ("wandb", "wandb")):
        if {"tensorboard": tensorboard, "wandb": wandb}[name] is not None:
            import_optional(package, name)

    def make(job: plan.Job) -> list[loggers.OnEval]:
        made = []
        if tensorboard is not None:
            made.append(loggers.tensorboard(tensorboard / job.key))
        if wandb is not None:
            made.append(loggers.wandb(wandb, name=job.key, config=job.identity, reinit=True))
        return made

    return make


def shipped_line(root: Path) -> str:
    """Says that numbers are those that ship with the project, and where they are."""
    return f"shipped results in {root}"


def print_table(results: Sequence[Result]) -> None:
    """Prints the table of finished cells, and a line about its numbers.

    Args:
        results: at least one cell.
    """
    rows = tables.table_rows(results)
    by_success = any(name.startswith("Success") for name in rows[0])
    left_out = print_rows(rows, (*LESS_IMPORTANT, *(("Return",) if by_success else ())))
    if left_out:
        print(f"too wide for this terminal: {', '.join(left_out)}; table.md has all columns")
    devices = sorted({r.info["device"] for r in results})
    about = f"device: {'; '.join(devices)}.{engines_sentence(results)}"
    print(f"mean over seeds [95% interval]; {unknown_task_sentence(results)}{about}")
    print_age(results)


def print_age(results: Sequence[Result]) -> None:
    """Prints which cells are of older versions or of the older protocol; nothing if none is."""
    for line in (versions_sentence(results), shared_states_sentence(results)):
        if line:
            print(f"note: {line.strip()}")


def print_pairs(pairs: Sequence[compare.Pair], a: str, b: str) -> None:
    """Prints the comparison of two sides: a row for each pair, then sentences and warnings.

    Args:
        pairs: the comparisons.
        a: the name of the first side.
        b: the name of the second side.
    """
    if a == b:
        a, b = f"{a} (1)", f"{b} (2)"  # two columns
    rows = []
    for pair in pairs:
        is_rate = pair.measure.startswith("success")
        scale = 100 if is_rate else 1
        rows.append(
            {
                "Where": pair.name,
                "Measure": pair.measure.replace("_", " ") + (", %" if is_rate else ""),
                a: format_estimate(pair.a, scale, 1),
                b: format_estimate(pair.b, scale, 1),
                "Difference": format_estimate(pair.lead.interval(), scale, 1, sign="+"),
                "P(improvement)": f"{pair.improvement:.2f}",
            }
        )
    print_rows(rows)
    for pair in pairs:
        print(f"{pair.name}: {compare.verdict(pair, a, b)}")
    warnings = (f"warning: {pair.name}: {text}" for pair in pairs for text in pair.warnings)
    for line in dict.fromkeys(warnings):
        print(line)


def print_policies(pairs: Sequence[PolicyPair]) -> None:
    """Prints comparisons of policies, and what each shows.

    Args:
        pairs: the comparisons.
    """
    rows = []
    for pair in pairs:
        scale = 100 if pair.measure == "success" else 1
        has_evidence = not math.isnan(pair.e_value)
        rows.append(
            {
                "Policies": f"{pair.a}, {pair.b}",
                "Measure": pair.measure + (", %" if scale == 100 else ""),
                "First": format_estimate(pair.a_mean, scale, 1),
                "Second": format_estimate(pair.b_mean, scale, 1),
                "Difference": format_estimate(pair.difference, scale, 1, sign="+"),
                "Pairs": str(pair.pairs) if pair.pairs else "-",
                "Won, lost": f"{pair.wins}, {pair.losses}" if has_evidence else "-",
                "Adjusted p": format_p(pair.p_adjusted),
                "E": f"{pair.e_value:.3g}" if has_evidence else "-",
            }
        )
    print_rows(rows)
    for pair in pairs:
        print(sentence(pair))
        print(pairing(pair))
    print(
        "Brackets hold 95% intervals. p holds for a number of episodes that was fixed beforehand; "
        "E may be looked at after each pair, and decides at 20. Both are about these policies, not "
        "about the methods behind them"
    )


def print_rank(scores: rank.Scores, ranked: Sequence[rank.RankedMethod]) -> None:
    """Prints the methods, the best first, and what their scores are.

    Args:
        scores: the normalised scores.
        ranked: the methods, sorted.
    """
    rows = []
    for method in ranked:
        row = {
            "Method": method.method,
            "IQM": format_estimate(method.iqm, 1, 3),
            "Mean": format_estimate(method.mean, 1, 3),
            "Median": format_estimate(method.median, 1, 3),
            "Optimality gap": format_estimate(method.optimality_gap, 1, 3),
            "P(improvement)": f"{method.improvement:.2f}",
            "Above": str(method.above),
            "Below": str(method.below),
        }
        rows.append(row)
    print_rows(rows)
    places = ", ".join(f"{task} {demos}" if demos else task for task, demos, _ in scores.places)
    print(f"normalised {scores.measure.replace('_', ' ')} over {places} [95% bootstrap interval]")
    print("above, below: so many of the other methods by a paired test over seeds, adjusted (5%)")
    if scores.left_out:
        print(f"not at all of these places, so left out: {', '.join(scores.left_out)}")


def print_trials(trials: Sequence[tune.Trial], cell: Cell) -> None:
    """Prints the trials of a search, the best first, and the options that train it.

    Trials of which every seed diverged are last, whatever a diverged seed counts.

    Args:
        trials: the trials.
        cell: what was searched.
    """
    ranked = sorted(trials, key=lambda t: (t.all_diverged, -t.estimate.value, len(t.diverged)))
    rows = [
        {
            "Settings": " ".join(t.words) or "as given",
            "Score": format_estimate(t.estimate, 1, 3),
            "Diverged": str(len(t.diverged)) if t.diverged else "-",
        }
        for t in ranked
    ]
    print_rows(rows)
    number = f"{len(trials)} trial" + "s" * (len(trials) > 1)
    print(
        f"{number} of {cell.method} on {cell.task}, {cell.seeds} validation seeds x "
        f"{cell.eval_episodes} episodes; score: mean of success any and final, or the return"
    )
    if ranked[0].all_diverged:
        print("best: none, because every seed of every trial diverged")
        return
    best = " ".join(f"--set {word}" for word in ranked[0].words)
    print(f"best: {best or 'as given'}")
