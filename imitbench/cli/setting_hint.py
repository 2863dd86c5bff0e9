"""A hint where a setting of a method is given as an option: `--set lr=1e-3` for `--lr 1e-3`."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

from imitbench import algos
from imitbench.cli.train import Tune

COMMANDS = ("train", "tune")


def setting_hint(words: Sequence[str]) -> str:
    """What to write where settings of a method are given as options.

    Args:
        words: a command with its options, which did not parse.

    Returns:
        A line with the right options; empty where the command trains nothing, or no unknown option
        is a setting of the method.
    """
    method = next((word for word in words[1:] if word in algos.ALGOS), None)
    if not words or words[0] not in COMMANDS or method is None:
        return ""
    options = {field.name for field in dataclasses.fields(Tune)}
    config = algos.ALGOS[method].Config()
    found = []
    for i, word in enumerate(words):
        name, equals, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not word.startswith("--") or name in options:
            continue
        if not equals:
            values = itertools.takewhile(lambda x: not x.startswith("--"), words[i + 1 :])
            value = ",".join(values) or "true"
        if not _is_setting(config, name) and name.startswith("no_"):
            name, value = name.removeprefix("no_"), "false"
        if _is_setting(config, name):
            found.append(f"--set {name}={value}")
    return f"did you mean `{' '.join(found)}`?" if found else ""


def _is_setting(config: Any, name: str) -> bool:
    """Whether a config has a field of this name; those of groups have dots."""
    for part in name.split("."):
        if not dataclasses.is_dataclass(config):
            return False
        if part not in {field.name for field in dataclasses.fields(config)}:
            return False
        config = getattr(config, part)
    return not dataclasses.is_dataclass(config)
