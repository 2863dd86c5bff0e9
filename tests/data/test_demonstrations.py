"""Collecting demonstrations, drawing subsets, and npz files with checks."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imitbench import data, envs, experts
from imitbench.core.types import Transition
from imitbench.utils.errors import UserError


def same(a: data.Demos, b: data.Demos) -> None:
    jax.tree.map(np.testing.assert_array_equal, a.steps, b.steps)
    assert a.header == b.header


def test_collection_is_seeded_and_successful(env, demos):
    assert demos.steps.obs.shape == (12, env.spec.horizon, env.spec.obs_size)
    assert demos.steps.success[:, -1].all()
    same(demos, data.collect(env, experts.load("PointMass"), 12, seed=3))
    other = data.collect(env, experts.load("PointMass"), 12, seed=4)
    assert not np.array_equal(other.steps.obs, demos.steps.obs)
    np.testing.assert_array_equal(demos.steps.obs[:, 1:], demos.steps.next_obs[:, :-1])
    np.testing.assert_array_equal(demos.steps.action, demos.steps.intended_action)


def test_failures_are_kept_only_on_request(env):
    expert = experts.load("PointMass")

    def poor(key, obs):
        """Does nothing where the goal lies on the left."""
        return jnp.where(obs[..., 4:5] > 0, expert(key, obs), 0.0)

    everything = data.collect(env, poor, 200, only_success=False)
    share = everything.steps.success[:, -1].mean()
    assert 0.3 < share < 0.7
    assert everything.header.attempted == 200
    assert everything.header.success_final == pytest.approx(share)
    some = data.collect(env, poor, 4)
    assert some.steps.success[:, -1].all() and len(some.steps.weight) == 4
    never = lambda key, obs: jnp.full((*obs.shape[:-1], 2), 1.0)  # noqa: E731
    with pytest.raises(UserError, match="succeeded in 0 of 60 episodes: 3 were asked for"):
        data.collect(env, never, 3)


def test_noise_is_executed_and_not_intended(env):
    noisy = data.collect(env, experts.load("PointMass"), 20, noise=0.1, only_success=False)
    steps = noisy.steps
    expected = experts.load("PointMass")(jax.random.key(0), jnp.asarray(steps.obs))
    np.testing.assert_allclose(steps.intended_action, expected, atol=1e-6)
    inside = np.abs(steps.intended_action) < 0.6
    spread = (steps.action - steps.intended_action)[inside].std()
    assert 0.08 < spread < 0.12 and np.abs(steps.action).max() <= 1
    for name in ("noise", "uniform"):
        for bad in (-0.1, float("nan"), float("inf")):
            disturbance: dict[str, Any] = {name: bad}
            with pytest.raises(UserError, match=f"{name}={bad}: expected a finite number"):
                data.collect(env, experts.load("PointMass"), 2, **disturbance)
    with pytest.raises(UserError, match="ProbePolicy has discrete actions"):
        data.collect(envs.make("ProbePolicy"), experts.load("ProbePolicy"), 2, noise=0.1)


def test_subsets_are_per_seed_without_replacement(demos, env):
    rows = data.subset(demos, 5, [0, 1, 7])
    horizon = env.spec.horizon
    assert rows.obs.shape == (3, 5 * horizon, env.spec.obs_size)
    starts = np.asarray(rows.obs[:, ::horizon])
    pool = {tuple(x) for x in demos.steps.obs[:, 0].tolist()}
    for s in starts:
        drawn = {tuple(x) for x in s.tolist()}
        assert len(drawn) == 5 and drawn <= pool
    assert not np.array_equal(starts[0], starts[1])
    alone = data.subset(demos, 5, [7])
    np.testing.assert_array_equal(alone.obs[0], rows.obs[2])
    shared = data.subset(demos, 5, [7, 0], same=True)
    np.testing.assert_array_equal(shared.obs, rows.obs[2])
    for k in (0, 13):
        with pytest.raises(
            UserError, match=f"{k} demonstrations asked for.*has 12: ask for 1 to 12"
        ):
            data.subset(demos, k, [0])


def test_files_round_trip_to_the_same_bytes(demos, env, tmp_path):
    for name in ("a.npz", "b.npz"):
        data.save(tmp_path / name, demos)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    same(data.load(tmp_path / "a.npz", env.spec), demos)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def rewrite(path, change) -> None:
    """Changes the arrays of a file and makes its checksum right again."""
    from imitbench.data.formats.npz import checksum

    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    header = json.loads(arrays.pop("header").tobytes())
    change(arrays, header)
    if "sha256" in header:
        header["sha256"] = checksum(arrays)
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, header=text, **arrays)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a, h: a["label"].__setitem__((1, 2, 0), np.nan), r"'label' has a non-finite.*\[1"),
        (lambda a, h: a.update(obs=a["obs"][..., :4]), r"shape \(240, 4\), expected \(rows, 6\)"),
        (lambda a, h: a.update(weight=a["weight"][0]), r"the weights have \(20,\): expected"),
        (lambda a, h: a.update(weight=0 * a["weight"]), "nothing to learn from"),
        (lambda a, h: a.pop("reward"), "arrays reward are missing or unknown"),
        (lambda a, h: a.update(extra=a["obs"]), "arrays extra are missing or unknown"),
        (lambda a, h: h.update(schema=99), "schema 99, this version reads 1"),
        (lambda a, h: h.update(colour="red"), "bad header"),
        (lambda a, h: h.pop("sha256"), "sha256 is not the one"),
    ],
)  # fmt: skip
def test_bad_contents_are_named(demos, env, tmp_path, change, expected):
    path = tmp_path / "x.npz"
    data.save(path, demos)
    rewrite(path, change)
    with pytest.raises(UserError, match=expected) as error:
        data.load(path, env.spec)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_a_changed_number_fails_the_checksum(demos, env, tmp_path):
    path = tmp_path / "x.npz"
    steps = demos.steps.replace(reward=demos.steps.reward + 0)
    data.save(path, data.Demos(steps, demos.header))
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    arrays["reward"] = arrays["reward"] + 1
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="is damaged: its sha256"):
        data.load(path, env.spec)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        data.load(tmp_path / "none.npz")


def test_pickles_are_never_opened(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match="not a readable data set|is damaged"):
        data.load(path)


def test_a_stride_keeps_one_step_in_so_many(demos):
    whole = data.subset(demos, 4, [0, 1])
    thin = data.subset(demos, 4, [0, 1], stride=3)
    horizon = demos.steps.weight.shape[1]
    weight = np.asarray(thin.weight).reshape(2, 4, horizon)
    np.testing.assert_array_equal(thin.obs, whole.obs)
    for episode in weight.reshape(-1, horizon):
        kept = np.flatnonzero(episode)
        assert kept[0] < 3 and (np.diff(kept) == 3).all() and kept[-1] >= horizon - 3
    assert len({int(np.flatnonzero(e)[0]) for e in weight.reshape(-1, horizon)}) > 1
    with pytest.raises(
        UserError, match=f"stride={horizon + 1}: expected 1 to {horizon}, the steps"
    ):
        data.subset(demos, 4, [0], stride=horizon + 1)


def test_the_steps_that_a_stride_keeps_depend_on_the_seed_alone(demos):
    """Seeds that are added to a cell learn from what they had learned from at once with others."""
    at_once = data.subset(demos, 4, range(6), stride=3)
    added = data.subset(demos, 4, [4, 5], stride=3)
    np.testing.assert_array_equal(added.weight, np.asarray(at_once.weight)[4:])
    assert not np.array_equal(added.weight, np.asarray(at_once.weight)[:2])


def test_data_of_another_task_is_refused(demos, tmp_path):
    path = tmp_path / "x.npz"
    data.save(path, demos)
    with pytest.raises(UserError, match="expected"):
        data.load(path, envs.make("FetchReach").spec)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(blob=st.binary(max_size=400), cut=st.floats(0, 1), flip=st.integers(0, 10**6))
def test_damaged_files_raise_a_clear_error(demos, env, tmp_path, blob, cut, flip):
    path = tmp_path / "x.npz"
    path.write_bytes(blob)
    with pytest.raises(UserError):
        data.load(path, env.spec)
    buffer = io.BytesIO()
    small = dataclasses.replace(demos.header)
    data.save(path, data.Demos(jax.tree.map(lambda x: x[:1], demos.steps), small))
    good = bytearray(path.read_bytes())
    path.write_bytes(bytes(good[: int(cut * (len(good) - 1))]))
    with pytest.raises(UserError):
        data.load(path, env.spec)
    good[flip % len(good)] ^= 0xFF
    path.write_bytes(bytes(good))
    try:
        got = data.load(path, env.spec)
    except UserError:
        return
    # A flipped byte may hit padding or a time stamp: then the contents must be the old ones.
    assert isinstance(got.steps, Transition) and zipfile.is_zipfile(path)
    np.testing.assert_array_equal(got.steps.obs, demos.steps.obs[:1])
    buffer.close()


def test_the_cache_is_read_and_damaged_files_are_replaced(no_cache):
    first = data.load_pool("PointMass", "native", data.DemoSource(pool=4, seed=1))
    from imitbench.utils.machine import cache_dir

    (file,) = cache_dir("demos").glob("*.npz")
    stamp = file.stat().st_mtime_ns
    same(data.load_pool("PointMass", "native", data.DemoSource(pool=4, seed=1)), first)
    assert file.stat().st_mtime_ns == stamp
    file.write_bytes(b"damaged")
    same(data.load_pool("PointMass", "native", data.DemoSource(pool=4, seed=1)), first)
    data.load_pool("PointMass", "native", data.DemoSource(pool=4, seed=2))
    assert len(list(cache_dir("demos").glob("*.npz"))) == 2
