"""Policies compared by their episodes, in every format that is read."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.stats
from helpers.fake_results import rewrite

from imitbench import data, envs, experts
from imitbench.cli import main
from imitbench.results import policy_trials
from imitbench.results.cells import store
from imitbench.results.policy_trials import comparison
from imitbench.results.policy_trials.trials import make_trials
from imitbench.results.stats import sequential
from imitbench.utils import npz
from imitbench.utils.errors import UserError

A = np.array([1, 1, 1, 1, 1, 1, 0, 1], bool)
B = np.array([1, 0, 0, 0, 1, 0, 0, 0], bool)
STATES = tuple("abcdefgh")


def trials(name: str, success=None, returns=None, states=None) -> policy_trials.Trials:
    return make_trials(name, success, returns, states, "here")


def test_pairs_are_the_episodes_from_the_same_states():
    order = [7, 0, 3, 2, 1, 6, 5, 4]
    shuffled = trials("b", B[order], states=tuple(STATES[i] for i in order))
    (pair,) = policy_trials.compare_policies([trials("a", A, states=STATES), shuffled])
    assert (pair.pairs, pair.wins, pair.losses) == (8, 5, 0)
    assert pair.p == pytest.approx(sequential.mcnemar(5, 0)) and pair.p_adjusted == pair.p
    assert pair.e_value == pytest.approx(math.exp(sequential.log_e_value(5, 0)))
    assert not pair.decided and pair.pairs_needed == math.ceil(2 * 8 / 5)
    assert pair.lead.value == pytest.approx(5 / 8)
    more = "no difference is shown between a and b; about 4 more pairs needed"
    assert comparison.sentence(pair) == more


def test_enough_pairs_decide():
    states = tuple(map(str, range(32)))
    many = [trials(x, np.repeat(s, 4), states=states) for x, s in (("a", A), ("b", B))]
    (pair,) = policy_trials.compare_policies(many)
    assert pair.decided and pair.pairs_needed == 0
    assert comparison.sentence(pair) == "a succeeds more often than b: decided after 32 pairs"
    (back,) = policy_trials.compare_policies(many[::-1])
    assert comparison.sentence(back).startswith("a succeeds more often than b")


def test_the_output_says_which_episodes_were_compared(tmp_path):
    """A file as a spreadsheet writes it: b has no episodes 6 and 7, a has no episode 8."""
    rows = [f"a,{i},{int(x)}" for i, x in enumerate(A)]
    rows += [f"b,{i},{int(x)}" for i, x in zip((0, 1, 2, 3, 4, 5, 8), B, strict=False)]
    path = tmp_path / "trials.csv"
    path.write_text("\n".join(["policy,episode,success", *rows]), encoding="utf-8-sig")
    (pair,) = policy_trials.compare_policies(policy_trials.read_trials(str(path)))
    assert (pair.pairs, pair.wins, pair.losses, pair.alone) == (6, 4, 0, (2, 1))
    assert comparison.pairing(pair) == (
        "6 pairs, by the column episode: a alone succeeded in 4, b alone in 0; 2 of a and 1 of b "
        "without a partner count in their own mean alone"
    )
    path.write_text("\n".join(["policy,trial,success", *rows]), encoding="utf-8")
    (apart,) = policy_trials.compare_policies(policy_trials.read_trials(str(path)))
    assert apart.alone == (0, 0)
    assert "a and b have no pairs: with names of the initial" in comparison.pairing(apart)
    whole = [trials(x, s[:6], states=STATES[:6]) for x, s in (("a", A), ("b", B))]
    (pair,) = policy_trials.compare_policies(whole)
    assert comparison.pairing(pair) == "6 pairs: a alone succeeded in 4, b alone in 0"


def test_without_states_episodes_are_not_paired():
    (pair,) = policy_trials.compare_policies([trials("a", A), trials("b", B, states=STATES)])
    assert pair.pairs == 0 and math.isnan(pair.e_value) and pair.pairs_needed is None
    theirs = scipy.stats.barnard_exact([[7, 2], [1, 6]]).pvalue
    assert pair.p == pytest.approx(theirs)


def test_returns_are_compared_where_success_is_unknown():
    x, y = np.arange(8.0) + 1, np.arange(8.0)
    wobble = np.array([0.1, -0.1, 0.0, 0.1, -0.1, 0.0, 0.1, 0.0])
    paired = [trials("a", returns=x + wobble, states=STATES), trials("b", returns=y, states=STATES)]
    (pair,) = policy_trials.compare_policies(paired)
    assert pair.measure == "return" and pair.p < 1e-6
    assert comparison.sentence(pair).startswith("a has a higher return than b")
    (apart,) = policy_trials.compare_policies([t._replace(states=None) for t in paired])
    assert apart.p > 0.3
    with pytest.raises(UserError, match="a and c have no measure in common"):
        policy_trials.compare_policies([paired[0], trials("c", B)])


def test_p_values_of_several_policies_are_adjusted():
    several = [trials(x, s, states=STATES) for x, s in (("a", A), ("b", B), ("c", ~A))]
    found = policy_trials.compare_policies(several)
    assert [(p.a, p.b) for p in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].p_adjusted == pytest.approx(min(3 * found[0].p, 1.0))


def test_csv(tmp_path):
    path = tmp_path / "trials.csv"
    rows = [
        f"{name},{s},{int(x)}"
        for name, outcomes in (("a", A), ("b", B))
        for s, x in zip(STATES, outcomes, strict=True)
    ]
    path.write_text("\n".join(["Policy,initial_state,success", *rows]), encoding="utf-8")
    first, second = policy_trials.read_trials(str(path))
    assert (first.policy, second.policy) == ("a", "b") and first.states == STATES
    np.testing.assert_array_equal(second.success, B)
    alone = tmp_path / "mine.csv"
    alone.write_text("return\n1.5\n-2\n", encoding="utf-8")
    (only,) = policy_trials.read_trials(str(alone))
    assert only.policy == "mine" and only.states is None and only.success is None
    assert only.returns is not None and only.returns.tolist() == [1.5, -2.0]


def eval_info(folder: Path, success: np.ndarray) -> Path:
    rows = [
        {"episode_ix": i, "sum_reward": float(x), "max_reward": 1.0, "success": bool(x), "seed": i}
        for i, x in enumerate(success)
    ]
    folder.mkdir()
    path = folder / "eval_info.json"
    path.write_text(json.dumps({"per_episode": rows, "aggregated": {}}), encoding="utf-8")
    return path


def test_lerobots_eval_info(tmp_path):
    (one,) = policy_trials.read_trials(str(eval_info(tmp_path / "act", A)))
    assert one.policy == "act" and one.states == tuple(map(str, range(8)))
    np.testing.assert_array_equal(one.success, A)
    metrics = {"successes": [True, False], "sum_rewards": [1.0, 0.0], "max_rewards": [1.0, 0.0]}
    tasks = [{"task_group": "libero", "task_id": i, "metrics": metrics} for i in range(2)]
    path = tmp_path / "eval_info.json"
    path.write_text(json.dumps({"per_task": tasks, "overall": {}}), encoding="utf-8")
    (several,) = policy_trials.read_trials(str(path))
    assert several.states == ("libero/0/0", "libero/0/1", "libero/1/0", "libero/1/1")


def test_minari(tmp_path):
    (tmp_path / "set" / "data").mkdir(parents=True)
    with h5py.File(tmp_path / "set" / "data" / "main_data.hdf5", "w") as file:
        for k in range(3):
            group = file.create_group(f"episode_{k}")
            group.create_dataset("rewards", data=np.full(4, float(k)))
            group.create_dataset("infos/success", data=np.array([False, k > 0, False, False]))
            group.attrs["seed"] = 10 + k
    (only,) = policy_trials.read_trials(str(tmp_path / "set"))
    assert only.policy == "set" and only.states == ("10", "11", "12")
    assert only.returns is not None and only.returns.tolist() == [0.0, 4.0, 8.0]
    assert only.success is not None and only.success.tolist() == [False, True, True]


def test_folders_of_rollouts(tmp_path):
    """Recorded with other noise from the same states, in one file and in two."""
    env = envs.make("PointMass")
    expert = experts.load("PointMass", spec=env.spec)
    good, bad = (
        data.collect(env, expert, 6, seed=3, noise=noise, only_success=False)
        for noise in (0.0, 2.0)
    )
    data.save(tmp_path / "good" / "all.npz", good)
    for name, rows in (("1.npz", slice(0, 4)), ("2.npz", slice(4, 6))):
        data.save(tmp_path / "bad" / name, bad.select(range(6)[rows]))
    a, b = (policy_trials.read_trials(str(tmp_path / x))[0] for x in ("good", "bad"))
    assert (a.policy, b.policy) == ("good", "bad") and a.states == b.states
    assert a.returns is not None and a.success is not None and b.success is not None
    np.testing.assert_allclose(a.returns, good.steps.reward.sum(1), rtol=1e-6)
    np.testing.assert_array_equal(b.success, bad.steps.success[:, -1])
    (pair,) = policy_trials.compare_policies([a, b])
    assert pair.pairs == 6
    assert policy_trials.read_trials(str(tmp_path / "good" / "all.npz"))[0].states == a.states
    (fetch,) = policy_trials.read_trials(str(tmp_path / "good"))
    with pytest.raises(UserError, match="good is of PointMass, bad of Hopper: expected one task"):
        policy_trials.compare_policies([fetch, b._replace(task="Hopper")])
    arrays = data.step_arrays(good.steps)
    arrays["reward"] = arrays["reward"][:1]
    header = dataclasses.asdict(good.header) | {"schema": 3, "sha256": npz.checksum(arrays)}
    npz.write(tmp_path / "bad" / "ragged" / "x.npz", header, arrays)
    with pytest.raises(UserError, match=r"array 'reward' has shape \(1, 20\) and the weights"):
        policy_trials.read_trials(str(tmp_path / "bad" / "ragged"))
    filtered = good.replace(header=dataclasses.replace(good.header, only_success=True))
    data.save(tmp_path / "good" / "all.npz", filtered)
    with pytest.raises(UserError, match="all.npz: its failed episodes were removed"):
        policy_trials.read_trials(str(tmp_path / "good"))
    other = bad.replace(header=dataclasses.replace(bad.header, task="FetchReach"))
    data.save(tmp_path / "bad" / "1.npz", other)
    with pytest.raises(UserError, match="rollouts of task FetchReach and PointMass: expected"):
        policy_trials.read_trials(str(tmp_path / "bad"))
    assert not policy_trials.is_trials(str(tmp_path))


def test_policies_of_cells(finished):
    a, b = sorted(store.cells_folder(finished).iterdir())
    first, second = (policy_trials.read_trials(f"{folder}@1")[0] for folder in (a, b))
    assert (first.policy, second.policy) == ("bc@1", "dagger@1")
    assert first.states == second.states and len(first.states or ()) == 3
    rows = store.read(a).episodes.query("seed == 1")
    assert first.returns is not None and first.returns.tolist() == rows["return"].tolist()
    (other,) = policy_trials.read_trials(f"{a}@0")
    assert not set(other.states or ()) & set(first.states or ()), "each seed has its own"
    with pytest.raises(UserError, match="has no seed '7': expected one of 0, 1"):
        policy_trials.read_trials(f"{a}@7")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "mjx"}, r"ran in the engine native .*, dagger@1 in the engine mjx .*: the"),
        ({"environment_digest": "x"}, r"dagger@1 in the engine native \(digest x\): the physics"),
        ({"task": "Hopper"}, "bc@1 is of PointMass, dagger@1 of Hopper: expected one task"),
    ],
)
def test_policies_of_cells_in_other_physics_are_not_compared(finished, tmp_path, changes, words):
    a, b = sorted(store.cells_folder(finished).iterdir())
    copied = store.copy(b, tmp_path)
    rewrite(copied, lambda info: (info["identity"] if "task" in changes else info).update(changes))
    trials = [*policy_trials.read_trials(f"{a}@1"), *policy_trials.read_trials(f"{copied}@1")]
    with pytest.raises(UserError, match=words):
        policy_trials.compare_policies(trials)


def test_a_policy_whose_return_is_not_known(finished, tmp_path):
    copied = store.copy(min(store.cells_folder(finished).iterdir()), tmp_path)
    rewrite(copied, lambda info: info["identity"].update(task="own-task"))
    rewrite(copied, lambda info: info.update(diverged_seeds=[1]))
    (found,) = policy_trials.read_trials(f"{copied}@1")
    assert found.returns is None and found.success is not None and not found.success.any()
    rewrite(copied, lambda info: info.update(has_success=False))
    with pytest.raises(UserError, match="seed 1 diverged; no return, because the task has no ref"):
        policy_trials.read_trials(f"{copied}@1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("success\nperhaps\n", "success in row 1 is 'perhaps': expected 1 or 0"),
        ("policy\na\n", "has the columns policy: expected success or return"),
        ("return\nx\n", "the returns are no numbers"),
        ("return\nnan\n", "the return of episode 0 of bad is nan"),
        ("success\n", "has no rows"),
        ("", "is no CSV file"),
        ("seed,success\n1,1\n1,0\n", "in a file of several policies a column policy names them"),
        ("policy,seed,success\na,1,1\na,1,0\n", "2 episodes from the initial state '1'"),
        ("policy;success\na;1\n", "expected success or return, and commas between columns"),
    ],
)
def test_a_bad_table_is_said(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(words)):
        policy_trials.read_trials(str(path))


def test_other_bad_files(tmp_path):
    path = tmp_path / "eval_info.json"
    for text in ("{}", "[1]", "{", '{"per_episode": [{"seed": 1}]}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match="expected LeRobot's eval_info.json"):
            policy_trials.read_trials(str(path))
    arrays = tmp_path / "main_data.hdf5"
    arrays.write_bytes(b"no HDF5")
    with pytest.raises(UserError, match="main_data.hdf5 is damaged .*; export it again"):
        policy_trials.read_trials(str(tmp_path))
    with pytest.raises(UserError, match="is no file"):
        policy_trials.read_trials(str(tmp_path / "none.csv"))
    with pytest.raises(UserError, match="one policy alone"):
        policy_trials.compare_policies([trials("a", A)])
    with pytest.raises(UserError, match="two policies are called 'a'"):
        policy_trials.compare_policies([trials("a", A), trials("a", B)])


def test_the_command(tmp_path, capsys):
    paths = [str(eval_info(tmp_path / name, s)) for name, s in (("act", A), ("dp", B))]
    assert main.main(["compare", *paths]) == 0
    out = capsys.readouterr().out
    assert "act, dp" in out and "about 4 more pairs needed" in out
    assert "not about the methods behind them" in out
    assert main.main(["compare", paths[0]]) == 2
    assert "one policy alone (act)" in capsys.readouterr().err
    assert main.main(["compare", "bc"]) == 2
    assert "only bc is given" in capsys.readouterr().err
