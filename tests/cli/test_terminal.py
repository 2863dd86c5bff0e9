"""Tables in terminals and pipes."""

from __future__ import annotations

import re
import sys

import pytest

from imitbench.cli.terminal import print_rows

ROWS = [
    {
        "Task": "FetchPickAndPlace",
        "Method": "bc",
        "Return": "-29.5 [-32.5, -26.5]",
        "Train s": "4.3",
    },
    {"Task": "FetchReach", "Method": "vins", "Return": "-7.5 [-13.3, -1.8]", "Train s": "14.4"},
]


@pytest.fixture
def terminal(monkeypatch):
    """Makes stdout a terminal of a width."""

    def make(width: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(width))

    return make


def lines(capsys) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    return [line.rstrip() for line in plain.splitlines()]


def test_a_pipe_gets_the_whole_table(capsys):
    assert print_rows(ROWS, ("Train s",)) == []
    assert lines(capsys) == [
        "Task               Method  Return                Train s",
        "FetchPickAndPlace  bc      -29.5 [-32.5, -26.5]  4.3",
        "FetchReach         vins    -7.5 [-13.3, -1.8]    14.4",
    ]


def test_a_narrow_terminal_leaves_out_what_is_less_important_and_breaks_no_cell(capsys, terminal):
    terminal(50)
    assert print_rows(ROWS, ("Return", "Train s")) == ["Return"]
    assert lines(capsys)[1] == "FetchPickAndPlace  bc      4.3"
    terminal(32)
    assert print_rows(ROWS, ("Train s", "Return")) == ["Return", "Train s"]
    assert lines(capsys) == [
        "Task               Method",
        "FetchPickAndPlace  bc",
        "FetchReach         vins",
    ]


def test_headers_take_several_lines_before_a_column_is_left_out(capsys, terminal):
    terminal(54)
    assert print_rows(ROWS, ("Train s",)) == []
    shown = lines(capsys)
    assert shown[0].split() == ["Train"] and shown[1].split()[-1] == "s"
    assert shown[2].split()[0] == "FetchPickAndPlace" and len(shown) == 4


def test_a_terminal_too_narrow_for_what_is_important_breaks_cells(capsys, terminal):
    terminal(20)
    assert print_rows(ROWS) == []
    shown = "".join(lines(capsys)).replace(" ", "")
    every = "".join("".join((*ROWS[0], *(text for row in ROWS for text in row.values()))).split())
    assert sorted(shown) == sorted(every)  # broken over lines, but all there
