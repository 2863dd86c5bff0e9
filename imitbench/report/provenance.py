"""What a report says of cells beyond their table: what they ran on, and what to mistrust."""

from __future__ import annotations

from collections.abc import Sequence

from imitbench.experts import reference_scores
from imitbench.results import comparability, stats, tables
from imitbench.results.formatting import format_estimate
from imitbench.results.sections import Section
from imitbench.results.store import Result

COLUMNS = (
    "Task", "Demos", "Expert", "Method", "Engine", "Device", "Environment digest", "Seeds",
    "Evaluations", "Episodes", "Wall s", "Train s", "Compile s", "Evaluate s", "Finished (UTC)",
    "Commit",
)  # fmt: skip
PLACE = COLUMNS[:4]  # what both tables begin with


def scores(results: Sequence[Result]) -> list[dict[str, str]]:
    """`tables.cells` with the normalised score, where a task has reference scores, and without
    what `ran` says."""
    out = []
    for line, r in zip(tables.table_rows(results), results, strict=True):
        task, text = r.identity["task"], "-"
        if task in reference_scores.table():
            text = format_estimate(stats.estimate(r.score("return")), 1, 2)
        new = {}
        for name, value in line.items():
            if name in PLACE or name not in COLUMNS:
                new[name] = value
            if name == "Return":
                new["Normalised"] = text
        out.append(new)
    said = any(line["Normalised"] != "-" for line in out)
    return out if said else [{k: v for k, v in x.items() if k != "Normalised"} for x in out]


def provenance_table(results: Sequence[Result]) -> Section:
    """Where each cell ran, on what, and for how long."""
    rows = []
    for r in results:
        i, seconds = r.identity, r.info["seconds"]
        seeds = i["seeds"]
        whole = seeds == list(range(seeds[0], seeds[0] + len(seeds))) and len(seeds) > 1
        times = (sum(seconds.values()), *(seconds[k] for k in ("train", "compile", "evaluate")))
        rows.append(
            [i["task"], str(i["demos"]), r.expert or "-", i["label"], r.info["engine"],
             r.info["device"], r.info["environment_digest"],
             f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds)),
             str(i["num_evals"]), str(i["eval_episodes"]), *(f"{x:.1f}" for x in times),
             r.info["finished_at"][:16].replace("T", " "), (r.info["git_commit"] or "-")[:10]]
        )  # fmt: skip
    about = (
        "Wall time is the sum of training, compilation and evaluation of all seeds; episodes are "
        "those of one evaluation and seed."
    )
    return Section(about, COLUMNS, rows)


def warnings(results: Sequence[Result]) -> list[str]:
    """What to mistrust in the comparisons of these cells: one line each."""
    first: dict[str, Result] = {}
    found = []
    for r in results:
        task = r.identity["task"]
        one = first.setdefault(task, r)
        found += [f"{task}: {line}" for line in comparability.physics_differences(one, r)]
    devices = {r.info["device"] for r in results}
    versions_ = {f"versions of {k}": v for k, v in versions(results).items()}
    for what, values in ({"devices": devices} | versions_).items():
        if len(values) > 1:
            names = ", ".join(sorted(map(str, values)))
            found.append(f"the cells ran with different {what} ({names})")
    return list(dict.fromkeys(found))


def versions(results: Sequence[Result]) -> dict[str, set[str | None]]:
    """The versions of each package that the cells ran with; None where it was not installed."""
    names = sorted({k for r in results for k in r.info["versions"]})
    return {k: {r.info["versions"].get(k) for r in results} for k in names}
