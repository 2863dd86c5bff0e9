"""The reference of the command line, out of the help texts."""

from __future__ import annotations

import contextlib
import io
import os
import typing
from collections.abc import Iterator, Sequence
from unittest import mock

from imitbench.cli import main as cli

WIDTH = 84  # columns of a help text


def names() -> list[str]:
    """The commands, in the order of the help text."""
    return [_name(command) for command in typing.get_args(cli.Command)]


def help_text(words: Sequence[str]) -> str:
    """The help text of a command."""
    out = io.StringIO()
    size = os.terminal_size((WIDTH, 40))
    columns = {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}
    with (
        mock.patch.dict(os.environ, columns),
        mock.patch("shutil.get_terminal_size", return_value=size),
        contextlib.redirect_stdout(out),
        contextlib.suppress(SystemExit),
    ):
        cli.main([*words, "--help"])
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def reference() -> str:
    """A section for each command."""
    return "\n\n".join(_sections())


def _sections() -> Iterator[str]:
    for command in typing.get_args(cli.Command):
        name = _name(command)
        yield f"## `imitbench {name}`\n\n```text\n{help_text([name])}\n```"
        for inner in _subcommands(command):
            yield (f"### `imitbench {name} {inner}`\n\n```text\n{help_text([name, inner])}\n```")


def _name(command: typing.Any) -> str:
    return next(m.name for m in command.__metadata__ if getattr(m, "name", None))


def _subcommands(command: typing.Any) -> list[str]:
    hints = typing.get_type_hints(typing.get_args(command)[0], include_extras=True)
    found = []
    for hint in hints.values():
        for option in typing.get_args(typing.get_args(hint)[0]) if typing.get_args(hint) else ():
            if hasattr(option, "__metadata__") and any(
                getattr(m, "name", None) for m in option.__metadata__
            ):
                found.append(_name(option))
    return found
