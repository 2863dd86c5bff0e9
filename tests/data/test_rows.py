"""Episodes of different lengths: rows without padding, in memory, in files and for each seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pytest

from imitbench import data, envs
from imitbench.algos.cloning import bc
from imitbench.core.types import Transition
from imitbench.data import loading
from imitbench.data.rows import row_index
from imitbench.data.sources.source import DataRequest, DatasetInMemory, DemoSource
from imitbench.utils.errors import UserError

TASK = "PointMass"
LENGTHS = (7, 20, 1, 12, 20, 5)


def padded(lengths: Any = LENGTHS, horizon: int = 20) -> Transition:
    """Episodes [K, T, ...] of made-up numbers; what follows an end is rubbish of weight 0."""
    spec, rng = envs.make(TASK).spec, np.random.default_rng(0)
    lead = (len(lengths), horizon)
    obs = rng.normal(size=(len(lengths), horizon + 1, spec.obs_size)).astype(np.float32)
    action: Any = rng.uniform(-1, 1, (*lead, spec.action_size)).astype(np.float32)
    reward: Any = rng.normal(size=lead).astype(np.float32)
    no: Any = np.zeros(lead, bool)
    weight: Any = (np.arange(horizon) < np.array(lengths)[:, None]).astype(np.float32)
    ends: Any = no.copy()
    ends[np.arange(len(lengths)), np.array(lengths) - 1] = np.array(lengths) < horizon
    next_obs: Any = obs[:, 1:]
    current: Any = obs[:, :-1]
    return Transition(current, action, action, reward, next_obs, ends, no, no, weight)


def made(lengths: Any = LENGTHS) -> data.Demos:
    steps = padded(lengths)
    header = data.make_header(
        TASK, np.zeros(len(lengths)), None, expert="x", engine="x", grade="expert"
    )
    return data.Demos(steps, header)


def test_rows_hold_the_real_steps_alone():
    demos, steps = made(), padded()
    assert demos.lengths.tolist() == list(LENGTHS) and len(demos) == len(LENGTHS)
    assert demos.rows.obs.shape[0] == sum(LENGTHS) and demos.rows.weight.all()
    for k, n in enumerate(LENGTHS):
        np.testing.assert_array_equal(demos.episode(k).obs, steps.obs[k, :n])
        np.testing.assert_array_equal(demos.steps.action[k, :n], steps.action[k, :n])
        # Filled up with the last state.
        assert (demos.steps.obs[k, n:] == steps.next_obs[k, n - 1]).all()
    np.testing.assert_array_equal(demos.steps.weight, steps.weight)
    full = made((20, 20))
    assert np.shares_memory(full.steps.obs, full.rows.obs)
    two = demos.select([3, 0])
    assert two.lengths.tolist() == [12, 7]
    np.testing.assert_array_equal(two.episode(1).obs, demos.episode(0).obs)


def test_a_gap_stays_and_bad_shapes_are_refused():
    steps = padded((4, 3))
    weight = np.asarray(steps.weight).copy()
    weight[0, 1] = 0  # in the middle
    demos = data.Demos(steps.replace(weight=weight), made().header)
    assert demos.lengths.tolist() == [4, 3] and demos.rows.weight.tolist() == [1, 0, 1, 1, 1, 1, 1]
    short = steps.replace(reward=steps.reward[:1])
    with pytest.raises(UserError, match=r"array 'reward' has shape \(1, 20\) and the weights"):
        data.Demos(short, made().header)
    with pytest.raises(UserError, match=r"sum 6: expected positive numbers whose sum is 7"):
        data.Demos(demos.rows, demos.header, [4, 2])


@pytest.mark.parametrize("lengths", [LENGTHS, (5, 5), (20, 20)])
def test_files_hold_episodes_of_any_lengths(tmp_path, lengths):
    demos, path = made(lengths), tmp_path / "x.npz"
    data.save(path, demos)
    again = data.load(path, envs.make(TASK).spec)
    jax.tree.map(np.testing.assert_array_equal, again.rows, demos.rows)
    np.testing.assert_array_equal(again.lengths, demos.lengths)
    with np.load(path) as file:
        header = json.loads(file["header"].tobytes())
        assert file["obs"].shape[:2] == (
            (sum(lengths), 6) if lengths == LENGTHS else (2, lengths[0])
        )
        assert ("episode_length" in file.files) == (header["schema"] == 4) == (lengths == LENGTHS)


def test_old_files_with_padding_are_read(tmp_path):
    from imitbench.utils import npz

    arrays, path = data.step_arrays(padded()), tmp_path / "x.npz"
    header = vars(made().header) | {"schema": 3, "sha256": npz.checksum(arrays)}
    npz.write(path, header, arrays)
    jax.tree.map(np.testing.assert_array_equal, data.load(path).rows, made().rows)


def test_bad_rows_of_files(tmp_path):
    spec = envs.make(TASK).spec
    from imitbench.data.validate import check_steps

    rows = made().rows
    early = np.asarray(rows.terminated).copy()
    early[9] = True  # step 2 of episode 1
    demos = made()
    with pytest.raises(UserError, match="x: episode 1 goes on for 20 steps, but ends at step 3"):
        check_steps(demos.replace(rows=rows.replace(terminated=early)), spec, "x")
    bad = np.asarray(rows.obs).copy()
    bad[27, 1] = np.nan
    with pytest.raises(UserError, match=r"x: array 'obs' has a non-finite number at \[2, 0, 1\]"):
        check_steps(demos.replace(rows=rows.replace(obs=bad)), spec, "x")
    steps = padded()
    longer = jax.tree.map(lambda x: np.concatenate([x, x], axis=1), steps)
    with pytest.raises(UserError, match="x: episode 1 has 40 steps, .* have 1 to 20"):
        check_steps(data.Demos(longer, demos.header), spec, "x")


def test_seeds_are_filled_up_to_the_longest():
    demos, seeds = made(), [0, 1, 2]
    rows = data.subset(demos, 3, seeds)
    assert rows.sizes is not None and rows.sizes.count == 3
    longest = []
    for s, seed in enumerate(seeds):
        drawn = np.random.default_rng([seed, 0xDE305]).choice(6, 3, replace=False)
        index = row_index(demos.starts[drawn], demos.lengths[drawn])
        n = len(index)
        np.testing.assert_array_equal(rows.obs[s, :n], np.asarray(demos.rows.obs)[index])
        assert not rows.weight[s, n:].any() and not rows.obs[s, n:].any()
        ends = np.cumsum(demos.lengths[drawn]) - 1
        found = np.flatnonzero(np.asarray(rows.terminated | rows.truncated)[s])
        np.testing.assert_array_equal(found, ends)  # each episode ends one way or the other
        longest.append(n)
    assert rows.weight.shape[1] == max(longest) and len(set(longest)) > 1
    shared = data.subset(demos, 3, [1, 0], same=True)
    np.testing.assert_array_equal(shared.obs, rows.obs[1, : longest[1]])
    # One step in three: 7 steps have two or three, 12 have four.
    thin = np.asarray(data.subset(demos.select([0, 3]), 2, [0], stride=3).weight)[0]
    first = int(demos.lengths[[0, 3]][np.random.default_rng([0, 0xDE305]).choice(2, 2, False)][0])
    parts = {first: thin[:first].sum(), 19 - first: thin[first:].sum()}
    assert parts[12] == 4 and parts[7] in (2, 3)


SHORT = """
import resource
import numpy as np
from imitbench import data
from imitbench.data.recordings.conversion import to_demos
from imitbench.data.recordings.recording import Episode, Recording
from imitbench import envs
K, n, O, A = 300, 20, 348, 17
rng = np.random.default_rng(0)
episodes = [
    Episode({"observation": rng.normal(size=(n + 1, O))}, rng.uniform(-1, 1, (n, A)), None,
            np.full(n, 5.0), np.arange(n) == n - 1)
    for _ in range(K)
]
spec = envs.make("Humanoid-fh").spec
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
demos = to_demos(Recording("x", "x", episodes), "Humanoid-fh", spec)
rows = data.subset(demos, K, list(range(5)))
real = sum(x.nbytes for x in data.step_arrays(demos.rows).values())
import jax
print(K * n * (2 * O + 2 * A + 2) * 4, real, sum(x.nbytes for x in jax.tree.leaves(rows)),
      1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


@pytest.mark.slow
def test_many_short_episodes_take_the_memory_of_their_steps():
    """300 episodes of 20 steps where the time limit is 1,000: filled up, 40 times as much."""
    done = subprocess.run(
        [sys.executable, "-c", SHORT], capture_output=True, text=True, check=True, timeout=120,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    expected, held, subset, peak = map(int, done.stdout.split())
    assert held <= 1.2 * expected
    assert subset <= 1.2 * 5 * expected
    assert peak <= 15 * expected  # arrays of both, and copies on the way


def demonstrated(demos: data.Demos, k: int, **changes: Any) -> int:
    source = DemoSource(dataset=DatasetInMemory.of(demos), **changes)
    request, env = DataRequest(TASK, "auto", k, source), envs.make(TASK)
    return loading.load_demonstrations(
        request, env, [0, 1], configs=[bc.Config()]
    ).demonstrated_steps


def test_demonstrated_steps_are_those_of_the_episodes():
    """Six episodes of 7, 20, 1, 12, 20 and 5 steps, 65 in all."""
    demos = made()
    assert demonstrated(demos, 6) == 65 and demonstrated(demos, 2) == 22  # 21.67 on average
    weight = np.asarray(padded().weight).copy()
    weight[0, 1] = 0  # a step of weight 0 inside an episode
    gap = data.Demos(padded().replace(weight=weight), demos.header)
    assert demonstrated(gap, 6) == 64
    assert demonstrated(demos, 0) == 0
    horizon = envs.make(TASK).spec.horizon
    full = data.Demos(padded((horizon,) * 3, horizon), made((20,) * 3).header)
    for stride in (1, 3, 20):
        assert demonstrated(full, 2, stride=stride) == 2 * horizon // stride


def test_seeds_that_a_cell_lacks_share_the_subset_of_its_first_one():
    demos = made()
    source = DemoSource(dataset=DatasetInMemory.of(demos), same_subset=True)
    request, env = DataRequest(TASK, "auto", 2, source), envs.make(TASK)
    asks: dict[str, Any] = {"request": request, "env": env, "configs": [bc.Config()]}
    whole = loading.load_demonstrations(**asks, seeds=range(8)).rows.obs
    added = [
        loading.load_demonstrations(**asks, seeds=[seed], first_seed=0).rows.obs
        for seed in range(1, 8)
    ]
    for rows in added:
        np.testing.assert_array_equal(rows, whole)
    alone = [loading.load_demonstrations(**asks, seeds=[s]).rows.obs for s in range(8)]
    assert len({x.shape for x in alone} | {float(x.sum()) for x in alone}) > 2
