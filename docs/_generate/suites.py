"""The pages of the suites: question, figures, verdicts, shipped table, settings and cost."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from docs._generate import quoted, settings, sources
from imitbench import algos
from imitbench.core.config import config_dict
from imitbench.results.tables import sections
from imitbench.suites.registry import SUITES, load_suite, suite_names

FIGURES = {
    "budget": "Scores against the number of demonstrations",
    "scores": "Scores of the cells that were evaluated once",
    "curves": "Learning curves",
    "values": "Estimated values against realised discounted returns",
    "diagnostics": "Value, self-correction and model error of one seed (`make pictures-vins`)",
    "compounding": "Regret against the length of an episode (`make compounding`)",
}
# Sentences before the tables that `imitbench table` puts below the first one.
SECTIONS = {"Beside published returns": "Published returns", "Beside the published": "Published"}


def names() -> list[str]:
    """The suites in the order of the registry."""
    return list(SUITES)


@functools.cache
def verdict_counts(suite: str) -> dict[str, int]:
    """In how many places a suite's claims got each verdict."""
    return sources.verdict_counts(sources.judgements(suite))


def overview(link: str = "{}.md") -> str:
    """The table of all suites. `link`: the page of a suite, with {} for its name."""
    head = ("Suite", "Question", "Cells (smoke, cpu, full)", "Shipped cells", "Hours", "Verdicts")
    rows = []
    for name in names():
        suite = load_suite(name)
        sizes = ", ".join(str(len(cells)) for cells in suite.profiles.values())
        results = sources.shipped_results(name)
        counts = verdict_counts(name) if results else {}
        rows.append(
            (
                f"[`{name}`]({link.format(name)})",
                suite.about,
                sizes,
                str(len(results)) if results else "-",
                f"{_hours(results):.1f}" if results else "-",
                sources.in_words(counts),
            )
        )
    return sources.table(head, rows)


def verdicts(link: str) -> str:
    """The table of the suites with claims, and in how many places each verdict was given."""
    rows = []
    for name in names():
        counts = verdict_counts(name) if sources.shipped_results(name) else {}
        if counts:
            numbers = (str(counts.get(v, "-")) for v in sections.VERDICTS[:3])
            rows.append((f"[`{name}`]({link.format(name)})", load_suite(name).about, *numbers))
    head = ("Suite", "Question", *(v.capitalize() for v in sections.VERDICTS[:3]))
    return sources.table(head, rows)


def figures(suite: str) -> list[Path]:
    """The shipped figures of a suite, as PNG files."""
    order = [*FIGURES]
    found = sorted((sources.SHIPPED / suite).glob("*.png"))
    return sorted(found, key=lambda p: order.index(p.stem) if p.stem in order else len(order))


