"""The model card of a cell's policies: what they are, how good they are, and how to use them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from imitbench import algos
from imitbench.core.config import config_dict
from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.results.cells.policy_files import PolicyCard
from imitbench.results.tables.formatting import format_estimate, markdown_table

FOLDER = "path/to"  # of a cell, in the commands


def model_card(r: Result, card: PolicyCard) -> str:
    """Writes the model card.

    Args:
        r: the cell, finished.
        card: of its policies.

    Returns:
        A page in Markdown.
    """
    i, info = r.identity, r.info
    versions = {k: v for k, v in info["versions"].items() if v is not None}
    sections = {
        f"{i['label']} on {i['task']}": markdown_table(("", ""), _rows(r, card)),
        "Score": _score(r),
        "Settings that are not the defaults": _settings(i["method"], card.config),
        "How to load": _commands(r, card),
        "Versions": ", ".join(f"{name} {v}" for name, v in versions.items())
        + f". Source tree: {info['git_commit'] or 'not a git repository'}.",
        "Files": markdown_table(
            ("File", "sha256"),
            [(f"seed-{s}.safetensors", card.sha256[s]) for s in sorted(card.sha256, key=int)],
        ),
    }
    (title, first), *others = sections.items()
    return "\n\n".join([f"# {title}", first, *(f"## {k}\n\n{v}" for k, v in others)]) + "\n"


def _rows(r: Result, card: PolicyCard) -> Iterator[tuple[str, str]]:
    i, info = r.identity, r.info
    yield "Task", f"{i['task']}, engine {info['engine']}"
    yield "Digest of the environment", info["environment_digest"]
    parts = [f"{name} [{begin}:{end}]" for name, (begin, end) in (card.fields or {}).items()]
    yield "Observation", f"{card.obs_size} numbers: {', '.join(parts)}"
    yield "Action", _action(card)
    yield "Demonstrations", _demonstrations(r)
    yield "Method", f"{i['method']}, version {card.version}"
    yield "Budget of each seed", _budget(r)
    yield "Normaliser of observations", _normaliser(card)
    yield "Finished", info["finished_at"]


def _action(card: PolicyCard) -> str:
    if card.discrete:
        return f"one of {card.action_size} choices"
    numbers = f"{card.action_size} numbers in [-1, 1]"
    if not card.action_bounds:
        return numbers
    equal = all(len(set(row)) == 1 for row in card.action_bounds)
    low, high = (
        ", ".join(f"{x:g}" for x in (row[:1] if equal else row)) for row in card.action_bounds
    )
    original = "the same" if (low, high) == ("-1", "1") else f"from {low} to {high}"
    return f"{numbers}; {original} in the original environment"


def _demonstrations(r: Result) -> str:
    if not r.info["demonstrations"]:
        return "none: it learns from the task's reward"
    count = f"{r.identity['demos']} episodes" if r.identity["demos"] else "all"
    steps = f" ({r.info['demo_steps']:,} steps)" if r.info["demo_steps"] else ""
    source = json.dumps(r.identity["source"])
    return f"{count} for each seed{steps}, of: {r.expert}; source {source}"


def _budget(r: Result) -> str:
    last = r.curve.loc[r.curve["evaluation"].idxmax()]
    names = {
        "env_steps": "environment steps",
        "expert_queries": "expert queries",
        "grad_steps": "gradient steps",
    }
    spent = [f"{int(last[k]):,} {words}" for k, words in names.items() if last[k]]
    return ", ".join(spent) or "none"


def _normaliser(card: PolicyCard) -> str:
    return f"the arrays {', '.join(card.normaliser)}" if card.normaliser else "none"


def _score(r: Result) -> str:
    """The measures at the last evaluation, with 95% intervals over seeds."""
    rates = ["success_final", "success_any"] if r.info["has_success"] else []
    rows = [
        (f"{m.replace('_', ' ')}, %", format_estimate(scores.estimate(r, m), 100, 1)) for m in rates
    ]
    rows.append(("return", format_estimate(scores.estimate(r, "return"), 1, 2)))
    seeds, episodes = len(r.identity["seeds"]), r.identity["eval_episodes"]
    about = (
        f"The last evaluation of {seeds} training seeds, {episodes} episodes each: mean over "
        + ("seeds and its 95% interval." if seeds > 1 else "one seed, which has no interval.")
    )
    if r.divergence:
        about += f" {r.divergence.capitalize()}."
    return f"{about}\n\n{markdown_table(('Measure', 'Mean'), rows)}"


def _settings(method: str, config: Mapping[str, Any]) -> str:
    defaults = dict(_flat(json.loads(json.dumps(config_dict(algos.ALGOS[method].Config())))))
    lines = [
        f"- `{name}`: `{json.dumps(value)}`, by default `{json.dumps(defaults.get(name))}`"
        for name, value in _flat(config)
        if name not in defaults or value != defaults[name]
    ]
    return "\n".join(lines) or "None."


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings by name, those of groups too."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _commands(r: Result, card: PolicyCard) -> str:
    seed, folder = min(card.sha256, key=int), f"{FOLDER}/{r.folder.name}"
    return f"""```python
import imitbench as ib

policy = ib.load_policy("{folder}", seed={seed})
action = policy(obs)
```

Or write it to a file that needs no imitbench, as StableHLO, ONNX or arrays for numpy:

```bash
imitbench export {folder} --seed-of-policy {seed} --format stablehlo
```"""
