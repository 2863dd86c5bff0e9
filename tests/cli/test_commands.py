"""Lists, help texts, paths and labels of the command line."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
from helpers.fake_results import rewrite

import imitbench
from imitbench import algos, data
from imitbench.cli import console, lists, locations, main, options
from imitbench.cli.train import Train
from imitbench.results import compare, publish
from imitbench.results.cells import store
from imitbench.results.shipped import shipped_folder
from imitbench.runs import plan
from imitbench.utils.errors import UserError

SHIPPED = Path(__file__).parents[2] / "results" / "shipped" / "quickstart"


def run(capsys, *words: str) -> tuple[int, str, str]:
    code = main.main(list(words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_methods_are_listed_with_a_whole_sentence_and_what_they_need(capsys):
    lines = dict(line.split(maxsplit=1) for line in run(capsys, "list", "methods")[1].splitlines())
    assert list(lines) == list(algos.ALGOS)
    for name, line in lines.items():
        sentence, needs = line.split(" Needs: ")
        text = " ".join((algos.ALGOS[name].__doc__ or "").split())
        assert text.startswith(sentence) and sentence[-1] == "." and needs[-1] == "."
    assert lines["random_actions"].endswith(" Needs: nothing.")
    assert lines["ppo"].endswith(" Needs: environment.")
    assert lines["sac"].endswith(" Needs: environment.")
    assert lines["bc"].endswith(" Needs: demonstrations.")
    assert lines["bcq"].endswith(" Needs: demonstrations with rewards.")
    assert lines["vins"].endswith(" Needs: demonstrations that reach their goals.")
    assert lines["dagger"].endswith(" Needs: demonstrations, environment, expert.")


@pytest.mark.parametrize("what", ["tasks", "methods", "suites"])
def test_columns_of_lists_are_aligned(capsys, what):
    lines = run(capsys, "list", what)[1].splitlines()
    starts = {len(line) - len(line.split(maxsplit=1)[1]) for line in lines}
    assert starts == {2 + max(len(line.split()[0]) for line in lines)}


def test_a_summary_ends_where_its_sentence_does(monkeypatch):
    text = "One: of two\nlines. Another sentence.\n\nA paragraph."
    method = type("Method", (), {"__doc__": text})
    monkeypatch.setitem(algos.ALGOS, "one", method)  # type: ignore[arg-type]
    assert lists.method_summary("one") == "One: of two lines."


@pytest.mark.parametrize("command", ["train", "demos"])
def test_the_help_of_grade_names_them_all(capsys, command):
    with pytest.raises(SystemExit):
        main.main([command, "--help"])
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(f" {grade}: " in text for grade in data.GRADES)


@pytest.mark.parametrize("kind", main.COMMANDS)
def test_every_command_and_option_has_a_help_text_without_line_breaks(kind: type):
    assert kind.__doc__ and kind.__doc__.split("\n")[0].endswith(".")
    for base in reversed(kind.__mro__[:-1]):
        options.join_help_lines(base)
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        metadata: tuple[Any, ...] = getattr(hints[field.name], "__metadata__", ())
        helps = [x.help for x in metadata if getattr(x, "help", None)]
        assert helps and "\n" not in helps[-1] and helps[-1][-1] == ".", field.name


def test_the_version(capsys):
    assert run(capsys, "--version") == (0, f"imitbench {imitbench.__version__}\n", "")


def test_the_pool_is_never_raised_in_silence(capsys):
    assert Train("bc", "PointMass", demos=150).cell().source.pool == 150
    assert "pool: 150 episodes" in capsys.readouterr().err
    assert Train("bc", "PointMass", demos=25).cell().source.pool == 100
    assert Train("bc", "PointMass", demos=25, pool=30).cell().source.pool == 30
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match="--pool 30: expected at least --demos 40; raise --pool"):
        Train("bc", "PointMass", demos=40, pool=30).cell()


def test_a_stride_thins_demonstrations_of_every_origin(tmp_path):
    assert Train("bc", "PointMass", stride=3).cell().source.stride == 3
    path = tmp_path / "own.npz"
    demos = imitbench.collect(imitbench.make_env("PointMass"), episodes=2)
    imitbench.save_data(path, demos)
    own = Train("bc", "PointMass", data=str(path), stride=3)
    assert own.cell().source.stride == 3


CLOSED = """
import os, sys
from imitbench.cli import main
for words in {commands}:
    reader, writer = os.pipe()
    os.close(reader)
    if not (child := os.fork()):
        os.dup2(writer, 1)
        sys.exit(main.main(words.split()))
    os.close(writer)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), words)
