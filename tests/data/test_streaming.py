"""Demonstrations that stay in files: the numbers are those of data in memory."""

from __future__ import annotations

import shutil
from collections import namedtuple
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.cli import main
from imitbench.core import buffer, ops, streamed
from imitbench.core.streamed import HostArray, StreamedRows
from imitbench.data import loading, memory_map
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.runs import plan
from imitbench.suites.schema import Cell
from imitbench.training import loop
from imitbench.utils import machine
from imitbench.utils.errors import UserError

TASK = "PointMass"
LENGTHS = (7, 20, 1, 12, 20, 5, 9, 16, 20, 20)


@pytest.fixture(scope="module")
def demos() -> data.Demos:
    """Demonstrations of the toy task, cut to different lengths."""
    env = envs.make(TASK)
    whole = data.collect(env, experts.load(TASK), len(LENGTHS), noise=0.1, only_success=False)
    weight = np.arange(env.spec.horizon) < np.array(LENGTHS)[:, None]
    return whole.replace(steps=whole.steps.replace(weight=weight.astype(np.float32)))


@pytest.fixture
def small_parts(monkeypatch):
    """Sums take 10 rows at a time, other passes 16."""
    monkeypatch.setattr(streamed, "SUM_PART", 10 * 4 * 6)
    monkeypatch.setattr(streamed, "MAP_PART", 16)


ROUNDED = ("marwil", "offline_awr", "offline_rwr")
"""A network passes over all rows: products of matrices of other shapes may differ in the last bit,
so that bits are the same only where the rows are one part."""


def trained(name: str, demos: data.Demos, stream: bool, seeds_by: Any) -> Any:
    env = envs.make(TASK)
    algo = algos.build(name, shrink(algos.ALGOS[name].Config()), env.spec, env, None)
    rows = data.subset(demos, 8, [0, 1], stream=stream)
    assert streamed.is_streamed(rows.obs) == stream
    state, ev = loop.train(
        algo, rows, jnp.stack([jax.random.key(s) for s in (0, 1)]), env=env, num_updates=4,
        num_evals=2, eval_episodes=2, seeds_by=seeds_by,
    )  # fmt: skip
    return state.algo, ev.metrics, ev.returns


@pytest.mark.parametrize(
    ("name", "seeds_by"),
    [
        ("bc", "vmap"), pytest.param("bc", "threads", marks=pytest.mark.slow),
        *(pytest.param(n, "vmap", marks=pytest.mark.slow)
          for n in ("marwil", "td3_bc", "bcq", "iql", "offline_awr", "offline_rwr", "offline_ddpg",
                    "offline_td3", "offline_iq")),
    ],
)  # fmt: skip
def test_streamed_and_in_memory_give_the_same_bits(
    demos, no_cache, small_parts, monkeypatch, name, seeds_by
):
    if name in ROUNDED:
        monkeypatch.setattr(streamed, "MAP_PART", 1000)
    found = trained(name, data.memory_mapped(demos), True, seeds_by)
    expected = trained(name, demos, False, seeds_by)
    # Everything that was learned; the validation loss of BC passes over many rows.
    learned = [x.replace(best_loss=0) if name == "bc" else x for x in (found[0], expected[0])]
    jax.tree.map(np.testing.assert_array_equal, *learned)
    np.testing.assert_array_equal(found[2], expected[2])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found[1], expected[1])


def test_all_methods_that_stream_are_tested():
    tested = {p.values[0] if hasattr(p, "values") else p[0] for p in _cases()}
    assert tested == {n for n in algos.ALGOS if algos.traits(n).streams}


def _cases() -> list[Any]:
    (mark,) = test_streamed_and_in_memory_give_the_same_bits.pytestmark  # type: ignore[attr-defined]
    return mark.args[1]


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_rows_are_read_where_they_are_needed(small_parts, monkeypatch, backend):
    """A batch, a pass over all rows and their moments, alone and vmapped; with the callbacks of
    both kinds of backend."""
    monkeypatch.setattr(streamed, "reads_in_place", lambda: backend == "cpu")
    values = np.random.default_rng(0).normal(size=(73, 6)).astype(np.float32)
    index = jnp.asarray(np.random.default_rng(1).permutation(73)[:51], jnp.int32)
    rows, here = StreamedRows(index, HostArray(values)), jnp.asarray(values)[index]
    weight = (jnp.arange(51) % 5 > 0).astype(jnp.float32)
    assert rows.shape == (51, 6) and rows.ndim == 2
    pick = jnp.array([[3, 0], [50, 7]])
    np.testing.assert_array_equal(buffer.take({"a": rows}, pick)["a"], here[pick])
    assert streamed.is_streamed(buffer.select(rows, pick))
    squares = jax.jit(lambda x: streamed.map_rows(lambda part: jnp.sum(part**2, axis=1), x))(rows)
    np.testing.assert_allclose(squares, jnp.sum(here**2, axis=1), rtol=1e-6)
    a, b = (jax.jit(ops.fit_normaliser)(x, weight) for x in (rows, here))
    np.testing.assert_array_equal(a.mean, b.mean)
    np.testing.assert_array_equal(a.std, b.std)
    both = StreamedRows(jnp.stack([index, index[::-1]]), HostArray(values))
    means = jax.jit(jax.vmap(ops.fit_normaliser))(both, jnp.stack([weight, weight])).mean
    np.testing.assert_allclose(means[0], b.mean, rtol=1e-6)
    drawn = jax.jit(jax.vmap(lambda x: buffer.take(x, jnp.arange(3))))(both)
    np.testing.assert_array_equal(drawn, jnp.stack([here[:3], here[::-1][:3]]))


