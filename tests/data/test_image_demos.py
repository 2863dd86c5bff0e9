"""Demonstrations with images: rendered from the poses of the full task's."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.core import rollout
from imitbench.data import loading, user_demos
from imitbench.data.sources import image_demos
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.utils import machine
from imitbench.utils.errors import UserError

TASK = "FetchReach-seg64"
SOURCE = DemoSource(pool=2, seed=4, only_success=False)


@pytest.fixture(scope="module")
def pool() -> data.Demos:
    return data.load_pool(TASK, "auto", SOURCE)


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    """The 10 numbers before the images are close, and all but 0.2% of the pixels equal."""
    numbers = [np.ascontiguousarray(x[:, :40]).view(np.float32) for x in (found, wanted)]
    np.testing.assert_allclose(*numbers, rtol=1e-3, atol=1e-4)
    assert (found[:, 40:] != wanted[:, 40:]).mean() < 0.002


def test_images_are_those_of_a_rollout(pool):
    """The expert's own rollout here; only the image after the last step is a new simulation."""
    env = envs.make(TASK)
    expert = experts.load_actor(TASK)
    run = jax.jit(lambda key: rollout.episodes(env, expert, key, 2, poses=True))
    steps = jax.tree.map(np.asarray, rollout.flatten(run(jax.random.fold_in(jax.random.key(4), 0))))
    # Two programs of XLA round differently, so numbers are close, and few pixels of edges move.
    for field in ("action", "reward", "pose", "success", "weight"):
        found, wanted = getattr(pool.rows, field), getattr(steps, field)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    close(pool.rows.obs, steps.obs)
    assert pool.rows.obs.dtype == pool.rows.next_obs.dtype == np.uint8
    last = pool.starts + pool.lengths - 1
    inner = np.setdiff1d(np.arange(100), last)
    close(pool.rows.next_obs[inner], steps.next_obs[inner])
    close(pool.rows.next_obs[last], steps.next_obs[last])
    assert (pool.rows.next_obs[last] != pool.rows.obs[last - 20]).mean() > 0.002


def test_the_same_episodes_as_those_of_the_full_task(pool):
    full = data.load_pool("FetchReach", "auto", SOURCE)
    np.testing.assert_array_equal(pool.rows.action, full.rows.action)
    assert pool.header == dataclasses.replace(full.header, task=TASK)
    assert data.load_pool(TASK, "auto", SOURCE) is pool, "the images of the last pool are kept"
    request = DataRequest(TASK, "auto", 1, SOURCE)
    assert loading.warnings(request, "bc", envs.make(TASK)) == []
    rows = loading.load_demonstrations(request, envs.make(TASK), [0, 1], configs=[bc.Config()]).rows
    assert rows.obs.shape == (2, 50, 4136) and rows.obs.dtype == np.uint8


def test_bytes_survive_a_file(pool, tmp_path):
    data.save(tmp_path / "demos.npz", pool)
    again = data.load(tmp_path / "demos.npz", envs.make(TASK).spec)
    assert again.rows.obs.dtype == np.uint8
    np.testing.assert_array_equal(again.rows.obs, pool.rows.obs)


def test_images_need_poses():
    full = data.load_pool("FetchReach", "auto", SOURCE)
    bare = full.replace(rows=full.rows.replace(pose=None))
    with pytest.raises(UserError, match="FetchReach hold no poses, of which the images of"):
        image_demos.with_images(bare, envs.make(TASK))
    with pytest.raises(UserError, match="FetchReach: expected an environment that renders"):
        image_demos.with_images(full, envs.make("FetchReach"))


def test_images_larger_than_memory_are_refused_before_any_work(monkeypatch):
    """(100 pool + 5 seeds * 20) * 50 steps * 2 images + 5 * 3000 kept, of 4,136 bytes each."""
    size = ((100 + 5 * 20) * 50 * 2 + 5 * 3000) * 4136
    env, source = envs.make(TASK), DemoSource()
    config: Any = dagger.Config(capacity=3000)
    request = DataRequest(TASK, "auto", 20, source)
    monkeypatch.setattr(machine, "device_memory", lambda: size)
    loading.check_image_memory(request, config, env, 5)
    monkeypatch.setattr(machine, "device_memory", lambda: size - 1)
    with pytest.raises(UserError, match=r"images of FetchReach-seg64 take 0\.1 GiB \(10,000 demo"):
        loading.check_image_memory(request, config, env, 5)
    loading.check_image_memory(request, config, envs.make("FetchReach"), 5)
    assert algos.stored_rows(bc.Config()) == 0


def test_a_data_set_of_the_user_keeps_bytes(pool):
    floats = pool.rows.obs.astype(np.float32)
    given = pool.replace(rows=pool.rows.replace(obs=floats))
    checked = user_demos.check_own(given)
    assert checked.rows.obs.dtype == checked.rows.next_obs.dtype == np.uint8
    np.testing.assert_array_equal(checked.rows.obs, pool.rows.obs)
    assert checked.rows.full_obs is not None and checked.rows.full_obs.dtype == np.float32
    halves = pool.replace(rows=pool.rows.replace(obs=floats + 0.5))
    with pytest.raises(UserError, match="holds images: expected bytes, whole numbers from 0 to"):
        user_demos.check_own(halves)
    short = pool.replace(rows=pool.rows.replace(full_obs=np.zeros((100, 3), np.float32)))
    with pytest.raises(UserError, match=r"'full_obs' has shape \(100, 3\), expected \(rows, 13\)"):
        user_demos.check_own(short)
