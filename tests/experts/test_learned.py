"""Files of learned experts: what they compute, that they come back, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imitbench import envs, experts
from imitbench.cli import main
from imitbench.experts import learned, scripted
from imitbench.utils import npz
from imitbench.utils.errors import UserError

SPEC = envs.make("PointMass").spec
KEY = jax.random.key(0)


def make_net(obs_size: int = 6, action_size: int = 2, **changes) -> learned.MLPPolicy:
    rng = np.random.default_rng(0)
    widths = (obs_size, 8, 8, action_size)
    layers = [
        (rng.normal(size=(a, b)).astype(np.float32), rng.normal(size=b).astype(np.float32))
        for a, b in itertools.pairwise(widths)
    ]
    mean, std = rng.normal(size=obs_size), rng.uniform(0.5, 2.0, obs_size)
    return learned.MLPPolicy(layers, "relu", "tanh", mean, std, 5.0).replace(**changes)


def make_card(task: str = "PointMass", **changes) -> learned.Card:
    card = learned.Card(
        task=task, grade="expert", obs_size=6, action_size=2, method="ppo",
        recipe={"lr": 3e-4, "hidden": [8, 8]}, env_steps=1_000_000, grad_steps=4000,
        wall_seconds=60.5, device="cpu", engine="native", environment_digest="0" * 16, seed=1,
        episodes=100, mean_return=-3.25, std_return=0.5, success_any=1.0, success_final=0.98,
        scores_by_seed=[-4.0, -3.25],
    )  # fmt: skip
    return dataclasses.replace(card, **changes)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The folder of what ships, elsewhere and empty."""
    folder = tmp_path / "weights"
    monkeypatch.setattr(learned, "folder", lambda: folder)
    return folder


@pytest.mark.parametrize("activation", learned.ACTIVATIONS)
@pytest.mark.parametrize("head", learned.HEADS)
def test_the_policy_is_the_network(activation, head):
    net = make_net(activation=activation, head=head, clip=1.5)
    obs = np.random.default_rng(1).normal(size=(2, 3, 6)).astype(np.float32)
    x = np.clip((obs - net.mean) / net.std, -1.5, 1.5)
    for i, (kernel, bias) in enumerate(net.layers):
        if i:
            x = np.tanh(x) if activation == "tanh" else np.maximum(x, 0)
        x = x @ kernel + bias
    expected = np.tanh(x) if head == "tanh" else np.clip(x, -1, 1)
    got = jax.jit(learned.policy(net))(KEY, obs)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(learned.policy(net)(KEY, obs[1, 2]), expected[1, 2], atol=1e-5)


def test_files_come_back_and_are_the_same_bytes(tmp_path):
    net, card = make_net(), make_card()
    for name in ("a.npz", "b.npz"):
        learned.save(tmp_path / name, net, card)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    policy, found = learned.load(tmp_path / "a.npz", SPEC, "PointMass")
    assert found == card
    obs = jax.random.normal(KEY, (5, 6))
    np.testing.assert_array_equal(policy(KEY, obs), learned.policy(net)(KEY, obs))
    unclipped = net.replace(clip=float("inf"))
    learned.save(tmp_path / "c.npz", unclipped, card)
    assert learned.read(tmp_path / "c.npz")[0].clip == float("inf")


def rewrite(path, change, *, mend: bool = True) -> None:
    header, arrays = npz.read(path, "expert")
    change(header, arrays)
    sha = header.pop("sha256")
    npz.write(path, header | {"sha256": npz.checksum(arrays, header) if mend else sha}, arrays)


@pytest.mark.parametrize(
    ("change", "mend", "expected"),
    [
        (lambda h, a: h.update(mean_return=9e9), False, "sha256 is not the one"),
        (lambda h, a: a["kernel_0"].__setitem__((0, 0), 9), False, "sha256 is not the one"),
        (lambda h, a: h.update(version=99), True, "schema 99, this version reads 1"),
        (lambda h, a: h.update(version=99), False, "schema 99, this version reads 1"),
        (lambda h, a: h.update(colour="red"), True, "bad header: colour is unknown"),
        (lambda h, a: h.pop("seed"), True, "bad header: 'seed' is missing"),
        (lambda h, a: a.pop("std"), True, "bad header or arrays"),
        (lambda h, a: a.pop("kernel_0"), True, "bad header or arrays"),
        (lambda h, a: h.update(head="softmax"), True, "head 'softmax': expected"),
        (lambda h, a: h.update(grade="poor"), True, "'grade' is 'poor', expected one of expert"),
        (lambda h, a: h.update(obs_size=5), True, "shape .* expected"),
        (lambda h, a: a["bias_1"].__setitem__(0, np.nan), True, "'bias_1' has a non-finite"),
        (lambda h, a: a["std"].__setitem__(0, 0), True, "std and a clip above 0"),
    ],
)  # fmt: skip
def test_bad_files_are_named(tmp_path, change, mend, expected):
    path = tmp_path / "x.npz"
    learned.save(path, make_net(), make_card())
    rewrite(path, change, mend=mend)
    with pytest.raises(UserError, match=expected) as error:
        learned.load(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.floats(0, 1), flip=st.integers(0, 10**6))
