"""May two cells be compared?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imitbench.results.store import Result


def differences(a: Result, b: Result) -> tuple[str, ...]:
    """In what two cells differ beside the method, one line for each."""
    i, j = a.identity, b.identity
    rows: list[tuple[str, Any, Any, str]] = [
        (
            "episodes of an evaluation",
            i["eval_episodes"],
            j["eval_episodes"],
            "they met other initial states",
        ),
        (
            "uses for choosing settings",
            i.get("validation", False),
            j.get("validation", False),
            "they met other initial states",
        ),
    ]
    if i["demos"] and j["demos"]:
        both = i["source"], j["source"]
        rows += [
            (
                f"{key} of the demonstrations",
                *(x.get(key) for x in both),
                "they learned from others",
            )
            for key in sorted(set(both[0]) | set(both[1]))
        ]
    return physics_differences(a, b) + _differing(rows)


def physics_differences(a: Result, b: Result) -> tuple[str, ...]:
    """In what the environments of two cells of one task differ, one line for each."""
    whys = {
        "engine": "the physics are not the same",
        "environment_digest": "the task behaves differently; run the older one again",
    }
    rows = [(f"{k.replace('_', ' ')}s", a.info[k], b.info[k], so) for k, so in whys.items()]
    return _differing(rows)


def _differing(rows: Sequence[tuple[str, Any, Any, str]]) -> tuple[str, ...]:
    return tuple(f"{what} differ ({x}, {y}): {so}" for what, x, y, so in rows if x != y)
