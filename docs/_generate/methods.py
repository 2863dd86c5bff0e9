"""The pages of the methods: one for each entry of the registry, and the table of all."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from typing import Any, NamedTuple

from docs._generate import quoted, settings, sources
from imitbench import algos, envs, experts
from imitbench.core.types import Cost

COST_TASK = "ProbeGoal"  # a task on which every method can be built
SUBJECTS = ("environment steps", "expert queries", "gradient steps")


SECTIONS = {  # of a docstring, by the words that they begin with
    "Source:": "Source",
    "Different from the source:": "Differences from the source",
    "Use it ": "When to use it",
    "Sensitive to:": "Sensitivity",
}


class Method(NamedTuple):
    """What the pages say of a method."""

    name: str
    module: str
    title: str  # the first sentence of its docstring
    about: str  # what follows it
    sections: dict[str, str]  # of docstring and note, by their headings


@functools.cache
def method(name: str) -> Method:
    """A method of the registry."""
    module = algos.ALGOS[name].__name__
    about, sections = split(importlib.import_module(module).__doc__ or "")
    title = sources.first_sentence(about)
    for heading, text in note_sections(name).items():
        sections[heading] = "\n\n".join(filter(None, (sections.get(heading), text)))
    sections.setdefault("Source", "That of the methods named above.")
    about = sources.as_markdown(about).removeprefix(title).strip()
    return Method(name, module, title, about, sections)


def split(docstring: str) -> tuple[str, dict[str, str]]:
    """A docstring without its sections, and the sections in Markdown by their headings."""
    starts = "|".join(map(re.escape, SECTIONS))
    about, *parts = re.split(rf"^(?={starts})", inspect.cleandoc(docstring), flags=re.MULTILINE)
    sections = {}
    for part in parts:
        start = next(s for s in SECTIONS if part.startswith(s))
        # The heading says these words already.
        text = part.removeprefix(start) if "ource:" in start else part
        text = text.lstrip()
        sections[SECTIONS[start]] = sources.as_markdown(text[:1].upper() + text[1:])
    return about, sections


def note_sections(name: str) -> dict[str, str]:
    """The sections of the hand-written note about a method, by their headings."""
    _, *parts = re.split(r"^## ", quoted.note("methods", name), flags=re.MULTILINE)
    found = (part.partition("\n") for part in parts)
    return {heading: text.strip() for heading, _, text in found}


def families() -> dict[str, list[str]]:
    """The names of the methods by the title of their family, in the order of the registry."""
    titles = list(algos.FAMILIES.values())
    return {title: [n for n in algos.ALGOS if algos.family(n) == title] for title in titles}


def uses(name: str) -> dict[str, bool]:
    """What a method learns from and what it may touch."""
    traits, needs = algos.traits(name), algos.needs(name)
    return {
        "demonstrations": traits.needs_demos,
        "extra data": traits.uses_extra,
        "rewards of the demonstrations": traits.needs_rewards,
        "environment": "env" in needs,
        "expert": "expert" in needs,
    }


def overview(link: str = "{}.md") -> str:
    """A table of methods for each family. `link`: the page of a method, with {} for its name."""
    head = (
        "Method", "Summary", "Demonstrations", "Extra data", "Rewards", "Environment", "Expert"
    )  # fmt: skip
    parts = []
    for family, names in families().items():
        rows = []
        for name in names:
            marks = ("yes" if used else "-" for used in uses(name).values())
            title = method(name).title.rstrip(".:")
            rows.append((f"[`{name}`]({link.format(name)})", title, *marks))
        parts += [f"## {family}", sources.table(head, rows)]
    return "\n\n".join(parts)


def cost(name: str, task: str = COST_TASK) -> Cost:
    """What one update costs with the default settings."""
    env, expert = envs.make(task), experts.load_actor(task)
    config = algos.ALGOS[name].Config()
    return algos.build(name, config, env.spec, env, expert).cost


def page(name: str) -> str:
    """The page of a method, in Markdown."""
    m = method(name)
    parts = [f"# `{name}`", m.title, m.about, _facts(m)]
    order = [*SECTIONS.values(), *(h for h in m.sections if h not in SECTIONS.values())]
    for heading in order:
        if heading in m.sections:
            parts += [f"## {heading}", m.sections[heading]]
    parts = [sources.linked(part) for part in parts]
    generated = {
        "Cost of an update": _cost,
        "How to run it": _commands,
        "Settings": _settings,
        "Shipped results": _cells,
    }
    for heading, make in generated.items():
        parts += [f"## {heading}", make(name)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(m: Method) -> str:
    used = [what for what, yes in uses(m.name).items() if yes] or ["environment"]
    rows = [
        ("Learns from", ", ".join(used)),
        ("Version of its numbers", str(algos.traits(m.name).version)),
        ("Source file", f"`{m.module.replace('.', '/')}.py`"),
    ]
    return sources.table(("Property", "Value"), rows)


def _cost(name: str) -> str:
    spent = cost(name)
    counts = (spent.env_steps, spent.expert_queries, spent.grad_steps)
    horizon = envs.make(COST_TASK).spec.horizon
    text = (
        f"One update with the default settings on `{COST_TASK}`, whose episodes have {horizon} "
        "steps:\n\n" + sources.table(SUBJECTS, [[f"{n:,}" for n in counts]])
    )
    if spent.grad_step_offset > 0:
        text += (
            f"\n\nThe first updates only collect steps: {spent.grad_step_offset:,} gradient steps "
            "are left out in total."
        )
    if spent.grad_step_offset < 0:
        text += f"\n\n{-spent.grad_step_offset:,} gradient steps come before the first update."
    return text


def _commands(name: str) -> str:
    has_demos, online = uses(name)["demonstrations"], "env" in algos.needs(name)
    task = _task(name)
    words = ["imitbench train", name, f"--task {task}"]
    words += ["--demos 25"] * has_demos + ["--extra-demos 25"] * uses(name)["extra data"]
    spent = cost(name, task)
    # Rounds of whole episodes cost environment steps in proportion to the task's horizon.
    by_steps = online and not spent.expert_queries and spent.env_steps > 0
    unit = (spent.env_steps if by_steps else spent.grad_steps) * 5
    budget = unit * max(1, round((100_000 if by_steps else 10_000) / unit))
    words.append(f"--{'env' if by_steps else 'grad'}-steps {budget}")
    return f"```bash\n{' '.join(words)}\nimitbench config {name}   # its settings\n```"


def _task(name: str) -> str:
    """A task that the method's default settings suit."""
    if algos.family(name) == algos.FAMILIES["goal"]:
        return "FetchPush"
    if algos.family(name) == algos.FAMILIES["model_based"] and not algos.traits(name).needs_demos:
        return "HalfCheetah-known-reward"
    config, hindsight = algos.ALGOS[name].Config(), "replay.her"
    defaults = {s.name: s.default for group in settings.groups(config) for s in group.settings}
    rewarded = algos.traits(name).needs_rewards or not algos.traits(name).needs_demos
    return "Hopper" if rewarded and defaults.get(hindsight, "0") == "0" else "FetchPush"