"""


@pytest.mark.slow
def test_a_closed_pipe_ends_every_command_quietly():
    commands = [
        "list methods", "config bc", "experts list", "--help", "--version", "table quickstart",
        "rank quickstart", "verify dagger", "compare vins bc", "run quickstart --dry-run --only bc",
    ]  # fmt: skip
    program = CLOSED.format(commands=commands)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [f"{main.CLOSED_PIPE} {words}" for words in commands]
    assert done.stderr == ""


def test_a_pipe_that_is_not_the_output_is_not_silenced(monkeypatch):
    def fail(self):
        raise BrokenPipeError("of a worker")

    monkeypatch.setattr(main, "_is_closed_pipe", lambda stream: False)
    monkeypatch.setattr(main.doctor.Doctor, "__call__", fail)
    with pytest.raises(BrokenPipeError):
        main.main(["doctor"])


@pytest.mark.slow
def test_a_terminal_without_some_characters_gets_question_marks():
    program = "import sys; from imitbench.cli.main import main; sys.exit(main(['experts', 'list']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and " ? " in done.stdout, done.stderr


def test_a_tilde_is_the_home(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(SHIPPED, tmp_path / "runs" / "quickstart")
    code, out, _ = run(capsys, "table", "quickstart", "--results=~/runs")
    assert code == 0 and f"written: {tmp_path}/runs/quickstart/summary.csv" in out
    assert compare.side("~/runs/quickstart:bc", [], Path("none")).label == "bc"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run(capsys, "demos", "PointMass", "--episodes", "1", "--out=~/d.npz")[0] == 0
    assert (tmp_path / "d.npz").exists()


def test_shipped_results_are_shown_and_never_written(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = Path("results/shipped/quickstart")
    shutil.copytree(SHIPPED, shipped)
    for path in shipped.glob("*.*"):
        path.unlink()
    assert shipped_folder("quickstart") == shipped
    code, out, _ = run(capsys, "table", "quickstart")
    assert code == 0 and "dagger" in out and f"shipped results in {shipped}" in out
    assert not Path("results/quickstart").exists()
    code, out, _ = run(capsys, "plot", "quickstart")
    assert code == 0 and "written: results/quickstart/curves.png" in out
    assert (
        Path("results/quickstart/curves.svg").read_bytes() == (SHIPPED / "curves.svg").read_bytes()
    )
    assert [p.name for p in shipped.iterdir()] == ["cells"]
    assert run(capsys, "table", "quickstart")[0] == 0  # figures alone are no run of one's own


@pytest.mark.parametrize("results", ["results/shipped", "results/../results/shipped", "own"])
def test_the_folder_of_shipped_results_is_never_written_to(capsys, tmp_path, monkeypatch, results):
    """Not by its name either, and not by a link to it."""
    monkeypatch.chdir(tmp_path)
    shipped = Path("results/shipped/quickstart")
    shutil.copytree(SHIPPED, shipped)
    for path in shipped.glob("*.*"):
        path.unlink()
    if results == "own":
        Path(results).mkdir()
        Path(results, "quickstart").symlink_to(shipped.absolute())
    words = ("quickstart", "--results", results)
    code, out, _ = run(capsys, "table", *words)
    assert code == 0 and f"shipped results in {results}/quickstart; nothing written" in out
    code, out, err = run(capsys, "table", *words, "--format", "latex")
    assert code == 0 and "shipped" not in out and f"shipped results in {results}/quick" in err
    drawn = Path("results/quickstart/curves.svg")
    monkeypatch.setattr(publish, "draw_figures", lambda cells, folder, _: [folder / "curves.svg"])
    code, out, _ = run(capsys, "plot", *words)
    where = f"drawn from the shipped results in {results}/quickstart"
    assert code == 0 and out.splitlines() == [where, f"written: {drawn}"]
    code, _, err = run(capsys, "run", *words)
    assert code == 2 and "is for shipped results: run into another folder" in err
    assert [p.name for p in shipped.iterdir()] == ["cells"]


def test_figures_of_shipped_results_do_not_replace_those_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "shipped" / "quickstart" / "cells").mkdir(parents=True)
    results, shipped = Path("results"), Path("results/shipped")
    assert locations.figures_folder("quickstart", shipped) == results / "quickstart"
    (results / "quickstart" / "cells").mkdir(parents=True)
    assert locations.figures_folder("quickstart", shipped) == results / "quickstart.shipped"
    assert locations.results_folder("quickstart", "cpu", results) == results / "quickstart"
    assert locations.results_folder("quickstart", "cpu", shipped) == shipped / "quickstart"


def test_shipped_results_are_named_wherever_they_are_shown(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = f"shipped results in {shipped_folder('quickstart')}"
    for words in (("rank", "quickstart"), ("compare", "vins", "bc")):
        code, out, _ = run(capsys, *words)
        assert code == 0 and out.splitlines()[-1] == line
    code, out, _ = run(capsys, "compare", f"{SHIPPED}:vins", f"{SHIPPED}:bc")
    assert code == 0 and line not in out  # the user has named the folder
    out = run(capsys, "verify", "awr")[1]
    assert out.startswith(f"awr (cpu, shipped results in {shipped_folder('awr')}):")
    code, out, _ = run(capsys, "report", "quickstart")
    folder = shipped_folder("quickstart").parent
    assert code == 0 and f"shipped results in {folder}: quickstart\n" in out
    shutil.copytree(SHIPPED, tmp_path / "results" / "quickstart")
    assert "shipped results" not in run(capsys, "compare", "vins", "bc")[1]


@pytest.mark.parametrize(
    "words",
    ["table quickstart", "plot quickstart", "rank quickstart", "verify vins", "report",
     "report quickstart", "compare vins bc", "compare a.csv b.csv"],
)  # fmt: skip
def test_a_folder_of_results_that_is_not_there_is_an_error(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words.split(), "--results", "resluts")
    assert (code, out) == (2, "") and not list(tmp_path.iterdir())
    assert err == (
        "imitbench: --results resluts: there is no such folder; expected the one that holds the "
        "suites' folders, such as results; mend the path, or leave --results out\n"
    )


def test_a_missing_folder_of_shipped_results_is_that_of_the_package(capsys, tmp_path, monkeypatch):
    """An installed package has none below the current folder."""
    monkeypatch.chdir(tmp_path)
    out = run(capsys, "table", "quickstart", "--results", "results/shipped")[1]
    assert f"shipped results in {shipped_folder('quickstart')}; nothing written" in out


def test_the_label_of_a_cell():
    assert Train("bc", "PointMass", set=("lr=1e-3",)).cell().name == "bc-lr=1e-3"
    assert Train("bc", "PointMass", set=("lr=1e-3",), label="mine").cell().name == "mine"
    for label in ("a/b", ".a"):
        with pytest.raises(UserError, match=f"label '{label}': expected 1 to 1000 letters"):
            plan.prepare("train", "cpu", [Train("bc", "PointMass", label=label).cell()])


def test_extra_data_are_asked_for_by_the_options():
    with pytest.raises(UserError, match="demodice learns from extra data .*--extra-demos, the num"):
        plan.check([Train("demodice", "PointMass").cell()])
    with pytest.raises(UserError, match="bc takes no extra data: .*--extra-demos"):
        plan.check([Train("bc", "PointMass", extra_demos=3).cell()])
    assert Train("smodice", "PointMass", extra_demos=3).cell().source.extra_episodes == 3


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("train bc --task FetchReach --lr 3e-4", "--set lr=3e-4"),
        ("tune bc --task FetchReach --lr=3e-4 --batch 8", "--set lr=3e-4 --set batch=8"),
        ("train --task FetchReach bc --early-stopping", "--set early_stopping=true"),
        ("train bc --task FetchReach --no-early-stopping", "--set early_stopping=false"),
        ("train bc --memory.past-targets 2", "--set memory.past_targets=2"),
        ("train bc --task FetchReach --memory 2", ""),
        ("train bc --task FetchReach --seeds two", ""),
        ("train bcc --lr 1", ""),
        ("table bc --lr 1", ""),
    ],
)
def test_a_setting_that_is_given_as_an_option(capsys, words, hint):
    with pytest.raises(SystemExit) as stop:
        main.main(words.split())
    err = capsys.readouterr().err
    assert stop.value.code == 2
    assert err.endswith(f"\ndid you mean `{hint}`?\n") if hint else "did you mean `--set" not in err


def test_the_settings_are_shown_with_the_way_to_set_them(capsys):
    out = run(capsys, "config", "bc")[1]
    assert "--early-stopping is\nearly_stopping=true" in out and "hidden=256,256" in out


def test_labels_stand_as_they_are(capsys, tmp_path):
    cell = next((SHIPPED / "cells").glob("FetchReach-*-bc-*"))
    root = tmp_path / "quickstart"
    shutil.copytree(cell, root / "cells" / cell.name)
    rewrite(root / "cells" / cell.name, lambda info: info["identity"].update(label="a|b [red]"))
    code, out, _ = run(capsys, "table", "quickstart", "--results", str(tmp_path))
    assert code == 0 and "a|b [red]" in out
    head, line, row = (root / "table.md").read_text(encoding="utf-8").splitlines()[:3]
    assert r"| a\|b [red] |" in row
    assert head.count("|") == line.count("|") == row.replace(r"\|", "").count("|")


def test_two_sides_of_one_name_are_two_columns(capsys):
    cells = store.read_all(SHIPPED)
    side = compare.side("bc", cells, SHIPPED)
    console.print_pairs(compare.pairs(side, side), "bc", "bc")
    head = capsys.readouterr().out.splitlines()[0]
    assert "bc (1)" in head and "bc (2)" in head


@pytest.mark.slow
def test_a_suite_file_names_its_results(capsys, tmp_path, finished):
    shutil.copytree(finished, tmp_path / "toy")
    path = Path(__file__).parents[1] / "helpers" / "toy_suite.py"
    for command in ("table", "plot", "rank"):
        assert run(capsys, command, str(path), "--results", str(tmp_path))[0] == 0
    code, _, err = run(capsys, "table", "quikstart", "--results", str(tmp_path))
    assert code == 2 and "unknown suite 'quikstart': did you mean quickstart?" in err
    words = ("table", "quickstart", "--profile", "full", "--results", str(tmp_path))
    assert "`imitbench run quickstart --profile full` first" in run(capsys, *words)[2]


@pytest.mark.slow
def test_live_logs_of_each_cell(tmp_path, monkeypatch, capsys):
    words = ["train", "bc", "--task", "PointMass", "--demos", "4", "--pool", "4", "--seeds", "1"]
    words += ["--grad-steps", "400", "--evals", "2", "--eval-episodes", "2"]
    words += ["--results", str(tmp_path / "results"), "--tensorboard", str(tmp_path / "logs")]
    assert main.main(words) == 0
    (folder,) = (tmp_path / "logs").iterdir()
    (cell,) = (tmp_path / "results" / "train" / "cells").iterdir()
    assert folder.name == cell.name
    assert len(list(folder.glob("events.*"))) == 3, "one for each evaluation"
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    capsys.readouterr()
    assert main.main([*words[:-2], "--wandb", "mine"]) == 2
    assert "wandb" in capsys.readouterr().err
