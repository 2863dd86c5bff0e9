"""The commands that show finished results: `imitbench table quickstart`, `imitbench compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from imitbench.cli import console
from imitbench.cli.locations import folder_name, read_results, suite_name
from imitbench.cli.options import Profile, ResultsFolder, SuiteName, UserPath
from imitbench.results import comparability, compare, policy_trials, publish, rank, tables
from imitbench.results.cells.cell import Result
from imitbench.results.figures import performance_profile
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class _SuiteResults:
    """The options of commands that look at the results of one suite."""

    suite: tyro.conf.Positional[SuiteName]
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")

    def read(self) -> tuple[Path, list[Result]]:
        """The folder of the results, the user's own or the shipped one, and its cells."""
        return read_results(self.suite, self.profile, self.results)

    def own_folder(self) -> Path:
        """The folder of the user's own results, which need not exist."""
        return self.results / folder_name(suite_name(self.suite), self.profile)


@dataclass(frozen=True)
class TableOf(_SuiteResults):
    """Print the table of a suite's finished cells, and write it beside them.

    Without a run of your own it prints the shipped results, and writes nothing.
    """

    def __call__(self) -> None:
        root, cells = self.read()
        if root == self.own_folder():
            console.print_table(tables.derive(root))
            print(f"written: {root / 'summary.csv'}, {root / 'table.md'}")
        else:
            comparability.require_one_environment(cells, root)
            console.print_table(cells)
            print(f"shipped results in {root}; nothing written")


@dataclass(frozen=True)
class Plot(_SuiteResults):
    """Draw the figures of a suite's finished cells: learning curves or scores, and others.

    Without a run of your own it draws the shipped results, into the folder for your own ones.
    """

    def __call__(self) -> None:
        root, cells = self.read()
        if root == self.own_folder():
            figures = publish.derive(root)[1]
        else:
            comparability.require_one_environment(cells, root)
            figures = publish.draw_figures(cells, self.own_folder())
            print(f"drawn from the shipped results in {root}")
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
    suite: SuiteName = "quickstart"
    """Suite in whose results the names of methods are looked up."""
    profile: Profile = "cpu"
    results: ResultsFolder = Path("results")

    def __call__(self) -> None:
        names = [name for name in (self.a, self.b) if name is not None]
        if any(map(policy_trials.is_trials, names)):
            trials = [t for name in names for t in policy_trials.read_trials(name)]
            console.print_policies(policy_trials.compare_policies(trials))
            return
        if self.b is None:
            raise UserError(f"only {self.a} is given: name a second side to compare it with")
        root, cells = read_results(self.suite, self.profile, self.results)
        a, b = (compare.side(name, cells, root) for name in (self.a, self.b))
        pairs = compare.pairs(a, b)
        console.print_pairs(pairs, a.name, b.name)
        print(compare.overall(pairs, a.name, b.name))


@dataclass(frozen=True)
class Rank(_SuiteResults):
    """Rank the methods of a suite over all its tasks, by normalised scores.

    Shows the interquartile mean, the mean, the median and the optimality gap.
    """

    measure: rank.Measure = "auto"
    """What is scored. auto: success at the last step where all tasks say when they are solved, else
    the return between a random policy's (0) and the expert's (1)."""
    figure: UserPath | None = None
    """File for a figure of the performance profiles; it is written as .png and .svg."""

    def __call__(self) -> None:
        _, cells = self.read()
        scores = rank.collect(cells, self.measure)
        console.print_rank(scores, rank.rank_methods(scores))
        if self.figure:
            print(f"written: {', '.join(map(str, performance_profile.draw(scores, self.figure)))}")