def _settings(name: str) -> str:
    text = "`--set NAME=VALUE` on the command line takes these names.\n"
    for group in settings.groups(algos.ALGOS[name].Config()):
        if not group.settings:
            continue
        if group.prefix:
            text += f"\n### `{group.prefix}`\n\n{group.about}\n"
        rows = [(f"`{s.name}`", f"`{s.default}`", s.kind, s.meaning) for s in group.settings]
        text += "\n" + sources.table(("Setting", "Default", "Type", "Meaning"), rows) + "\n"
    return text.rstrip()


def _cells(name: str) -> str:
    rows = []
    for suite, row, result in sources.results_of_method(name):
        solved = result.info["has_success"]
        rows.append(
            (
                f"[{suite}](../suites/{suite}.md)",
                str(row["task"]),
                str(row["demos"]),
                result.expert or "-",
                f"`{row['method']}`" + (f" ({old})" if (old := result.old_version) else ""),
                sources.interval(row, "success_final", 100) if solved else "-",
                sources.interval(row, "return"),
                f"{row['seeds']} x {row['episodes_per_seed']}",
                _budget(row),
            )
        )
    if not rows:
        return "No shipped suite has a cell of this method."
    head = (
        "Suite", "Task", "Demonstrations", "Expert", "Label", "Success at the last step, %",
        "Return", "Seeds x episodes", "Budget",
    )  # fmt: skip
    about = "Means over training seeds with 95% intervals, at the last evaluation."
    return f"{about}\n\n{sources.table(head, rows)}"


def _budget(row: dict[str, Any]) -> str:
    steps = {name: int(row[name]) for name in ("env_steps", "grad_steps")}
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in steps.items() if n)
