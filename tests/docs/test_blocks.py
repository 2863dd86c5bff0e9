"""The code blocks of the pages run, and their commands exist."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from pathlib import Path

import pytest
import tyro

from docs._generate import blocks, commands, methods, sources
from imitbench import algos, data, envs
from imitbench.cli import data as data_command
from imitbench.cli import lists, train
from imitbench.cli import main as cli
from imitbench.cli import run as run_command
from imitbench.envs.registry import check_task
from imitbench.runs import plan, search_space
from imitbench.suites.registry import load_suite, suite_names

PAGES = {str(p.relative_to(sources.ROOT)): p.read_text(encoding="utf-8") for p in blocks.pages()}
WITH_PYTHON = [name for name, text in PAGES.items() if blocks.blocks(text, "python")]
FAST = [n for n in WITH_PYTHON if any(not b.mark for b in blocks.blocks(PAGES[n], "python"))]
LONG = [  # pages whose fast blocks take seconds together, too
    f"docs/how-to/{n}.md"
    for n in (
        "own-data",
        "own-expert",
        "own-environment",
        "export-policy",
        "train-with-other-libraries",
    )
]
SLOW = [n for n in WITH_PYTHON if any(b.mark == "slow" for b in blocks.blocks(PAGES[n], "python"))]
WITH_COMMANDS = [name for name, text in PAGES.items() if blocks.commands(text)]
SUITE_FILE = "my_suite.py"  # a suite file that a page writes


def run_blocks(text: str, slow: bool) -> None:
    """Runs the Python blocks of a page in one namespace, in the present folder."""
    page = sys.modules["page"]
    for block in blocks.blocks(text, "python"):
        if block.mark.startswith("skip") or (block.mark == "slow" and not slow):
            continue
        code = compile(block.text, f"block at line {block.line}", "exec", dont_inherit=True)
        exec(code, page.__dict__)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder as the present one, a module for the blocks, and registries that forget what
    a page adds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "page", types.ModuleType("page"))
    (tmp_path / "runs").mkdir()
    known = {*algos.ALGOS, *envs.TASKS}
    yield tmp_path
    for registry in (algos.ALGOS, envs.TASKS):
        for name in set(registry) - known:
            del registry[name]


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=pytest.mark.slow) if p in LONG else p for p in FAST]
)
def test_python_blocks(page, elsewhere):
    run_blocks(PAGES[page], slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW)
def test_slow_python_blocks(page, elsewhere):
    run_blocks(PAGES[page], slow=True)


def test_every_mark_is_known():
    for name, text in PAGES.items():
        for mark in re.findall(r"<!-- test: (.*?) -->", text):
            known = mark == "slow" or re.match(r"skip, .+|file [\w.]+$", mark)
            assert known or name == "CONTRIBUTING.md", (name, mark)


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_commands(page, elsewhere):
    for name, text in blocks.files(PAGES[page]).items():
        Path(name).write_text(text)
    for words in blocks.commands(PAGES[page]):
        check(words)


@pytest.mark.parametrize("name", algos.ALGOS)
def test_commands_of_methods(name):
    found = blocks.commands(methods.page(name))
    assert ["imitbench", "config", name] in found
    for words in found:
        check(words)


def check(words: list[str]) -> None:
    """A command exists, and what it names exists."""
    program, *rest = words
    if program == "make":
        check_target(*rest)
    elif program == "imitbench":
        check_imitbench(rest)
    elif program == "pip":
        for extra in re.findall(r"imitbench\[(\w+)\]", " ".join(rest)):
            assert extra in sources.project()["project"]["optional-dependencies"], words
    elif program == ".venv/bin/python":
        assert rest[0] == "-m" and importlib.util.find_spec(rest[1]), words
    else:
        raise AssertionError(f"a command that this test does not know: {words}")


def check_target(target: str, *variables: str) -> None:
    makefile = (sources.ROOT / "Makefile").read_text(encoding="utf-8")
    if target.startswith("bench-") and target != "bench-all":
        assert target.removeprefix("bench-") in suite_names(), target
    else:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target
    for word in variables:
        name, _, value = word.partition("=")
        assert re.search(rf"\$\({name}\)", makefile), word
        assert name != "SUITE" or value in suite_names(), word


def check_imitbench(words: list[str]) -> None:
    if len(words) == 1:  # a sentence about a command, without its arguments
        assert words[0] in commands.names(), words
        return
    command = tyro.cli(cli.Command, prog="imitbench", args=words)  # type: ignore[arg-type]
    if isinstance(command, train.Tune):
        for word in command.range:
            search_space.parse(word)
    if isinstance(command, train.Train) and command.data:  # a file that a command before it makes
        assert command.method in algos.ALGOS and check_task(command.task)
    elif isinstance(command, train.Train):
        plan.prepare("train", "cpu", [command.cell()])
    elif isinstance(command, data_command.Demos):
        assert command.task in envs.TASKS
        data.demonstrators(command.task, command.grade, command._source().expert)
    elif isinstance(command, run_command.Run):
        suite = load_suite(command.suite)
        plan.select(suite.profiles[command.profile], sum(command.only, ()), command.seeds)
    elif isinstance(command, lists.Config):
        assert command.method in algos.ALGOS
    elif getattr(command, "suite", None):
        load_suite(command.suite)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "words",
    [
        ["list", "methods"],
        ["list", "suites"],
        ["config", "gail"],
        ["run", "quickstart", "--dry-run"],
        ["compare", "vins", "bc", "--suite", "quickstart"],
        ["rank", "quickstart"],
        ["experts", "show", "Hopper"],
        ["doctor", "--quick"],
    ],
    ids=" ".join,
)
def test_cheap_commands_of_the_quickstart_run(words, elsewhere, capfd):
    assert cli.main(words) == 0
    assert capfd.readouterr().out


@pytest.mark.slow
def test_the_suite_with_own_data_runs(elsewhere):
    page = "docs/how-to/own-data.md"
    (block,) = (b for b in blocks.blocks(PAGES[page], "python") if b.mark.startswith("file "))
    path = Path(block.mark.removeprefix("file "))
    path.write_text(block.text)
    for words in blocks.commands(PAGES[page]):
        if len(words) > 2 and (words[1] in ("demos", "run", "report") or words[2] == "convert"):
            assert cli.main(words[1:]) == 0
    figures = {p.stem for p in (Path("results") / "my_data.smoke").glob("*.svg")}
    assert "budget" in figures and Path("report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_suite_of_the_guide_runs(elsewhere):
    text = blocks.files(PAGES["docs/how-to/own-suite.md"])[SUITE_FILE]
    Path(SUITE_FILE).write_text(text)
    assert cli.main(["run", SUITE_FILE, "--profile", "smoke", "--only", "bc-small"]) == 0
    assert (Path("results") / "my_suite.smoke" / "table.md").exists()
