"""Imitation-learning methods compared honestly and fast.

Start with `imitbench run quickstart`, or `imitbench train bc --task FetchReach`. `imitbench
--version` prints the version, `imitbench COMMAND --help` the options of a command.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Sequence
from typing import Annotated, TextIO

import tyro

import imitbench
from imitbench.cli import (
    claims,
    data,
    datasets,
    doctor,
    evaluate,
    export,
    lists,
    report,
    results,
    run,
    setting_hint,
    submit,
    train,
)
from imitbench.cli import experts as expert_commands
from imitbench.cli.options import join_help_lines
from imitbench.training import signals
from imitbench.utils import runtime
from imitbench.utils.errors import UserError, plain_errors

CLOSED_PIPE = 141  # the exit code that shells give to a process ended by SIGPIPE

Command = (
    Annotated[lists.List, tyro.conf.subcommand("list")]
    | Annotated[run.Run, tyro.conf.subcommand("run")]
    | Annotated[train.Train, tyro.conf.subcommand("train")]
    | Annotated[train.Tune, tyro.conf.subcommand("tune")]
    | Annotated[evaluate.Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[export.Export, tyro.conf.subcommand("export")]
    | Annotated[lists.Config, tyro.conf.subcommand("config")]
    | Annotated[data.Demos, tyro.conf.subcommand("demos")]
    | Annotated[datasets.Data, tyro.conf.subcommand("data")]
    | Annotated[expert_commands.Experts, tyro.conf.subcommand("experts")]
    | Annotated[results.TableOf, tyro.conf.subcommand("table")]
    | Annotated[results.Plot, tyro.conf.subcommand("plot")]
    | Annotated[results.Compare, tyro.conf.subcommand("compare")]
    | Annotated[results.Rank, tyro.conf.subcommand("rank")]
    | Annotated[claims.Verify, tyro.conf.subcommand("verify")]
    | Annotated[report.Report, tyro.conf.subcommand("report")]
    | Annotated[report.Ship, tyro.conf.subcommand("ship")]
    | Annotated[submit.Submit, tyro.conf.subcommand("submit")]
    | Annotated[doctor.Doctor, tyro.conf.subcommand("doctor")]
)
COMMANDS: tuple[type, ...] = (
    lists.List, run.Run, train.Train, train.Tune, evaluate.Evaluate, export.Export, lists.Config,
    data.Demos, datasets.Info, datasets.Check, datasets.Convert, datasets.Slice, datasets.Merge,
    expert_commands.ListExperts, expert_commands.ShowExpert, expert_commands.TrainExperts,
    expert_commands.ScoreExperts, results.TableOf, results.Plot, results.Compare, results.Rank,
    claims.Verify, report.Report, report.Ship, submit.Submit, doctor.Doctor,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the words after `imitbench`; by default those of the process.

    Returns:
        The exit code. 0: done. 1: a claim was not reproduced, a submission differs, a data set has
        errors, or this machine's physics differ from those of the shipped results. 2: a mistake in
        the request. 130, 143: stopped by SIGINT, SIGTERM. 141: whoever read the output closed the
        pipe.

    Raises:
        SystemExit: after a help text, and for a request that does not parse.
    """
    try:
        try:
            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, io.TextIOWrapper):  # this flushes it
                    stream.reconfigure(errors="replace")  # where the encoding lacks a character
            return _run(sys.argv[1:] if argv is None else list(argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not any(map(_is_closed_pipe, (sys.stdout, sys.stderr))):
            raise  # another pipe, such as a worker's
        _discard_output()
        return CLOSED_PIPE


def _run(argv: list[str]) -> int:
    if argv[:1] == ["--version"]:
        print(f"imitbench {imitbench.__version__}")
        return 0
    for kind in COMMANDS:
        for base in reversed(kind.__mro__[:-1]):
            join_help_lines(base)
    try:
        command = tyro.cli(Command, prog="imitbench", description=__doc__, args=argv)  # type: ignore[arg-type]
    except SystemExit as stop:
        if stop.code and (hint := setting_hint.setting_hint(argv)):
            print(hint, file=sys.stderr)
        raise
    try:
        with signals.catch_signals(), plain_errors():
            runtime.setup()
            runtime.collect_less_garbage()
            with runtime.device_errors():
                return command() or 0
    except UserError as error:
        print(f"imitbench: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, signals.Stopped) as stop:
        reason = str(stop) or "interrupted"
        print(f"imitbench: {reason}; run the same command again to continue", file=sys.stderr)
        return stop.code if isinstance(stop, signals.Stopped) else 130


def _is_closed_pipe(stream: TextIO) -> bool:
    """Whether nobody reads a stream any more."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard_output() -> None:
    """Sends the rest of the output nowhere, so that the interpreter's last flush is quiet."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(null, stream.fileno())