def test_damaged_files_are_refused(tmp_path, cut, flip):
    path = tmp_path / "x.npz"
    learned.save(path, make_net(), make_card())
    good = bytearray(path.read_bytes())
    path.write_bytes(bytes(good[: int(cut * (len(good) - 1))]))
    with pytest.raises(UserError):
        learned.load(path)
    good[flip % len(good)] ^= 0xFF
    path.write_bytes(bytes(good))
    try:
        net, card = learned.read(path)
    except UserError:
        return
    # The flipped byte hit a time stamp or the like: then the contents are the old ones.
    assert card == make_card()
    np.testing.assert_array_equal(net.layers[0][0], make_net().layers[0][0])


def test_other_tasks_sizes_and_missing_files_are_said(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(UserError, match="no such file"):
        learned.load(path)
    learned.save(path, make_net(), make_card())
    with pytest.raises(UserError, match="an expert of PointMass: expected one of Hopper"):
        experts.load("Hopper", expert=path)
    with pytest.raises(UserError, match="6 observations to 2 actions, but the task has 11 and 3"):
        learned.load(path, envs.make("Hopper").spec)
    with pytest.raises(UserError, match="knows observations of size 6"):
        experts.load("PointMass", expert=path)(KEY, jnp.zeros((4, 7)))
    with pytest.raises(UserError, match=r"shape \(8, 2\), expected \(8, 3\)"):
        learned.save(path, make_net(), make_card(action_size=3))
    wide = [(np.zeros((6, 2**18)), np.zeros(2**18)), (np.zeros((2**18, 2)), np.zeros(2))]
    with pytest.raises(UserError, match="expected at most 1048576"):
        learned.save(path, make_net(layers=wide), make_card())
    with pytest.raises(UserError, match="do not ship"):
        learned.weights_path("brax/ant", "expert")


def test_the_law_comes_first_unless_asked(weights):
    obs = jax.random.normal(KEY, (4, 6))
    with pytest.raises(UserError, match="'PointMass' has no learned expert; tasks with one: none"):
        experts.load("PointMass", kind="learned")
    learned.save(learned.weights_path("PointMass", "expert"), make_net(), make_card())
    law = scripted.policy(scripted.LAWS["PointMass"])(KEY, obs)
    net = learned.policy(make_net())(KEY, obs)
    for got, expected in (
        (experts.load("PointMass"), law),
        (experts.load("PointMass", kind="scripted"), law),
        (experts.load("PointMass", kind="learned"), net),
    ):
        np.testing.assert_array_equal(got(KEY, obs), expected)
    with pytest.raises(UserError, match="'PointMass' has no medium expert; tasks with one: none"):
        experts.load("PointMass", "medium")
    with pytest.raises(UserError, match="unknown grade of an expert 'best'"):
        experts.load("PointMass", "best")
    assert (weights / "PointMass.expert.npz").exists()


def test_files_serve_tasks_without_a_law_and_their_fixed_horizon_forms(weights):
    small = make_net(11, 3)
    for grade in get_args(learned.Grade):
        card = make_card("Hopper", grade=grade, obs_size=11, action_size=3)
        learned.save(learned.weights_path("Hopper", grade), small, card)
    obs = jax.random.normal(KEY, (4, 11))
    expected = learned.policy(small)(KEY, obs)
    for task in ("Hopper", "Hopper-fh"):
        for grade in learned.GRADES:
            np.testing.assert_array_equal(experts.load(task, grade)(KEY, obs), expected)
        assert [e.grade for e in experts.experts_of(task)] == ["expert", "medium"]
    with pytest.raises(UserError, match="'Walker2d' has no medium expert; tasks with one: Hopper$"):
        experts.load("Walker2d", "medium")


def test_commands(weights, capsys):
    card = make_card(grade="medium", success_any=None, success_final=None)
    learned.save(learned.weights_path("PointMass", "medium"), make_net(), card)
    assert main.main(["experts", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["task", "grade", "kind"]
    (line,) = [x for x in lines if "learned" in x]
    assert line.split()[:3] == ["PointMass", "medium", "learned"]
    assert "-3.2 ± 0.5" in line and "ppo" in line and "1,000,000" in line
    assert main.main(["experts", "show", "PointMass", "--grade", "medium"]) == 0
    out = capsys.readouterr().out
    for word in ("method: ppo", "lr=0.0003", "scores_by_seed: -4, -3.25", "success_final: -"):
        assert word in out
    assert main.main(["experts", "show", "PointMass"]) == 0
    assert "Proportional and derivative control." in capsys.readouterr().out
    assert main.main(["experts", "show", "FetchReach", "--grade", "medium"]) == 2
    assert "has no medium expert; tasks with one: PointMass" in capsys.readouterr().err


def test_what_ships_is_whole_small_and_named_after_its_card():
    for (task, grade), path in learned.shipped_files().items():
        _, card = learned.load(path, envs.make(task).spec, task)
        assert (card.task, card.grade) == (task, grade)
        assert path.stat().st_size < 2**20
        assert json.dumps(dataclasses.asdict(card), allow_nan=False)
