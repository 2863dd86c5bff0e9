"""The commands that show finished results: `imitbench table quickstart`, `imitbench compare`."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from imitbench.cli import console
from imitbench.cli.locations import (
    check_results,
    figures_folder,
    folder_name,
    read_results,
    results_folder,
    suite_name,
)
from imitbench.cli.options import Profile, ResultsFolder, SuiteName, UserPath
from imitbench.results import comparability, compare, policy_trials, publish, rank, tables
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.figures import aggregates, curves, drawing
from imitbench.results.shipped import is_shipped
from imitbench.results.tables import by_method, captions, formatting
from imitbench.suites.registry import load_suite, suite_names
from imitbench.utils.errors import UserError, pick

DEFAULT_SUITE = "quickstart"  # of `compare`


@dataclass(frozen=True)
class _SuiteResults:
    """The options of commands that look at the results of one suite."""

    suite: tyro.conf.Positional[SuiteName]
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")

    def read(self) -> tuple[Path, list[Result]]:
        """The folder of the results, the user's own or the shipped one, and its cells."""
        return read_results(self.suite, self.profile, self.results)

    def name(self) -> str:
        """The name of the suite's folder."""
        return folder_name(suite_name(self.suite), self.profile)


@dataclass(frozen=True)
class TableOf(_SuiteResults):
    """Print the table of a suite's finished cells, and write it beside them.

    Without a run of your own it prints the shipped results. It writes nothing beside those.
    """

    layout: Literal["cells", "methods"] = "cells"
    """cells: a row for each cell, with all columns. methods: a row for each method and a column for
    each task and number of demonstrations, as in a paper; it is only printed."""
    format: Literal["text", "markdown", "latex"] = "text"
    """Of what is printed. latex needs the package booktabs. markdown and latex have the best scores
    of a place in bold, and write no file."""

    def __call__(self) -> None:
        root, cells = self.read()
        shipped = is_shipped(root)
        if self.layout == "methods" or self.format != "text":
            comparability.require_one_environment(cells, root)
            self._print(cells)
            if shipped:  # the output may go into a file
                print(console.shipped_line(root), file=sys.stderr)
        elif shipped:
            comparability.require_one_environment(cells, root)
            console.print_table(cells)
            print(f"{console.shipped_line(root)}; nothing written")
        else:
            console.print_table(tables.derive(root))
            print(f"written: {root / 'summary.csv'}, {root / 'table.md'}")

    def _print(self, cells: list[Result]) -> None:
        if self.layout == "methods":
            about, head, rows = by_method.by_method(cells)
        else:
            marked = tables.marked_rows(cells)
            about, head = captions.caption(cells, marked), list(marked[0])
            rows = [list(row.values()) for row in marked]
        if self.format == "latex":
            print(formatting.latex_table(head, rows))
        elif self.format == "markdown":
            print(f"{formatting.markdown_table(head, rows)}\n\n{about}")
        else:
            console.print_rows([dict(zip(head, row, strict=True)) for row in rows])
            print(about)


@dataclass(frozen=True)
class Plot(_SuiteResults):
    """Draw the figures of a suite's finished cells: learning curves or scores, and others.

    Without a run of your own it draws the shipped results, into the folder for your own ones, or
    into results/SUITE.shipped where that has a run.
    """

    pdf: bool = False
    """Write .pdf files, too, with text that journals accept (type 42)."""
    normalised: bool = False
    """Draw learning curves alone, with returns that are 0 for a random policy and 1 for the
    expert."""

    def __call__(self) -> None:
        root, cells = self.read()
        shipped = is_shipped(root)
        folder = figures_folder(self.name(), self.results) if shipped else root
        if self.normalised:
            figures = curves.draw_normalised(cells, folder, kinds(self.pdf))
        elif shipped:
            comparability.require_one_environment(cells, root)
            figures = publish.draw_figures(cells, folder, kinds(self.pdf))
        else:
            figures = publish.derive(root, kinds(self.pdf))[1]
        if shipped:
            print(f"drawn from the {console.shipped_line(root)}")
        print(f"written: {', '.join(map(str, figures))}")


