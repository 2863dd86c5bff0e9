"""Tables of finished cells: CSV for programs, Markdown and text for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from imitbench.results import claims, published_numbers, stats, store
from imitbench.results.store import Result
from imitbench.suites import published
from imitbench.suites.registry import load_suite, suite_names
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write

MEASURES = ("success_any", "success_final", "return")
OPTIONAL = ("Demos", "Success any, %", "Success final, %", "Expert queries", "Environment steps")


def summary(results: Sequence[Result]) -> pd.DataFrame:
    """One row for each cell: identity, sizes, costs, and estimates over seeds.

    It depends on the results alone, not on how long they took.
    """
    rows = []
    for r in results:
        i = r.identity
        row = {
            "suite": i["suite"],
            "profile": i["profile"],
            "task": i["task"],
            "demos": i["demos"],
            "expert": r.expert,
            "method": i["label"],
            "seeds": len(i["seeds"]),
            "episodes_per_seed": i["eval_episodes"],
            "engine": r.info["engine"],
            "environment_digest": r.info["environment_digest"],
            "diverged_seeds": " ".join(map(str, r.info["diverged_seeds"])),
        }
        row |= {k: int(r.curve[k].to_numpy().max()) for k in store.COSTS}
        for m in MEASURES:
            scores = r.final(m)
            est = stats.estimate(scores)
            row |= {m: est.value, f"{m}_low": est.low, f"{m}_high": est.high}
            row |= {f"{m}_iqm": float(stats.iqm(scores)), f"{m}_se": stats.standard_error(scores)}
        d = r.info["demonstrations"] or {}  # none where the method learns without
        row |= {f"expert_{k}": d.get(k) for k in ("success_any", "success_final", "mean_return")}
        rows.append(row)
    return pd.DataFrame(rows)


def _interval(row: dict[str, Any], measure: str, scale: float, digits: int) -> str:
    est = stats.Estimate(*(float(row[measure + x]) for x in ("", "_low", "_high")))
    return numbers(est, scale, digits)


def numbers(est: stats.Estimate, scale: float, digits: int, sign: str = "") -> str:
    """The value and its interval, which one seed does not have."""
    value, low, high = (f"{scale * x:{sign}.{digits}f}" for x in est)
    return value if math.isnan(est.low) else f"{value} [{low}, {high}]"


def cells(results: Sequence[Result]) -> list[dict[str, str]]:
    """The table for people, as text. Columns that say nothing about any cell are left out."""
    frame = summary(results)
    out = []
    for row, r in zip(frame.to_dict("records"), results, strict=True):
        solved = r.info["has_success"]
        line = {
            "Task": str(row["task"]),
            "Demos": str(row["demos"]),
            "Expert": r.expert or "-",
            "Method": str(row["method"]),
            "Success any, %": _interval(row, "success_any", 100, 1) if solved else "-",
            "Success final, %": _interval(row, "success_final", 100, 1) if solved else "-",
            "Return": _interval(row, "return", 1, 1),
            "Seeds x episodes": f"{row['seeds']} x {row['episodes_per_seed']}",
            "Expert queries": f"{r.info['demo_steps'] + row['expert_queries']:,}",
            "Environment steps": f"{row['env_steps']:,}",
            "Gradient steps": f"{row['grad_steps']:,}",
            "Train s": f"{r.info['seconds']['train']:.1f}",
            "Compile s": f"{r.info['seconds']['compile']:.1f}",
            "Engine": str(row["engine"]),
        }
        if r.info["diverged_seeds"]:
            names = ", ".join(map(str, r.info["diverged_seeds"]))
            line["Method"] += f" (seed {names} diverged, counted as failed)"
        out.append(line)
    empty = {k for k in OPTIONAL if all(line[k] in ("-", "0") for line in out)}
    if len({line["Expert"] for line in out}) == 1:
        empty.add("Expert")
    return [{k: v for k, v in line.items() if k not in empty} for line in out]


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    text = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(text + ["| " + " | ".join(row) + " |" for row in rows])


def markdown(results: Sequence[Result]) -> str:
    """The table with a caption that says what the numbers are."""
    lines = cells(results)
    text = grid(list(lines[0]), [list(x.values()) for x in lines])
    text += f"\n\n{caption(results, lines)}\n"
    for s in (published_returns(results), published_rates(results), claims_section(results)):
        text += f"\n{s.about}\n\n{grid(s.head, s.rows)}\n" if s.rows else ""
    return text


def caption(results: Sequence[Result], lines: Sequence[dict[str, str]]) -> str:
    """What the numbers of `cells` are, as Markdown."""
    devices = sorted({r.info["device"] for r in results})
    profile = results[0].identity["profile"]
    text = "Mean over training seeds with its 95% bootstrap interval, at the last evaluation. "
    if "Success any, %" in lines[0]:
        text += "*any*: the goal was reached at some step; *final*: at the last one. "
    if "Expert queries" in lines[0]:
        text += "Expert queries count the demonstrations' steps. "
    text += f"Profile {profile}. Device: {'; '.join(devices)}."
    return text + trials_sentence(results) + engines_sentence(results)


def trials_sentence(results: Sequence[Result]) -> str:
    """A sentence about how settings were chosen; empty for suites of somebody's own."""
    name = results[0].identity["suite"]
    if name not in suite_names():
        return ""
    trials = load_suite(name).trials
    labels = dict.fromkeys(r.identity["label"] for r in results)
    some = ", ".join(f"{x} {trials[x]}" for x in labels if trials.get(x))
    rest = "; others none" if any(not trials.get(x) for x in labels) else ""
    place = " for each task and expert" if some else ""
    return f" Settings tried on validation seeds{place}: {some + rest if some else 'none'}."


