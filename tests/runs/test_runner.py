"""Running, tables, figures and shipping, on a suite that takes seconds."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from helpers import fake_results

from imitbench.algos.cloning import bc
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.algos.offline import offline_rwr, td3_bc
from imitbench.cli import console
from imitbench.data.sources import source
from imitbench.results import publish, tables
from imitbench.results.cells import ordering, store
from imitbench.results.figures import curves, panels
from imitbench.results.shipped import compare_with_shipped, shipped_folder
from imitbench.results.tables import captions
from imitbench.runs import plan, runner
from imitbench.suites import registry
from imitbench.suites.registry import load_suite, suite_names
from imitbench.suites.schema import Suite, cell_identity, cell_key
from imitbench.utils.errors import UserError

TOY = str(Path(__file__).parents[1] / "helpers" / "toy_suite.py")


def jobs() -> list[plan.Job]:
    return plan.prepare("toy", "cpu", load_suite(TOY).profiles["cpu"])


def test_cells_of_several_runs_are_in_the_order_of_their_suite():
    shipped = store.read_all(shipped_folder("quickstart"))
    shipped[2].info["order"] = 0  # it was run alone
    found = [
        (r.identity["task"], r.identity["label"]) for r in ordering.in_suite_order(shipped[::-1])
    ]
    assert found == [(c.task, c.name) for c in load_suite("quickstart").profiles["cpu"]]


def test_cells_match_the_schema(finished):
    bc_result, dagger_result = store.read_all(finished)
    assert [r.identity["label"] for r in (bc_result, dagger_result)] == ["bc", "dagger"]
    info = dagger_result.info
    assert info["finished"] and info["engine"] == "native" and info["diverged_seeds"] == []
    assert info["network_calls"] == 1
    assert set(info["seconds"]) == {"compile", "train", "evaluate"}
    assert info["versions"]["jax"] and len(info["environment_digest"]) == 16
    curve: Any = dagger_result.curve
    episodes: Any = dagger_result.episodes
    assert len(curve) == 2 * (1 + 3) and len(episodes) == 2 * 3
    assert curve.groupby("evaluation")["grad_steps"].max().tolist() == [8, 16, 24, 32]
    metrics: Any = dagger_result.metrics
    assert sorted(zip(metrics["seed"], metrics["grad_steps"], strict=True)) == [
        (seed, steps) for seed in (0, 1) for steps in (16, 24, 32)
    ]
    assert metrics["metric/loss"].notna().all()
    assert curve["grad_steps"].max() == 8 + load_suite(TOY).profiles["cpu"][1].grad_steps
    assert (
        curve["env_steps"].max() == 3 * 2 * 20 and not bc_result.curve["env_steps"].to_numpy().any()
    )
    last = curve[curve["evaluation"] == 3].set_index("seed")["success_final"]
    by_seed = episodes.groupby("seed")["success_final"].mean()
    np.testing.assert_allclose(last, by_seed)
    assert not (finished / "partial").exists() or not list((finished / "partial").iterdir())


def derived(root: Path) -> dict[str, bytes]:
    """The files beside the cells."""
    return {f.name: f.read_bytes() for f in root.glob("[!.]*") if f.is_file()}


def test_a_second_run_skips_finished_cells_and_derives_the_same_files(finished, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    before = derived(root)
    assert set(before) == {"summary.csv", "table.md", "curves.png", "curves.svg"}
    for f in before:
        (root / f).unlink()
    notes = runner.run(jobs(), root)
    assert len(notes) == 2 and all("finished before, skipped" in n for n in notes)
    publish.derive(root)
    assert derived(root) == before


def test_cells_evaluated_once_are_drawn_as_scores(finished, tmp_path):
    results = store.read_all(finished)
    once = [r._replace(curve=r.curve[r.curve["evaluation"] <= 1]) for r in results]
    (png, svg) = curves.draw(once, tmp_path)
    assert (png.name, svg.name) == ("scores.png", "scores.svg")
    text = svg.read_text(encoding="utf-8")
    for word in ("PointMass, 4 demonstrations", "success any", "dagger", "with 95% interval"):
        assert word in text.replace("<!-- ", ""), word
    assert [p.name for p in curves.draw(results, tmp_path)] == ["curves.png", "curves.svg"]


def test_a_panel_of_scores_has_the_rows_of_its_own_methods():
    def once(label, demos):
        one = fake_results.cell(label, [0.5, 0.7], demos)
        return one._replace(curve=one.curve[one.curve["evaluation"] <= 1])

    few = curves.scores([once("bc", 1), once("vins", 1), once("dart", 4), once("bc", 4)])
    rows = [[text.get_text() for text in axis.get_yticklabels()] for axis in few.axes]
    assert rows == [["vins", "bc"], ["dart", "bc"]]  # from the bottom to the top
    for axis, count in zip(few.axes, (2, 2), strict=True):
        (drawn,) = {len(container[0].get_ydata()) for container in axis.containers}
        assert drawn == count


def test_methods_without_demonstrations_are_in_the_panels_of_online_methods():
    def made(label, demos, env_steps, task="PointMass"):
        one = fake_results.cell(label, [0.5, 0.7], demos, task=task)
        return one._replace(curve=one.curve.assign(env_steps=env_steps))

    alone, shown, clone = made("her", 0, 900), made("nair", 9, 900), made("bc", 5, 0)
    elsewhere = made("ppo", 0, 900, task="FetchReach")
    found = panels.comparison_groups([alone, shown, clone, elsewhere])
    labels = {p[:2]: [r.identity["label"] for r in rs] for p, rs in found.items()}
    assert labels == {
        ("PointMass", 9): ["nair", "her"], ("PointMass", 5): ["bc"], ("FetchReach", 0): ["ppo"]
    }  # fmt: skip
    apart = panels.comparison_groups([alone, clone])
    assert [p[1] for p in apart] == [0, 5]


def test_a_panel_has_at_most_six_curves(tmp_path):
    """Each method is drawn once, and the panels of a place are numbered."""
    cells = []
    for i in range(13):
        one = fake_results.cell(f"m{i}", [0.5, 0.7])
        later = one.curve.assign(evaluation=1, updates=1.0, grad_steps=10.0)
        several = pd.concat([one.curve, later, later.assign(evaluation=2, updates=2.0)])
        one.info.update(demo_steps=0)
        one.identity.update(profile="cpu")
        cells.append(one._replace(curve=several))
    assert [len(part) for part in panels.panel_parts(cells)] == [4, 4, 5]
    drawn = [axis for axis in curves.curves(cells).axes if axis.get_visible()]
    labels = [[str(line.get_label()) for line in axis.get_lines()] for axis in drawn]
    assert sorted(itertools.chain(*labels)) == sorted(f"m{i}" for i in range(13))
    assert max(map(len, labels)) <= panels.MAX_CURVES
    assert [axis.get_title() for axis in drawn] == [
        f"PointMass, 10 demonstrations, {i} of 3" for i in (1, 2, 3)
    ]


def test_a_cell_evaluated_once_is_a_line_beside_curves():
    """Its one step of training would stretch the axis of the others."""
    curved, once = fake_results.cell("a", [0.5, 0.7]), fake_results.cell("b", [0.1, 0.2])
    parts = [curved.curve.assign(evaluation=i, updates=i, grad_steps=100 * i) for i in range(3)]
    cells = [curved._replace(curve=pd.concat(parts)), once]
    for r in cells:
        r.info.update(demo_steps=0)
        r.identity.update(profile="cpu")
    (axis,) = (axis for axis in curves.curves(cells).axes if axis.get_visible())
    lines = {line.get_label(): np.asarray(line.get_xdata()) for line in axis.get_lines()}
    assert lines["a"].tolist() == [0, 100, 200] and axis.get_xscale() == "linear"
    assert lines["b"].tolist() == [0, 1]  # the whole width of the axis


def test_the_table_has_intervals_engine_and_device(finished):
    frame: Any = pd.read_csv(finished / "summary.csv")
    assert list(frame["method"]) == ["bc", "dagger"] and (frame["seeds"] == 2).all()
    results = store.read_all(finished)
    mean = results[0].final("success_any").mean()
    assert frame["success_any"][0] == pytest.approx(mean, abs=1e-5)
    text = (finished / "table.md").read_text(encoding="utf-8")
    for word in ("| PointMass | 4 | dagger |", "2 x 3", "95% interval", "native", "Device"):
        assert word in text


def test_passes_through_the_network_are_a_column_where_they_differ(finished):
    results = store.read_all(finished)
    assert "Network calls" not in tables.table_rows(results)[0]
    results[0].info["network_calls"] = 0.25
    del results[1].info["network_calls"]  # as in older cells
    rows = tables.table_rows(results)
    assert [row["Network calls"] for row in rows] == ["0.25", "-"]
    assert "Network calls: passes through" in captions.caption(results, rows)


def test_foreign_and_damaged_results_are_refused(finished, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    cell = next((root / "cells").iterdir())
    good = (cell / "cell.json").read_text(encoding="utf-8")
    info = json.loads(good)
    info["identity"]["schema"] = 99
    (cell / "cell.json").write_text(json.dumps(info))
    with pytest.raises(UserError, match="schema 99, this version reads 1"):
        runner.run(jobs(), root)
    (cell / "cell.json").write_text(good[:50])
    with pytest.raises(UserError, match=r"cell\.json cannot be read"):
        tables.derive(root)
    (cell / "cell.json").write_text(good)
    (cell / "curve.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="is damaged"):
        tables.derive(root)


def test_environments_that_differ_are_not_mixed(finished, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    cell = next((root / "cells").iterdir())
    fake_results.rewrite(cell, lambda info: info.update(environment_digest="0"))
    with pytest.raises(UserError, match="environments that behave differently"):
        tables.derive(root)


def test_mixed_engines_are_named_in_the_table(finished, capsys):
    a, b = store.read_all(finished)
    other = b._replace(info=b.info | {"engine": "mjx"})
    text = "PointMass ran in several engines (mjx, native), whose physics are not the same"
    assert text in tables.markdown([a, other]) and text not in tables.markdown([a, b])
    console.print_table([a, other])
    assert text in capsys.readouterr().out


def test_diverged_seeds_stay_in_the_table_and_are_named(tmp_path):
    cell = load_suite(TOY).profiles["smoke"][0]
    wild = dataclasses.replace(cell, config=dataclasses.replace(cell.config, lr=1e38))
    notes = runner.run(plan.prepare("toy", "smoke", [wild]), tmp_path / "toy")
    assert len(notes) == 1 and "seed 0, 1 diverged; counted as failed" in notes[0]
    results = tables.derive(tmp_path / "toy")
    assert results[0].info["diverged_seeds"] == [0, 1]
    assert "seed 0, 1 diverged, counted as failed" in (tmp_path / "toy" / "table.md").read_text(
        encoding="utf-8"
    )
    assert pd.read_csv(tmp_path / "toy" / "summary.csv")["success_any"].to_list() == [0]


@pytest.mark.slow
def test_weights_that_vanish_are_named(tmp_path):
    raw = offline_rwr.Config(max_weight=1e-5, policy_steps=2, value_steps=1)
    cell = load_suite(TOY).profiles["smoke"][0]
    cell = dataclasses.replace(cell, method="offline_rwr", config=raw, grad_steps=9)
    (note,) = runner.run(plan.prepare("toy", "smoke", [cell]), tmp_path / "toy")
    assert "the weights of seed 0, 1 vanished" in note and "raise temperature" in note
    usual = dataclasses.replace(raw, max_weight=20.0)
    cell = dataclasses.replace(cell, config=usual)
    assert runner.run(plan.prepare("toy", "smoke", [cell]), tmp_path / "usual") == []


def test_what_cells_say_of_themselves_is_read_in_the_order_of_finishing(finished, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    cells = sorted(root.glob("cells/*"))
    for time, cell in zip(("2026-02-02", "2026-01-01"), cells, strict=True):
        fake_results.rewrite(cell, lambda info, time=time: info.update(finished_at=time))
    read = [store.read(cell).info for cell in reversed(cells)]
    assert store.read_infos(root) == read and store.read_infos(tmp_path / "none") == []


def test_figures_of_an_older_state_are_deleted_and_other_files_stay(finished, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    for name in ("values.png", "values.pdf", "picture.png"):
        (root / name).write_text("stale")
    publish.derive(root)
    assert not list(root.glob("values.*")) and (root / "picture.png").exists()


def test_a_suite_that_is_too_large_is_not_shipped(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "results" / "toy"
    shutil.copytree(finished, root)
    for cell in root.glob("cells/*"):
        fake_results.rewrite(cell, lambda info: info.update(git_commit="abc"))
    monkeypatch.setattr(publish, "MAX_SUITE_BYTES", 1_000)
    with pytest.raises(UserError, match=r"the suite toy has .* bytes, too large to ship"):
        publish.ship(root, "toy", [j.key for j in jobs()])
    assert not (tmp_path / "results" / "shipped" / "toy").exists()


def test_shipping_checks_and_copies(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "results" / "toy"
    shutil.copytree(finished, root)
    keys = [j.key for j in jobs()]

    def commit(text: str) -> None:
        for cell in root.glob("cells/*"):
            fake_results.rewrite(cell, lambda info: info.update(git_commit=text))

    commit("abc+changes")
    with pytest.raises(UserError, match="was not run from a committed tree"):
        publish.ship(root, "toy", keys)
    commit("abc")
    with pytest.raises(UserError, match="lacks finished cells: other"):
        publish.ship(root, "toy", [*keys, "other"])
    draw = publish.draw_figures
    monkeypatch.setattr(publish, "draw_figures", lambda *_, **__: [])
    part = publish.ship(root, "toy", [keys[0], "other"], partial=True)
    assert [p.name for p in (part / "cells").iterdir()] == keys[:1]
    part = publish.ship(root, "toy", [*keys, "other"], partial=True)  # beside what is there
    assert sorted(p.name for p in (part / "cells").iterdir()) == sorted(keys)
    with pytest.raises(UserError, match="lacks finished cells: other"):
        publish.ship(root, "toy", ["other"], partial=True)
    (part / "picture.png").write_text("made by another command")
    (part / "scores.png").write_text("derived, of other cells")
    monkeypatch.setattr(publish, "draw_figures", draw)
    target = publish.ship(root, "toy", keys)
    assert sorted(p.name for p in target.iterdir()) == [
        "cells", "curves.png", "curves.svg", "picture.png", "summary.csv", "table.md",
    ]  # fmt: skip
    assert shipped_folder("toy") == Path("results/shipped/toy")
    monkeypatch.setattr(publish, "draw_figures", lambda *_, **__: [])
    shutil.rmtree(root / "cells" / keys[0])  # shipped before, it stays
    again = publish.ship(root, "toy", keys)
    assert sorted(p.name for p in (again / "cells").iterdir()) == sorted(keys)
    shutil.rmtree(root)
    shutil.copytree(finished, root)
    line = compare_with_shipped(store.read_all(root), target)
    assert line.startswith("beside the shipped run: no difference found in 2 of 2 cells (90% inter")
    assert "there is none" in compare_with_shipped(store.read_all(root), tmp_path / "nowhere")


@pytest.mark.slow
def test_a_part_of_a_suite_ships_beside_older_cells_and_rows_of_peers(
    finished, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    root, shipped = tmp_path / "results" / "toy", tmp_path / "results" / "shipped" / "toy"
    keys = [j.key for j in jobs()]

    def add(cell: str, where: Path, name: str, **identity: Any) -> None:
        """A copy of a finished cell with another identity."""
        shutil.copytree(finished / "cells" / cell, where / "cells" / name)
        fake_results.rewrite(
            where / "cells" / name,
            lambda info: (info.update(git_commit="abc"), info["identity"].update(identity)),
        )

    for i, key in enumerate(keys):
        add(key, shipped, f"older-{i}", config={"lr": 1})
    add(keys[0], shipped, "peer", label="d3rlpy-bc", peer={"package": "d3rlpy", "version": "2.8"})
    add(keys[0], root, keys[0])
    target = publish.ship(root, "toy", keys, partial=True)
    assert {p.name for p in (target / "cells").iterdir()} == {keys[0], "older-1", "peer"}
    assert "evaluated here: d3rlpy-bc (d3rlpy 2.8)." in (target / "table.md").read_text()
    add(keys[1], root, keys[1])
    target = publish.ship(root, "toy", keys)
    assert {p.name for p in (target / "cells").iterdir()} == {*keys, "peer"}


def test_a_different_run_is_told_apart(finished, monkeypatch):
    shipped = [fake_results.cell(x, [0.5, 0.6, 0.7, 0.6, 0.5]) for x in "ab"]
    better = [
        r._replace(curve=r.curve.assign(success_final=r.curve["success_any"])) for r in shipped
    ]
    for r in shipped + better:
        r.info.update(expert="scripted")
        r.identity.update(profile="cpu")
    monkeypatch.setattr(store, "read_all", lambda root: shipped)
    line = compare_with_shipped([better[0], shipped[1]], finished)
    assert "no difference found in 1 of 2 cells" in line
    assert "; different in PointMass-10-a +58.0 points [" in line


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"task": "FetchPsuh"}, "unknown task 'FetchPsuh': did you mean FetchPush"),
        ({"method": "dager"}, "unknown method 'dager': did you mean dagger"),
        ({"demos": 7}, "7 demonstrations asked for, but the pool has 6"),
        ({"seeds": 0}, "seeds=0: expected 1 or more"),
        ({"eval_episodes": -1}, "eval_episodes=-1: expected 1 or more"),
        ({"grad_steps": 25}, "grad_steps=25 of bc: expected a multiple of 12"),
        ({"engine": "warp"}, "unknown engine 'warp'"),
        ({"task": "ProbeConstant"}, "task 'ProbeConstant' has no expert"),
        (
            {
                "method": "td3_bc",
                "config": td3_bc.Config(),
                "source": source.DemoSource(pool=6, stride=5),
            },
            "stride=5: td3_bc needs whole episodes",
        ),
        (
            {
                "config": bc.Config(memory=memory_config.Config(history=2)),
                "source": source.DemoSource(pool=6, stride=5),
            },
            "stride=5: a policy with a memory needs whole episodes",
        ),
    ],
)
def test_mistakes_show_before_any_work(change, expected):
    cell = dataclasses.replace(load_suite(TOY).profiles["smoke"][0], **change)
    with pytest.raises(UserError, match=expected):
        plan.prepare("toy", "smoke", [cell])


def test_validation_cells_have_other_seeds_and_initial_states(monkeypatch, tmp_path):
    (job,) = plan.prepare("toy", "smoke", load_suite(TOY).profiles["smoke"])
    cell = dataclasses.replace(job.cell, validation=True)
    (chosen,) = plan.prepare("toy", "smoke", [cell])
    assert (job.identity["seeds"], chosen.identity["seeds"]) == ([0, 1], [1000, 1001])
    assert chosen.identity["validation"] and "validation" not in job.identity
    seen = []

    def train(*args, eval_keys, **options):
        seen.append(jax.random.key_data(eval_keys).tolist())
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.resumable, "train_resumable", train)
    for j in (job, chosen):
        with pytest.raises(KeyboardInterrupt):
            runner.run([j], tmp_path)
    states = [key for keys in seen for key in keys]
    assert len({tuple(key) for key in states}) == 4, "each seed has its own"
    alone = jax.random.key_data(plan.eval_keys([1], validation=False)).tolist()
    assert alone == seen[0][1:], "whatever seeds run beside it"


def test_the_kind_of_expert_is_part_of_the_identity_unless_it_is_auto():
    assert "expert" not in source.DemoSource().identity()
    assert source.DemoSource(expert="learned").identity()["expert"] == "learned"
    cell = dataclasses.replace(
        load_suite(TOY).profiles["smoke"][0], source=source.DemoSource(pool=6, expert="learned")
    )
    with pytest.raises(UserError, match="'PointMass' has no learned expert"):
        plan.prepare("toy", "smoke", [cell])


def test_cells_are_selected_by_task_and_by_name():
    cells = load_suite(TOY).profiles["cpu"]
    assert [c.method for c in plan.select(cells, ["dagger"], None)] == ["dagger"]
    assert [c.seeds for c in plan.select(cells, ["PointMass"], 7)] == [7, 7]
    with pytest.raises(UserError, match="'bcc': did you mean bc"):
        plan.select(cells, ["bcc"], None)
    with pytest.raises(UserError, match="seeds=0"):
        plan.select(cells, [], 0)


def test_suites_are_loaded_by_name_and_from_files(tmp_path):
    assert "quickstart" in suite_names()
    with pytest.raises(UserError, match="unknown suite 'quikstart': did you mean quickstart"):
        load_suite("quikstart")
    with pytest.raises(UserError, match="no such suite file"):
        load_suite(str(tmp_path / "none.py"))
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(UserError, match="defines no SUITE"):
        load_suite(str(tmp_path / "empty.py"))


def test_identities_differ_where_results_would():
    cell = load_suite(TOY).profiles["smoke"][0]
    changes = [
        {"demos": 3}, {"seeds": 3}, {"grad_steps": 48}, {"num_evals": 2}, {"eval_episodes": 4},
        {"source": source.DemoSource(pool=6, noise=0.1)}, {"config": bc.Config()},
        {"task": "Hopper"},
    ]  # fmt: skip
    cells = [cell, *(dataclasses.replace(cell, **c) for c in changes)]
    keys = {cell_key(cell_identity("toy", "smoke", c, "native")) for c in cells}
    keys.add(cell_key(cell_identity("toy", "smoke", cell, "mjx")))
    assert len(keys) == len(cells) + 1
    assert os.sep not in "".join(keys)


def test_the_table_has_the_number_of_tried_settings(finished, monkeypatch):
    results = store.read_all(finished)
    assert (
        captions.trials_sentence(results) == ""
    )  # a suite of somebody's own, that nobody else can look up
    for trials, said in (
        ({}, "none."),
        ({"bc": 3, "vins": 8}, "bc 3; others none."),
        ({"bc": 3, "dagger": 5}, "bc 3, dagger 5."),
    ):
        monkeypatch.setitem(registry.SUITES, "toy", Suite("toy", "", {}, trials))
        assert captions.trials_sentence(results).startswith(" Settings tried on validation seeds")
        assert captions.trials_sentence(results).endswith(f": {said}")
