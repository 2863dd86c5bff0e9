"""One finished cell in memory."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from imitbench import algos
from imitbench.experts import reference_scores
from imitbench.results import stats
from imitbench.results.cells import cell_schema
from imitbench.suites.published.schema import Place
from imitbench.utils.errors import UserError

SIGNED_LOG = "log "  # before a measure
MODE_ENTROPY = "mode_entropy"
PLUS = " plus "  # stands between the demonstrator and the number and grade of extra episodes
DATASET = "data "  # begins the name of a user's data set where others have their demonstrator


class Result(NamedTuple):
    """One finished cell. See `results/README.md` for the columns."""

    info: dict[str, Any]  # cell.json
    curve: pd.DataFrame  # one row for each seed and evaluation
    episodes: pd.DataFrame  # one row for each episode of the last evaluation
    folder: Path
    # One row for each seed and part of training; None in cells of version 0.2.0 and older, whose
    # curve has the metrics as columns `metric/NAME`.
    metrics: pd.DataFrame | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the cell's numbers."""
        return self.info["identity"]

    @property
    def expert(self) -> str:
        """The demonstrator and the grade, such as `learned, medium`, and the task that it did where
        that is another; the name of a user's data set that has one; with extra data `learned
        plus 50 medium`; empty without demonstrations."""
        header = self.info["demonstrations"]
        if not header:
            return ""
        source = self.identity.get("source", {})
        extra = ""
        if "extra" in source:
            name = source["extra"].get("grade", "expert" if "pool" in source["extra"] else "own")
            extra = f"{PLUS}{source['extra_episodes']} {name}"
        if "dataset" in self.info:
            return f"{DATASET}{self.info['dataset']['name']}{extra}"
        grade = header.get("grade", "expert")
        suffix = "" if grade in ("expert", "stream") else f", {grade}"
        suffix += ", as it learns" if source.get("growing") else ""
        suffix += f", in {source['task']}" if source.get("task") else ""
        return header["expert"] + suffix + extra

    @property
    def place(self) -> Place:
        """The task, the number of demonstrations and the demonstrator: methods are compared with
        each other at one place."""
        return self.identity["task"], self.identity["demos"], self.expert

    @property
    def obs_noise(self) -> float:
        """The noise on what the policies saw in evaluations, in standard deviations of the
        demonstrated observations."""
        return self.identity.get("obs_noise", 0.0)

    @property
    def peer(self) -> dict[str, Any] | None:
        """The package, with its version, that trained the policies of a peer's row
        (`benchmarks/peers`); None for our own methods."""
        return self.identity.get("peer")

    @property
    def old_version(self) -> str:
        """Says that the method has changed since, and its numbers with it: `version 1, now 2`;
        empty where it has not, and for methods that are not known here."""
        method, ran = self.identity.get("method"), self.identity.get("version", 1)
        if self.peer or method not in algos.ALGOS or ran == algos.traits(method).version:
            return ""
        return f"version {ran}, now {algos.traits(method).version}"

    @property
    def shares_states(self) -> bool:
        """Whether all training seeds were evaluated on the same initial states, as in cells of
        version 0.2.0 and older. Since then each seed has its own."""
        return not cell_schema.has_own_states(self.identity)

    @property
    def diverged(self) -> np.ndarray:
        """[S], whether each seed diverged, in the order of `final`."""
        return np.isin(sorted(self.identity["seeds"]), self.info.get("diverged_seeds", []))

    @property
    def withholds_return(self) -> bool:
        """Whether the mean return is not known: a diverged seed has the return of a random policy,
        and the task has no reference scores that say it."""
        return bool(self.diverged.any()) and self.identity["task"] not in reference_scores.table()

    @property
    def divergence(self) -> str:
        """Says which seeds diverged, and what they count as; empty where none did."""
        if not self.diverged.any():
            return ""
        text = f"seed {', '.join(map(str, self.info['diverged_seeds']))} diverged"
        if not self.withholds_return:
            return f"{text}, counted as failed"
        text += ", counted as failed" if self.info["has_success"] else ""
        return f"{text}; no return, because the task has no reference scores"

    def at_seeds(self, seeds: Collection[int]) -> Result:
        """Returns the cell with these of its training seeds alone."""
        kept = [s for s in self.identity["seeds"] if s in seeds]
        diverged = [s for s in self.info.get("diverged_seeds", []) if s in seeds]
        info = self.info | {"identity": self.identity | {"seeds": kept}, "diverged_seeds": diverged}
        curve, episodes, metrics = (
            table if table is None or table.empty else table.loc[table["seed"].isin(kept)]
            for table in (self.curve, self.episodes, self.metrics)
        )
        assert curve is not None and episodes is not None
        return Result(info, curve, episodes, self.folder, metrics)

    def final(self, column: str) -> np.ndarray:
        """Takes a column's values at the last evaluation.

        Args:
            column: of the curve, such as success_any or return; a metric of training, such as
                metric/loss, of which the last part counts; mode_entropy; or one of them after
                "log ", for sign(x) log(1 + |x|), which tames numbers of very different size.

        Returns:
            [S], in the order of the seeds' numbers. The entropy of the modes is 0 for a seed
            without success. A diverged seed has the return of the random policy, nan where the task
            has no reference scores; its success is 0.
        """
        if column.startswith(SIGNED_LOG):
            values = self.final(column.removeprefix(SIGNED_LOG))
            return np.sign(values) * np.log1p(np.abs(values))
        if column == MODE_ENTROPY:
            entropies = self.mode_entropies()
            if entropies is None:
                raise UserError(f"{self.folder}: its episodes have no modes")
            return np.nan_to_num(entropies)
        table, order = self.curve, "evaluation"
        if column not in table and self.metrics is not None and column in self.metrics:
            table, order = self.metrics, "updates"
        when = table[order].to_numpy()
        last = when == when.max()
        by_seed = np.argsort(table["seed"].to_numpy()[last])
        values = table[column].to_numpy(float)[last][by_seed]
        return self._without_diverged(values, column)

    def outcomes(self, column: str) -> np.ndarray | None:
        """Takes the single episodes of the last evaluation.

        Args:
            column: of the curve, such as success_any, return or metric/value.

        Returns:
            [S, B], seeds in the order of their numbers; None for metrics that episodes do not have.
            Diverged seeds as in `final`.
        """
        name = column.removeprefix("metric/")
        if name not in self.episodes:
            return None
        table = self.episodes.pivot(index="seed", columns="episode", values=name).sort_index()
        return self._without_diverged(table.to_numpy(float), column)

    def curve_of(self, column: str, along: str = "evaluation") -> tuple[np.ndarray, np.ndarray]:
        """Takes a column's values at all evaluations.

        Args:
            column: of the curve, such as success_any or return.
            along: evaluation, updates or a cost, the same for all seeds. A cost stays as it is
                where updates no longer spend it.

        Returns:
            `along` [E], and the values [E, S], seeds in the order of their numbers. Diverged seeds
            as in `final`.
        """
        table = self.curve.pivot(index="evaluation", columns="seed", values=column).sort_index()
        values = self._without_diverged(table.to_numpy(float).T, column).T
        return self.curve.groupby("evaluation")[along].first().to_numpy(float), values

    def _without_diverged(self, values: np.ndarray, column: str) -> np.ndarray:
        """Replaces the scores [S, ...] of diverged seeds."""
        is_return = column == "return"
        if not self.diverged.any() or not (is_return or column.startswith("success")):
            return values
        reference = reference_scores.table().get(self.identity["task"])
        random = reference["random"] if reference else float("nan")
        values = values.copy()
        values[self.diverged] = random if is_return else 0.0
        return values

    def score(self, measure: str) -> np.ndarray:
        """Takes a measure's normalised values at the last evaluation.

        Args:
            measure: success_any, success_final or return.

        Returns:
            [S], in the order of the seeds' numbers. A success rate is its own score; a return has
            the score 0 where it is that of the random policy, and 1 where it is the expert's.

        Raises:
            UserError: returns of a task without reference scores.
        """
        values = self.final(measure)
        return reference_scores.normalise(self.place[0], values) if measure == "return" else values

    def mode_entropies(self) -> np.ndarray | None:
        """Takes the entropy of the modes among the successful episodes of the last evaluation.

        Returns:
            [S] in [0, 1], seeds in the order of their numbers, as `stats.mode_entropy` computes
            it with success at the last step; nan for a seed without success. None where the
            episodes have no modes.

        Raises:
            UserError: the modes of some episodes are missing, because they were evaluated by an
                older version.
        """
        if "mode" not in self.episodes or "modes" not in self.info:
            return None
        return np.array(
            [
                stats.mode_entropy(
                    part["mode"].to_numpy(), part["success_final"].to_numpy(), self.info["modes"]
                )
                for _, part in self.episodes.groupby("seed", sort=True)
            ]
        )
