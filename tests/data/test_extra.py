"""Extra data beside demonstrations: drawn, flagged, identified, and refused where they do not
belong."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers.small_configs import shrink

import imitbench
from imitbench import algos, data, envs, experts
from imitbench.cli.train import Train
from imitbench.data import loading
from imitbench.data.rows import Demos
from imitbench.data.sources import extra
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.results.cells.cell import Result
from imitbench.results.claims.judge import place_name
from imitbench.runs import plan
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

TASK = "PointMass"
ZEROS = DemoSource(pool=8, grade="still")
SOURCE = DemoSource(pool=6, extra=ZEROS, extra_episodes=5)


@pytest.fixture(scope="module")
def parts() -> tuple[Demos, Demos]:
    """Six demonstrations, and eight episodes of all-zero actions."""
    env = envs.make(TASK)
    demos = data.collect(env, experts.load(TASK), 6, only_success=False)
    still = data.collect_from(env, ZEROS)
    return demos, still


def cell(method: str, source: DemoSource, **settings: Any) -> Cell:
    config = shrink(algos.ALGOS[method].Config())
    sizes: dict[str, Any] = {"grad_steps": 9, "seeds": 2, "num_evals": 1}
    return Cell(TASK, 2, method, config, source=source, **sizes, **settings)


def test_each_seed_draws_demonstrations_and_extra_episodes(parts):
    demos, still = parts
    rows = extra.subset(demos, 2, still, 5, [0, 1])
    alone = data.subset(demos, 2, [0, 1])
    assert rows.extra is not None and rows.sizes is not None and rows.pose is None
    n = alone.weight.shape[1]
    assert rows.sizes.count == 7
    for s in range(2):
        flags = np.asarray(rows.extra[s])
        assert not flags[:n].any() and flags[n:].all()
        np.testing.assert_array_equal(rows.obs[s, :n], alone.obs[s])
        np.testing.assert_array_equal(np.asarray(rows.action[s])[n:], 0.0)
    firsts = [np.asarray(rows.obs[s])[n] for s in range(2)]
    assert (firsts[0] != firsts[1]).any()  # seeds draw their own
    assert alone.extra is None


def test_shorter_seeds_are_filled_up_after_their_extra_episodes(parts):
    """Episodes of 3 to 20 steps: rows without weight come last, and are no demonstrations."""
    demos, still = parts
    lengths = np.array([3, 20, 7, 12, 20, 5, 9, 16])
    weight = np.arange(20) < lengths[:, None]
    still = still.replace(steps=still.steps.replace(weight=weight.astype(np.float32)))
    rows = extra.subset(demos, 2, still, 3, [0, 1, 2])
    assert rows.extra is not None
    for s in range(3):
        real = np.asarray(rows.weight[s]) > 0
        assert real[: real.sum()].all()
        assert np.asarray(rows.extra[s])[real].sum() == real.sum() - 40


def test_one_step_in_so_many_is_kept_of_both(parts):
    rows = extra.subset(parts[0], 2, parts[1], 5, [0], same=True, stride=4)
    real = np.asarray(rows.weight) > 0
    assert rows.weight.ndim == 1 and real.sum() == 7 * 5
    assert np.asarray(rows.extra)[real].sum() == 5 * 5


def test_more_than_there_are_cannot_be_drawn(parts):
    with pytest.raises(UserError, match="9 demonstrations asked for, but the data set .* has 8"):
        extra.subset(parts[0], 2, parts[1], 9, [0])


def test_a_data_set_in_memory_is_known_by_its_checksum(parts):
    own = DatasetInMemory.of(parts[1])
    further = DemoSource(pool=8, dataset=own)
    identity = DemoSource(pool=6, extra=further, extra_episodes=8).identity()
    assert identity["extra"]["dataset"] == own.sha256


def test_extra_data_are_part_of_the_identity_and_of_the_place():
    identity = SOURCE.identity()
    assert identity["extra"]["grade"] == "still" and identity["extra_episodes"] == 5
    plain = DemoSource(pool=6).identity()
    assert identity == plain | {"extra": ZEROS.identity(), "extra_episodes": 5}
    assert "extra" not in plain  # cells that are older keep their identity
    info = {
        "identity": {"task": TASK, "demos": 2, "source": identity},
        "demonstrations": {"expert": "scripted", "grade": "expert"},
    }
    empty: Any = None
    result = Result(info, empty, empty, empty)
    assert result.place == (TASK, 2, "scripted plus 5 still")
    assert place_name(result.place) == "PointMass 2, scripted expert plus 5 still"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"extra_episodes": 3},
            "extra_episodes=3 with extra=None: expected a source and 1 or more",
        ),
        ({"extra": ZEROS}, "extra_episodes=0 with extra=.*: expected a source and 1 or more"),
        ({"extra": ZEROS, "extra_episodes": 9}, "extra_episodes=9: the pool .* has 8 episodes"),
        ({"extra": ZEROS, "extra_episodes": -1}, "extra_episodes=-1"),
        ({"extra": SOURCE, "extra_episodes": 2}, "extra.extra=.*: extra data are collected"),
        (
            {"extra": dataclasses.replace(ZEROS, stride=2), "extra_episodes": 2},
            "extra.stride=2: extra data are collected",
        ),
        ({"extra": ZEROS, "extra_episodes": 2, "stream": True}, "leave stream and behaviour out"),
    ],
)
def test_contradictory_sources_are_refused(source, message):
    with pytest.raises(UserError, match=message):
        DemoSource(pool=6, **source).identity()


def test_methods_without_a_use_for_extra_data_refuse_them_and_others_need_them():
    for method in ("bc", "sac"):
        words = f"{method} takes no extra data: .*, or use demodice, smodice"
        with pytest.raises(UserError, match=words):
            plan.prepare("x", "cpu", [cell(method, SOURCE)])
    for method in ("smodice", "demodice"):
        with pytest.raises(
            UserError, match=f"{method} learns from extra data .* there are none: .*--extra-demos"
        ):
            plan.prepare("x", "cpu", [cell(method, DemoSource(pool=6))])
    with pytest.raises(UserError, match="grade"):
        unknown = dataclasses.replace(ZEROS, grade="worst")
        plan.prepare("x", "cpu", [cell("smodice", dataclasses.replace(SOURCE, extra=unknown))])


def test_rows_of_a_cell_have_both(no_cache):
    (job,) = plan.prepare("x", "cpu", [cell("smodice", SOURCE)])
    request = job.cell.data
    rows, header, _ = loading.load_demonstrations(
        request, job.env, [0, 1], configs=[job.cell.config]
    )
    assert rows.extra is not None and int(np.sum(rows.extra[0])) == 5 * 20
    assert header is not None and header.grade == "expert"
    assert loading.warnings(request, "smodice", job.env) == []
    assert loading.memory_warnings(request, "smodice", 2) == []


def test_warnings_about_own_extra_data_say_that_they_are_extra(no_cache, parts):
    own = DemoSource(pool=8, dataset=DatasetInMemory.of(parts[1]))
    source = dataclasses.replace(SOURCE, extra=own)
    (job,) = plan.prepare("x", "cpu", [cell("smodice", source)])
    lines = loading.warnings(job.cell.data, "smodice", job.env)
    assert lines and all(line.startswith("extra data: ") for line in lines)
    assert "action components 0, 1 of PointMass never change" in lines[-1]


def test_the_command_line_names_a_grade():
    options = Train("smodice", TASK, demos=2, extra_demos=120, extra_grade="medium")
    source = options.cell().source
    assert source.extra == DemoSource(pool=120, grade="medium") and source.extra_episodes == 120
    assert Train("bc", TASK, demos=2).cell().source.extra is None


@pytest.mark.slow
def test_the_public_face_takes_a_data_set(parts, no_cache):
    demos, still = parts
    env = imitbench.make_env(TASK)
    config = shrink(algos.ALGOS["smodice"].Config())
    run = imitbench.train(
        "smodice", env, demos, extra=still, num_demos=2, seeds=2, grad_steps=9, evals=1,
        eval_episodes=2, config=config,
    )  # fmt: skip
    frame = run.frame()
    assert np.isfinite(frame["return"]).all()


def test_extra_data_of_another_task_are_refused_before_training(parts):
    demos = parts[0]
    env = imitbench.make_env(TASK)
    other = imitbench.collect(imitbench.make_env("ProbeGoal"), episodes=2)
    with pytest.raises(UserError, match="the extra data are of 'ProbeGoal', .* is 'PointMass'"):
        imitbench.train("smodice", env, demos, extra=other)