def page(name: str) -> str:
    """The page of a suite, in Markdown."""
    suite = load_suite(name)
    results, note = sources.shipped_results(name), quoted.note("suites", name)
    docs = sources.module_docstring(f"imitbench.suites.{name}")
    parts = [
        f"# `{name}`",
        "## Question",
        suite.about,
        sources.linked(docs),
        "## How to run it",
        f"```bash\nimitbench run {name}\nimitbench run {name} --profile smoke   # seconds\n```",
        _profiles(name),
    ]
    if results:
        parts += [
            "## Reading the results" if note else "",
            note,
            *_figures(name),
            _verdicts(name),
            _table(name),
            "## Settings",
            _settings(name),
            "## Cost",
            _cost(results),
        ]
    else:
        parts += [note, "No results of this suite have shipped."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _profiles(name: str) -> str:
    rows = []
    for profile, cells in load_suite(name).profiles.items():
        tasks = ", ".join(dict.fromkeys(c.task for c in cells))
        seeds = sorted({c.seeds for c in cells})
        rows.append((profile, str(len(cells)), tasks, ", ".join(map(str, seeds))))
    return sources.table(("Profile", "Cells", "Tasks", "Seeds of a cell"), rows)


def _figures(name: str) -> list[str]:
    parts = ["## Figures"]
    for path in figures(name):
        caption = FIGURES.get(path.stem, path.stem.replace("_", " ").capitalize())
        image = f"![{caption} of the suite {name}]({name}/{path.name})"
        vector = path.with_suffix(".svg")
        parts.append(f"[{image}]({name}/{vector.name})" if vector.exists() else image)
        parts.append(f"*{caption}.*")
    return parts if len(parts) > 1 else []


def _verdicts(name: str) -> str:
    counts = verdict_counts(name)
    if not counts:
        return ""
    listed = sources.table(
        tuple(v.capitalize() for v in counts), [[str(n) for n in counts.values()]]
    )
    return (
        "## Verdicts\n\nThe claims of the literature, each judged at every place (task, number of "
        f"demonstrations, expert) that it is about:\n\n{listed}\n\n`imitbench verify {name}` "
        "prints them; the table below lists them."
    )


def _table(name: str) -> str:
    """The shipped table, with a heading before each of its parts."""
    text = (sources.SHIPPED / name / "table.md").read_text(encoding="utf-8").strip()
    text = re.sub(r"^(Beside .*)$", r"## Published numbers\n\n\1", text, flags=re.M)
    text = re.sub(r"^(Claims, .*)$", r"## Claims\n\n\1", text, flags=re.M)
    extra = sources.SHIPPED / name / "compounding.md"
    if extra.exists():
        fits = extra.read_text(encoding="utf-8").strip()
        text += f"\n\n## Regret and the length of an episode\n\n{fits}"
    return f"## Table\n\n{sources.linked(text)}"


def _settings(name: str) -> str:
    """For each label the settings that differ from the method's defaults."""
    tried = load_suite(name).trials
    chosen: dict[tuple[str, str, str], list[str]] = {}
    for result in sources.shipped_results(name):
        i = result.identity
        words = _differences(i["method"], i["config"])
        place = f"{i['task']} {i['demos']}"
        chosen.setdefault((i["label"], i["method"], words), []).append(place)
    several = {label for label, *_ in chosen if [k[0] for k in chosen].count(label) > 1}
    rows = []
    for (label, method, words), places in chosen.items():
        where = ", ".join(dict.fromkeys(places)) if label in several else "all"
        link = f"[`{method}`](../methods/{method}.md)" if method in algos.ALGOS else method
        rows.append((f"`{label}`", link, where, words, str(tried.get(label, 0))))
    head = ("Label", "Method", "Where", "Settings other than the defaults", "Settings tried")
    return (
        "The last column counts the settings that were tried on validation seeds, for each task "
        "and expert.\n\n" + sources.table(head, rows)
    )


def _differences(method: str, config: dict[str, Any]) -> str:
    if method not in algos.ALGOS:
        return "unknown: the method is not in the registry"
    defaults = json.loads(json.dumps(config_dict(algos.ALGOS[method].Config())))
    own = settings.flat(defaults)
    words = [
        f"`{name}={','.join(map(str, value)) if isinstance(value, list) else value}`"
        for name, value in settings.flat(config).items()
        if own.get(name) != value
    ]
    return ", ".join(words) or "none"


def _hours(results: Any) -> float:
    return sum(sum(r.info["seconds"].values()) for r in results) / 3600


def _cost(results: Any) -> str:
    seconds = {
        part: sum(r.info["seconds"].get(part, 0.0) for r in results)
        for part in ("compile", "train", "evaluate")
    }
    steps = {
        name: sum(int(r.curve[name].max()) * len(r.identity["seeds"]) for r in results)
        for name in ("env_steps", "expert_queries", "grad_steps")
    }
    devices = ", ".join(sorted({r.info["device"] for r in results}))
    rows = [(f"Hours to {part}", f"{s / 3600:.2f}") for part, s in seconds.items()]
    rows += [(name.replace("_", " ").capitalize(), f"{n:,}") for name, n in steps.items()]
    rows.append(("Device", devices))
    return (
        "The sum over all cells and seeds. Where other work ran on the machine, the times are "
        "upper bounds, so take no speeds from them; [Performance](../performance/README.md) has "
        "measured speeds.\n\n" + sources.table(("Cost", "Sum"), rows)
    )


def suite_pages() -> dict[str, str]:
    """All pages by their path below docs/."""
    assert set(names()) == set(suite_names())
    return {f"suites/{name}.md": page(name) for name in names()}
