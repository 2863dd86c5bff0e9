"""Users' Python files and modules: run once, found beside each other, mistakes in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imitbench.suites.registry import load_suite
from imitbench.utils.errors import UserError
from imitbench.utils.modules import import_file, import_module


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_runs_once_and_again_when_it_has_changed(tmp_path):
    file = write(tmp_path / "mine.py", "x = [1]")
    module = import_file(file, "file")
    module.x.append(2)
    assert import_file(file, "file").x == [1, 2]
    write(file, "x = [3]")
    assert import_file(file, "file").x == [3]


def test_files_of_the_same_name_are_apart_and_find_their_neighbours(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / f"beside_{name}.py", f"x = {name!r}")
    modules = [
        import_file(write(tmp_path / name / "mine.py", f"from beside_{name} import x"), "file")
        for name in ("a", "b")
    ]
    assert [module.x for module in modules] == ["a", "b"]
    assert len({module.__name__ for module in modules}) == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("", "x = 1 / 0"), r"suite file mine.py cannot be imported \(ZeroDivisionError: .*:2; "),
        (("def f(:",), r"suite file mine.py cannot be imported \(SyntaxError: .*line 1\)\); mend"),
        (("import no_such_thing",), r"\(ModuleNotFoundError: .*'no_such_thing'\) at mine.py:1"),
    ],
)
def test_a_mistake_in_a_suite_file_is_one_line(tmp_path, lines, words):
    file = write(tmp_path / "mine.py", *lines)
    for _ in range(2):  # a failed import leaves nothing behind
        with pytest.raises(UserError, match=words):
            load_suite(str(file))


def test_errors_for_users_and_interruptions_pass(tmp_path):
    lines = ("from imitbench.utils.errors import UserError", "raise UserError('as it is')")
    with pytest.raises(UserError, match="^as it is$"):
        import_file(write(tmp_path / "mine.py", *lines), "file")
    with pytest.raises(KeyboardInterrupt):
        import_file(write(tmp_path / "stop.py", "raise KeyboardInterrupt"), "file")


def test_modules_are_found_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a_module_of_mine.py", "x = 1")
    assert import_module("a_module_of_mine", "expert", "a name").x == 1
    with pytest.raises(UserError, match="expert: there is no module 'absent' .* expected a name$"):
        import_module("absent", "expert", "a name")
    with pytest.raises(UserError, match=r"no such file: .*none\.py"):
        import_file(tmp_path / "none.py", "file")
    with pytest.raises(UserError, match=r"expected a Python file, \*\.py"):
        import_file(tmp_path / "none.txt", "file")