@dataclass(frozen=True)
class Compare:
    """Compare two methods, two runs, or policies: differences with 95% intervals.

    A positive difference says that the first one is higher.
    """

    a: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="A")]]
    """First side: a method's name in the suite's results, a folder of results
    (`results/quickstart`), or FOLDER:NAME. For policies: a CSV file (success or return, perhaps
    policy and initial_state), LeRobot's eval_info.json, the folder of a Minari data set, rollouts
    (a file that `imitbench demos` or `save_data` writes, or a folder of them), or CELL@SEED, a
    cell's folder and a training seed."""
    b: tyro.conf.Positional[Annotated[str | None, tyro.conf.arg(metavar="B")]] = None
    """Second side, in the same forms; not needed for a CSV file with several policies."""
    suite: SuiteName = DEFAULT_SUITE
    """Suite in whose results the names of methods are looked up."""
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")

    def __call__(self) -> None:
        check_results(self.results)
        names = [name for name in (self.a, self.b) if name is not None]
        if any(map(policy_trials.is_trials, names)):
            trials = [t for name in names for t in policy_trials.read_trials(name)]
            console.print_policies(policy_trials.compare_policies(trials))
            return
        if self.b is None:
            raise UserError(f"only {self.a} is given: name a second side to compare it with")
        root, cells = read_results(self.suite, self.profile, self.results)
        looked_up = [name for name in names if compare.parse_side(name)[0] is None]
        for name in looked_up:
            self._check_label(name, cells)
        a, b = (compare.side(name, cells, root) for name in names)
        pairs = compare.pairs(a, b)
        console.print_pairs(pairs, a.name, b.name)
        print(compare.overall(pairs, a.name, b.name))
        console.print_age([*a.cells.values(), *b.cells.values()])
        if looked_up and is_shipped(root):
            print(console.shipped_line(root))

    def _check_label(self, name: str, cells: list[Result]) -> None:
        """Checks that a method is in the suite's results.

        Raises:
            UserError: it is not; the message names the methods that are, and the suites that have
                this one.
        """
        labels = list(dict.fromkeys(r.identity["label"] for r in cells))
        if name in labels:
            return
        others = [s for s in suite_names() if self._has(s, name)]
        if others:
            hint = f"give the suite that has it, --suite {' or '.join(others)}"
        else:
            similar = difflib.get_close_matches(name, labels, n=3)
            hint = f"did you mean {' or '.join(similar)}? " if similar else ""
            hint += "give --suite SUITE, a folder of results, or FOLDER:NAME"
        default = ", the default of --suite" if self.suite == DEFAULT_SUITE else ""
        raise UserError(
            f"no method {name!r} in the suite {self.suite}{default} (it has {', '.join(labels)}): "
            f"{hint}"
        )

    def _has(self, suite: str, name: str) -> bool:
        """Whether there are results of this method in a suite of the package."""
        if name not in {cell.name for cell in load_suite(suite).profiles.get(self.profile, ())}:
            return False
        cells = store.cells_folder(results_folder(suite, self.profile, self.results))
        return any(cells.glob(f"*-{name}-*"))


@dataclass(frozen=True)
class Rank(_SuiteResults):
    """Rank the methods of a suite over all its tasks, by normalised scores.

    Shows the interquartile mean, the mean, the median and the optimality gap.
    """

    measure: rank.Measure = "auto"
    """What is scored. auto: success at the last step where all tasks say when they are solved, else
    the return between a random policy's (0) and the expert's (1)."""
    figure: UserPath | None = None
    """File for a figure; it is written as .png and .svg."""
    kind: Literal["profiles", "intervals", "improvement"] = "profiles"
    """What the figure shows. profiles: the share of runs above each score; intervals: the
    aggregates; improvement: the probability that a method's run is above one of `--against`."""
    against: str = ""
    """Method for `--kind improvement`; by default the one of the highest rank."""
    pdf: bool = False
    """Write the figure as .pdf, too."""

    def __call__(self) -> None:
        root, cells = self.read()
        scores = rank.collect(cells, self.measure)
        if self.against:
            pick("ranked method", self.against, list(scores.methods))
        console.print_rank(scores, rank.rank_methods(scores))
        if is_shipped(root):
            print(console.shipped_line(root))
        if self.figure:
            files = self._draw(scores, self.figure)
            print(f"written: {', '.join(map(str, files))}")

    def _draw(self, scores: rank.Scores, path: Path) -> list[Path]:
        if self.kind == "profiles":
            return aggregates.draw_profiles(scores, path, kinds(self.pdf))
        if self.kind == "intervals":
            return aggregates.draw_intervals(scores, path, kinds(self.pdf))
        return aggregates.draw_improvement(scores, path, self.against, kinds(self.pdf))


def kinds(pdf: bool) -> tuple[str, ...]:
    """The kinds of files that figures are written as."""
    return (*drawing.KINDS, "pdf") if pdf else drawing.KINDS
