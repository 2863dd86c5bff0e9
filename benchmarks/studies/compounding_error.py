"""How the regret of BC and of DAgger grows with the length of an episode on the tightrope.

`python -m benchmarks.studies.compounding_error [folder]` reads the cells of the suite `dagger` in
the folder (`results/dagger` by default; where there are none, what ships), fits regret = c T^k for
each method, and writes compounding.md, .png and .svg there; from what ships, into the README, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from imitbench.envs.toys.tightrope import TASKS
from imitbench.results import stats
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.figures import drawing
from imitbench.results.shipped import shipped_folder
from imitbench.results.tables.formatting import format_estimate, markdown_table
from imitbench.utils import files, runtime
from imitbench.utils.errors import UserError

THEORY = {"bc": 2, "dagger": 1}


def regrets(results: Sequence[Result], method: str) -> dict[int, np.ndarray]:
    """Mean regret of an episode [S] for each length: steps off the rope, for an expert has none.

    Raises:
        UserError: the method was not run on every length, or with different numbers of seeds.
    """
    found = {
        TASKS[r.identity["task"]]: -r.final("return")
        for r in results
        if r.identity["task"] in TASKS and r.identity["label"] == method
    }
    if set(found) != set(TASKS.values()):
        raise UserError(
            f"{method} ran on {len(found)} of {len(TASKS)} tightropes: `imitbench run dagger` first"
        )
    if len({len(x) for x in found.values()}) > 1:
        raise UserError(f"{method}: expected the same number of seeds on each tightrope")
    return dict(sorted(found.items()))


def exponent(found: dict[int, np.ndarray]) -> stats.Estimate:
    """k of regret = c T^k, the least squares line through the logarithms of the mean regrets; its
    interval resamples the seeds of each length.

    Raises:
        UserError: a mean of 0, which has no logarithm.
    """
    if not all(x.mean() > 0 for x in found.values()):
        raise UserError("a method without any regret: nothing to fit; raise rope_episodes")
    x = np.log(np.array(list(found)))
    x = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    drawn = [
        stats.bootstrap([r], stats.mean, seed=i) for i, r in enumerate(found.values())
    ]  # [T] of [resamples]
    # A resample may have no regret; it counts as the least there is.
    least = min(r[r > 0].min() for r in found.values()) / len(next(iter(found.values())))
    slopes = x @ np.log(np.maximum(np.stack(drawn), least))
    value = float(x @ np.log([r.mean() for r in found.values()]))
    return stats.Estimate(value, *map(float, stats.percentile_interval(slopes)))


def draw(found: dict[str, dict[int, np.ndarray]], path: Path) -> list[Path]:
    figure, axis = plt.subplots(figsize=(5.5, 4.2), layout="constrained")
    for method, by_length in found.items():
        look = drawing.method_style(list(found), method)
        means = [stats.over_seeds(r).interval() for r in by_length.values()]
        lengths, values = np.array(list(by_length)), np.array([m.value for m in means])
        ends = np.abs(np.array([[m.low, m.high] for m in means]).T - values)
        k = exponent(by_length)
        name = f"{method}: regret ~ T^{k.value:.2f} [{k.low:.2f}, {k.high:.2f}]"
        axis.errorbar(lengths, values, ends, label=name, capsize=3, **look)
        theory = values[0] * (lengths / lengths[0]) ** THEORY[method]
        axis.plot(lengths, theory, color=look["color"], linestyle=":", linewidth=1)
    axis.set_xscale("log")
    axis.set_yscale("log")
    lengths = list(next(iter(found.values())))
    axis.set_xticks(lengths, [str(t) for t in lengths])
    axis.set_xticks([], minor=True)
    axis.set_xlabel("length of an episode T, steps")
    axis.set_ylabel("regret: steps off the rope")
    axis.legend(fontsize=9)
    axis.set_title("dotted: T^2 (BC), T (DAgger) from the first point", fontsize=9)
    return drawing.save(figure, path)


def table(found: dict[str, dict[int, np.ndarray]]) -> str:
    lengths = list(next(iter(found.values())))
    head = ["Method", *(f"T = {t}" for t in lengths), "Exponent", "Theory"]
    rows = []
    for method, by_length in found.items():
        values = [format_estimate(stats.over_seeds(r).interval(), 1, 2) for r in by_length.values()]
        k = format_estimate(exponent(by_length), 1, 2)
        rows.append([method, *values, k, str(THEORY[method])])
    return markdown_table(head, rows) + "\n"


def main(folder: Path) -> None:
    runtime.setup()
    own = store.cells_folder(folder).is_dir()
    results = store.read_all(folder if own else shipped_folder("dagger"))
    folder.mkdir(parents=True, exist_ok=True)
    found = {method: regrets(results, method) for method in THEORY}
    for path in draw(found, folder / "compounding"):
        print(f"written: {path}")
    path = folder / "compounding.md"
    with files.atomic_write(path) as temporary:
        temporary.write_text(table(found), encoding="utf-8")
    print(f"written: {path}\n\n{table(found)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/dagger"))