def test_seeds_share_one_array(demos, no_cache):
    demos = demos.replace(rows=demos.rows.replace(pose=None))
    rows: Any = data.subset(data.memory_mapped(demos), 10, list(range(5)), stream=True)
    real = sum(x.nbytes for x in data.step_arrays(demos.rows).values())
    # Four indices and five small numbers a step, for each seed.
    assert sum(x.nbytes for x in jax.tree.leaves(rows)) == 5 * sum(LENGTHS) * (4 * 4 + 11)
    assert memory_map.device_bytes(demos, 10, 5) == 5 * real


def test_files_are_made_once_and_made_again_where_damaged(demos, no_cache, monkeypatch):
    calls = []
    write = memory_map._write
    monkeypatch.setattr(memory_map, "_write", lambda *a: (calls.append(1), write(*a)))
    for _ in range(2):
        mapped = data.memory_mapped(demos)
    assert len(calls) == 1 and memory_map.is_mapped(mapped)
    jax.tree.map(np.testing.assert_array_equal, mapped.rows, demos.rows)
    assert data.memory_mapped(mapped) is mapped
    (folder,) = machine.cache_dir("rows").iterdir()
    bits = bytearray((folder / "obs.npy").read_bytes())
    bits[-5] ^= 1
    (folder / "obs.npy").write_bytes(bytes(bits))
    jax.tree.map(np.testing.assert_array_equal, data.memory_mapped(demos).rows, demos.rows)
    (folder / "action.npy").write_bytes(b"x")
    jax.tree.map(np.testing.assert_array_equal, data.memory_mapped(demos).rows, demos.rows)
    assert len(calls) == 3


def test_full_disks_and_bad_numbers(demos, no_cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as m:
        m.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 100))
        with pytest.raises(UserError, match=r"the data take 0.0 GiB, and .* free: set XDG_CACHE"):
            data.memory_mapped(demos)

    def full(*args: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as m:
        m.setattr(np.lib.format, "open_memmap", full)
        with pytest.raises(UserError, match="No space left"):
            data.memory_mapped(demos)
    assert not list(machine.cache_dir("rows").iterdir())
    obs = np.asarray(demos.rows.obs).copy()
    obs[70, 2] = np.inf
    with pytest.raises(UserError, match="a non-finite number in 'obs': remove it"):
        data.memory_mapped(demos.replace(rows=demos.rows.replace(obs=obs)))


def cell(method: str, demos: data.Demos, **source: Any) -> Cell:
    dataset = DemoSource(pool=len(demos), dataset=DatasetInMemory.of(demos), **source)
    return Cell(
        TASK,
        5,
        method,
        shrink(algos.ALGOS[method].Config()),
        grad_steps=15,
        seeds=2,
        source=dataset,
    )


def test_methods_that_cannot_are_refused_by_name(demos):
    for name in algos.ALGOS:
        if algos.traits(name).needs_demos and not algos.traits(name).streams:
            with pytest.raises(UserError, match=f"^stream: {name} cannot learn from data that"):
                loading.check_stream(cell(name, demos, stream=True).data, name)
    with pytest.raises(UserError, match="stream: vins cannot .* features of all steps at once"):
        plan.prepare("train", "cpu", [cell("vins", demos, stream=True)])


def test_the_cell_is_the_same(demos):
    jobs = [plan.prepare("x", "cpu", [cell("bc", demos, stream=s)])[0] for s in (False, True)]
    assert jobs[0].key == jobs[1].key
    assert DemoSource(stream=True).identity() == DemoSource().identity()


def test_large_data_give_a_warning(demos, monkeypatch):
    request = cell("bc", demos).data
    assert loading.memory_warnings(request, "bc", 5) == []
    monkeypatch.setattr(machine, "device_memory", lambda: 1000)
    (line,) = loading.memory_warnings(request, "bc", 5)
    assert line.startswith("the demonstrations of 5 seeds take") and "--stream" in line
    (line,) = loading.memory_warnings(request, "vins", 5)
    assert "--stream" not in line and "fewer episodes" in line
    assert loading.memory_warnings(cell("bc", demos, stream=True).data, "bc", 5) == []


@pytest.mark.slow
def test_the_command_line_streams(demos, tmp_path, no_cache, capsys):
    data.save(tmp_path / "x.npz", demos)
    words = ["train", "bc", "--task", TASK, "--data", str(tmp_path / "x.npz"), "--seeds", "2"]
    words += ["--grad-steps", "6", "--evals", "1", "--eval-episodes", "2"]
    words += ["--set", "steps=3", "--results", str(tmp_path / "results"), "--stream"]
    assert main.main(words) == 0, capsys.readouterr()
    assert "bc" in capsys.readouterr().out
    assert [len(list(p.iterdir())) for p in machine.cache_dir("rows").iterdir()] == [10]
