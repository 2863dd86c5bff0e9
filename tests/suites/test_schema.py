"""Names in suites, keys of cells, and files of a user's suites."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from imitbench.algos.cloning import bc
from imitbench.cli import main
from imitbench.core.types import Cost
from imitbench.data.sources.source import DemoSource
from imitbench.runs import plan, runner
from imitbench.suites import overrides
from imitbench.suites.checks import check_cell, check_suite
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, Suite, cell_identity, cell_key, count_updates
from imitbench.utils.errors import UserError
from imitbench.utils.files import check_folder_name

CELL = Cell("PointMass", 2, "bc", bc.Config(), grad_steps=10, source=DemoSource(pool=4))
BAD_FOLDERS = ["../../evil", "a/b", "a\\b", ".hidden", "..", "", "a b", "a\n", "a\0", "x" * 101]


@pytest.mark.parametrize("name", [*BAD_FOLDERS, None, 3])
def test_names_that_cannot_be_folders_are_refused(name: Any):
    with pytest.raises(UserError, match="suite name .*: expected 1 to 100 letters, digits or"):
        check_folder_name("suite name", name)


@pytest.mark.parametrize("name", ["quickstart", "vins_rl", "my-suite.2", "größe", "x" * 100])
def test_plain_names_of_folders_are_allowed(name):
    assert check_folder_name("suite name", name) == name


@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_a_suite_with_such_a_name_is_refused_everywhere(name):
    with pytest.raises(UserError, match="suite name"):
        check_suite(Suite(name, "", {"cpu": (CELL,)}))
    with pytest.raises(UserError, match="suite name"):
        plan.prepare(name, "cpu", [CELL])


@pytest.mark.parametrize("label", ["../x", "a/b", ".x", "a|b", "[red]", "a\nb", " x"])
def test_labels_that_cannot_be_part_of_a_folder_are_refused(label):
    cell = dataclasses.replace(CELL, label=label)
    for check in (check_cell, lambda c: check_suite(Suite("s", "", {"cpu": (c,)}))):
        with pytest.raises(UserError, match="label .*rename it") as error:
            check(cell)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "label", ["", "bc-lr=1e-3-hidden=64,64", "f-vim-rkl", "mix-0.5", "BC (wide)", "vins+rl"]
)
def test_labels_of_suites_and_of_changed_settings_are_allowed(label):
    check_cell(dataclasses.replace(CELL, label=label))


def test_a_suite_file_with_such_a_name_is_refused(tmp_path, capsys):
    path = tmp_path / "evil.py"
    path.write_text(
        "from imitbench.suites.schema import Suite\n"
        "SUITE = Suite(name='../../evil', about='', profiles={'cpu': ()})\n"
    )
    with pytest.raises(UserError, match=r"suite name '\.\./\.\./evil'"):
        load_suite(str(path))
    assert main.main(["run", str(path), "--results", str(tmp_path / "results")]) == 2
    assert "suite name '../../evil'" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_suite_file_may_define_dataclasses(tmp_path):
    path = tmp_path / "sized.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from imitbench.suites.schema import Suite\n"
        "@dataclass\n"
        "class Size:\n"
        "    steps: int\n"
        "SUITE = Suite(name='sized', about='', profiles={'cpu': ()})\n"
    )
    assert load_suite(str(path)).name == "sized"


def identity(label: str) -> dict[str, Any]:
    return cell_identity("s", "cpu", dataclasses.replace(CELL, label=label), "native")


def test_keys_of_long_labels_are_cut_and_stay_different():
    longest = 199 - len("PointMass-2--0123456789")
    at_limit, above = identity("x" * longest), identity("x" * (longest + 1))
    assert cell_key(at_limit).startswith("PointMass-2-" + "x" * longest + "-")
    assert len(cell_key(at_limit)) == len(cell_key(above)) == 199
    assert cell_key(above)[:-10] == cell_key(at_limit)[:-10]
    assert cell_key(above) != cell_key(at_limit)
    wide = cell_key(identity("ü" * 300))  # two bytes each
    assert len(wide.encode()) <= 199 and wide.startswith("PointMass-2-üü")


@pytest.mark.slow
def test_a_cell_with_a_long_label_runs(tmp_path, no_cache):
    config = bc.Config(hidden=(4,), batch=4, steps=2, validation=0.0)
    cell = dataclasses.replace(
        CELL, config=config, label="bc-" + "x" * 400, grad_steps=2, seeds=1, num_evals=1,
        eval_episodes=1,
    )  # fmt: skip
    runner.run(plan.prepare("s", "cpu", [cell]), tmp_path)
    (folder,) = (tmp_path / "cells").iterdir()
    assert len(folder.name) == 199


def test_budgets_are_whole_updates():
    assert count_updates(dataclasses.replace(CELL, num_evals=5), Cost(grad_steps=2)) == 5
    with pytest.raises(UserError, match="grad_steps=10 of bc: expected a multiple of 15"):
        count_updates(CELL, Cost(grad_steps=3))
    with pytest.raises(UserError, match="grad_steps=10: bc spends no grad_steps; set env_steps"):
        count_updates(CELL, Cost(env_steps=3))


def test_the_name_of_many_changed_settings_ends_in_their_hash():
    words = [f"hidden={n}" for n in range(200)]
    name = overrides.label("bc", words)
    assert name.startswith("bc-hidden=0-hidden=1-") and len(name) == 120 + 9
    assert name != overrides.label("bc", [*words[:-1], "hidden=7"])
    assert overrides.label("bc", ["a=brax/ant"]) == "bc-a=brax_ant"
    cell = dataclasses.replace(CELL, label=name)
    check_cell(cell)
    with pytest.raises(UserError, match="label 'xxx.*': expected 1 to 1000 letters"):
        check_cell(dataclasses.replace(CELL, label="x" * 1001))