def engines_sentence(results: Sequence[Result]) -> str:
    """A sentence for each task whose cells ran in several engines; empty where there is none."""
    found = ""
    for task in dict.fromkeys(r.identity["task"] for r in results):
        engines = sorted({r.info["engine"] for r in results if r.identity["task"] == task})
        if len(engines) > 1:
            found += (
                f" {task} ran in several engines ({', '.join(engines)}), whose physics are not the "
                "same: compare cells of one engine only."
            )
    return found


class Section(NamedTuple):
    """A table about a whole suite, in Markdown; without rows where the suite has no such thing."""

    about: str
    head: Sequence[str]
    rows: list[list[str]]


def published_returns(results: Sequence[Result]) -> Section:
    """Published returns beside ours at the same step."""
    rows = []
    for p in published.returns_of(results[0].identity["suite"]):
        ours = published_numbers.our_return(p, results)
        if ours is not None:
            here = numbers(ours, 1, 0)
            line = [p.task, p.method, f"{p.env_steps:,}", here, f"{p.value:.0f} {p.spread}"]
            rows.append([*line, f"[{p.source}]({p.url})"])
    head = ["Task", "Method", "Environment steps", "Return here", "Return published", "Source"]
    about = (
        "Beside published returns after the same number of environment steps (here between "
        "evaluations along a straight line):"
    )
    return Section(about, head, rows)


def published_rates(results: Sequence[Result]) -> Section:
    """Published success rates beside ours."""
    found, source = published.rates_of(results[0].identity["suite"])
    rows = []
    for rate in found:
        for r in results:
            i = r.identity
            if (i["task"], i["demos"], i["label"]) != (rate.task, rate.demos, rate.method):
                continue
            ours = stats.estimate(r.final("success_any"))
            here = numbers(ours, 100, 1)
            theirs = f"{rate.value:.1f} ± {rate.error:.1f}"
            rows.append([rate.task, str(rate.demos), rate.method, r.expert, here, theirs])
    head = ["Task", "Demos", "Method", "Expert here", "Any here, %", "Any published, %"]
    return Section(f"Beside the published rates ({source}):", head, rows)


def claims_section(results: Sequence[Result]) -> Section:
    """The literature's claims judged on these cells.

    Raises:
        UserError: cells that are compared differ in engine, environment or seeds.
    """
    judged = claims.judge(published.claims_of(results[0].identity["suite"]), results)
    rows = [claim_row(j) for j in judged if j.verdict != "no results"]
    text = (
        "Claims, judged by the difference seed by seed and its 95% bootstrap interval (points of "
        "success, else returns): reproduced where the interval lies above the margin, not "
        "reproduced where it lies below."
    )
    if len(rows) < len(judged):
        text += f" {len(judged) - len(rows)} more are not judged: their cells have not been run."
    return Section(text, CLAIM_HEAD, rows)


CLAIM_HEAD = ("Claim", "Where", "Lead", "P(better)", "Seeds x episodes", "Verdict", "Source")


def claim_row(j: claims.Judgement) -> list[str]:
    """A judgement as text, under `CLAIM_HEAD`."""
    c, verdict = j.claim, j.verdict
    if verdict == "undecided" and (needed := claims.seeds_to_decide(j)):
        verdict = f"undecided (about {needed:,} seeds would decide)"
    scale = 100 if c.measure.startswith("success") else 1  # points, or the measure's own units
    lead = numbers(j.lead, scale, 1, sign="+")
    lead += f"; margin {scale * c.margin:+g}" if c.margin else ""
    chance = "-" if math.isnan(j.chance) else f"{j.chance:.2f}"
    return [c.text, j.place, lead, chance, f"{j.seeds} x {j.episodes}", verdict, c.source]


def verdicts(suites: Mapping[str, Sequence[Result]]) -> str:
    """A line for each claim about these suites: in how many places it was judged how."""
    rows = []
    for name, results in suites.items():
        by_text: dict[str, list[claims.Judgement]] = {}
        for j in claims.judge(published.claims_of(name), results):
            by_text.setdefault(j.claim.text, []).append(j)
        for text, found in by_text.items():
            counts = [sum(j.verdict == v for j in found) for v in VERDICTS]
            rows.append([name, text, *(str(n) if n else "-" for n in counts)])
    return grid(("Suite", "Claim", *(v.capitalize() for v in VERDICTS)), rows) + "\n"


VERDICTS = ("reproduced", "not reproduced", "undecided", "no results")


def derive(root: Path) -> list[Result]:
    """Writes `summary.csv` and `table.md` of all finished cells below `root`.

    Raises:
        UserError: there are none, or cells of one task ran in environments that differ.
    """
    results = store.read_all(root)
    if not results:
        raise UserError(f"no finished cells in {root}: run the suite first")
    for task in {r.identity["task"] for r in results}:
        digests = {
            (r.info["engine"], r.info["environment_digest"])
            for r in results
            if r.identity["task"] == task
        }
        if len({d for _, d in digests}) > len({e for e, _ in digests}):
            raise UserError(
                f"{root}: the cells of {task} ran in environments that behave differently "
                f"(digests {', '.join(sorted(d for _, d in digests))}): run the older ones again"
            )
    with atomic_write(root / "summary.csv") as path:
        summary(results).to_csv(path, index=False, float_format="%.6g")
    with atomic_write(root / "table.md") as path:
        path.write_text(markdown(results))
    return results
