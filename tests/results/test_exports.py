"""Exported policies: they act as the original ones, and need no imitbench."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import message
from helpers.stored_policies import SEEDS, TASK, store
from scipy import stats

from docs._generate import blocks, sources
from imitbench import algos
from imitbench.algos.cloning import bc
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.cli.export import Export
from imitbench.core import heads
from imitbench.core.actor import on_observations
from imitbench.results import exports
from imitbench.results.cells import policies
from imitbench.results.exports import numpy_file, onnx_file, operations, primitives
from imitbench.utils.errors import UserError

PAGE = (sources.ROOT / "docs" / "how-to" / "export-policy.md").read_text(encoding="utf-8")
SAMPLED = {"bcq", "random_actions", "vins", "vins_rl", "vins_true"}
KEY = jax.random.key(7)
# A process without imitbench that calls `function`(.npy files) of an exported file.
ALONE = """
import sys
for name in ("imitbench", "flax", "optax", "mujoco"):
    sys.modules[name] = None  # importing it fails
import jax, numpy as np
path, *inputs = sys.argv[1:]
call = jax.export.deserialize(bytearray(open(path, "rb").read())).call
for i, x in enumerate(call(*map(np.load, inputs))):
    np.save(f"{path}.{i}.npy", x)
"""


def block(kind: str, word: str) -> str:
    """The code of the page that has a word in it."""
    (code,) = [b.text for b in blocks.blocks(PAGE, kind) if word in b.text]
    return code


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """stored(method, task) -> a trained policy, one for all tests."""

    @functools.cache
    def load(method: str, task: str = TASK, settings: Any = None) -> policies.StoredPolicy:
        folder = tmp_path_factory.mktemp("exports") / "cell"
        store(folder, method, task, settings)
        return policies.load(folder, SEEDS[1])

    return load


READER: dict[str, Any] = {}
exec(block("python", "def read_policy"), READER)


def observations(size: int, rows: int = 500) -> np.ndarray:
    return np.random.default_rng(1).normal(scale=2, size=(rows, size)).astype(np.float32)


def original(policy: policies.StoredPolicy, obs: np.ndarray, key: jax.Array = KEY) -> np.ndarray:
    """The actions of the policy itself at the beginning of episodes."""
    actor = on_observations(policy.actor, policy.env.spec.discrete)
    x = jnp.asarray(obs)
    return np.asarray(actor.act(key, actor.start(key, x), x)[0])


def from_stablehlo(path: Path, obs: np.ndarray, key: jax.Array = KEY) -> np.ndarray:
    about = json.loads(path.with_name(f"{path.name}.json").read_text())
    inputs = {"obs": obs, "key": jax.random.key_data(key)}
    names = [x["name"] for x in about["functions"]["act"]["inputs"]]
    call = jax.export.deserialize(bytearray(path.read_bytes())).call
    return np.asarray(call(*(inputs[name] for name in names))[0])


def from_numpy(path: Path, obs: np.ndarray) -> np.ndarray:
    return READER["read_policy"](path)(obs)


def from_onnx(path: Path, obs: np.ndarray) -> np.ndarray:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["action"], {"obs": obs})[0]


def p_value(x: np.ndarray, y: np.ndarray) -> float:
    """Of "both samples have one distribution" (Kolmogorov and Smirnov)."""
    result: Any = stats.ks_2samp(x, y)
    return result.pvalue


def check(policy: policies.StoredPolicy, folder: Path, format: str, read: Any) -> None:
    """The exported policy gives the actions of the original one, for any number of rows."""
    path = folder / f"policy{exports.SUFFIXES[format]}"
    assert exports.save(policy, path, format)[0] == path
    for rows in (500, 1):
        obs = observations(policy.env.spec.obs_size, rows)
        expected, got = original(policy, obs), read(path, obs)
        assert got.dtype == expected.dtype and got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def check_refused(policy: policies.StoredPolicy, folder: Path, words: str) -> None:
    for format in ("numpy", "onnx"):
        if format == "onnx":
            pytest.importorskip("onnx")
        with pytest.raises(UserError, match=f"{words}, which a file of format '{format}'") as error:
            exports.save(policy, folder / "x", format)
        assert "take the format 'stablehlo'" in message(error)
        assert not (folder / "x").exists()


# A clone stands for the others in the fast tests.
@pytest.mark.parametrize(
    "method",
    [pytest.param(m, marks=[] if m == "bc" else pytest.mark.slow) for m in algos.ALGOS],
)
def test_an_exported_policy_acts_as_the_original_one(method, stored, tmp_path):
    policy = stored(method)
    if method in SAMPLED:
        check_refused(policy, tmp_path, "draws random numbers")
    else:
        check(policy, tmp_path, "numpy", from_numpy)
    pytest.importorskip("flatbuffers")
    check(policy, tmp_path, "stablehlo", from_stablehlo)
    if method not in SAMPLED:
        pytest.importorskip("onnx")
        check(policy, tmp_path, "onnx", from_onnx)


def clone(**settings: Any) -> bc.Config:
    return bc.Config(hidden=(16,), steps=3, validation=0.0, **settings)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["deterministic", "two-pass"])
def test_heads_that_draw_no_numbers_go_into_every_format(kind, stored, tmp_path):
    policy = stored("bc", TASK, clone(head=heads.Config(kind)))
    check(policy, tmp_path, "numpy", from_numpy)
    pytest.importorskip("flatbuffers")
    check(policy, tmp_path, "stablehlo", from_stablehlo)
    pytest.importorskip("onnx")
    check(policy, tmp_path, "onnx", from_onnx)


@pytest.mark.slow
def test_a_sampling_head_and_a_memory_go_into_stablehlo_alone(stored, tmp_path):
    flow = stored("bc", TASK, clone(head=heads.Config("flow", sample_steps=2)))
    check_refused(flow, tmp_path, "draws random numbers")
    memory = memory_config.Config(history=3, past_actions=True, encoder="gru", width=8, chunk=2)
    recurrent = stored("bc", TASK, clone(memory=memory))
    check_refused(recurrent, tmp_path, "remembers earlier steps")
    pytest.importorskip("flatbuffers")
    check(flow, tmp_path, "stablehlo", from_stablehlo)
    files = exports.save(recurrent, tmp_path / "memory.stablehlo", "stablehlo")
    about = json.loads(files[2].read_text())
    shapes = [x["shape"] for x in about["functions"]["act"]["inputs"]]
    assert shapes == [["b", 4], ["b", 3, 4], ["b", 3, 2], ["b", 1, 2, 2], ["b"]]


@pytest.mark.slow
def test_choices_are_integers(stored, tmp_path):
    policy = stored("bc", "ProbePolicy")
    check(policy, tmp_path, "numpy", from_numpy)
    assert set(from_numpy(tmp_path / "policy.npz", observations(1))) == {0, 1}
    pytest.importorskip("flatbuffers")
    check(policy, tmp_path, "stablehlo", from_stablehlo)
    pytest.importorskip("onnx")
    check(policy, tmp_path, "onnx", from_onnx)


@pytest.mark.slow
def test_samples_have_the_distribution_of_the_original_ones(stored, tmp_path):
    pytest.importorskip("flatbuffers")
    exports.save(stored("vins"), tmp_path / "vins.stablehlo", "stablehlo")
    obs = np.tile(observations(4, 1), (4000, 1))
    ours = from_stablehlo(tmp_path / "vins.stablehlo", obs, jax.random.key(1))
    theirs = original(stored("vins"), obs, jax.random.key(2))
    assert np.ptp(ours, axis=0).min() > 0.01
    for component in range(2):
        x, y = ours[:, component], theirs[:, component]
        assert p_value(x, y) > 0.01
        assert p_value(x, y + 0.2 * y.std()) < 1e-4  # the test has power


@pytest.mark.slow
def test_stablehlo_needs_jax_alone(stored, tmp_path):
    """With a memory: a counter that also knows the first observation."""
    pytest.importorskip("flatbuffers")
    from helpers.recurrent import Config, make

    algos.register("recurrent", Config, make, "Counts.")
    try:
        policy = stored("recurrent")
    finally:
        del algos.ALGOS["recurrent"]
    check_refused(policy, tmp_path, "remembers earlier steps")
    path = tmp_path / "policy.stablehlo"
    files = exports.save(policy, path, "stablehlo")
    assert [f.name for f in files] == [
        "policy.stablehlo", "policy.start.stablehlo", "policy.stablehlo.json",
    ]  # fmt: skip
    about = json.loads(files[2].read_text())
    assert [x["name"] for x in about["functions"]["act"]["inputs"]] == [
        "obs",
        "memory_0",
        "memory_1",
    ]
    assert about["functions"]["start"]["outputs"][0]["shape"] == ["b", 4]

    def alone(file: Path, *inputs: Path) -> None:
        subprocess.run([sys.executable, "-c", ALONE, file, *inputs], check=True, cwd=tmp_path)

    obs = observations(4, 3)
    np.save(tmp_path / "obs.npy", obs)
    alone(files[1], tmp_path / "obs.npy")
    memory = [tmp_path / f"policy.start.stablehlo.{i}.npy" for i in range(2)]
    actor = on_observations(policy.actor, discrete=False)
    expected = actor.start(KEY, jnp.asarray(obs))
    for _ in range(2):
        alone(path, tmp_path / "obs.npy", *memory)
        action, expected = actor.act(KEY, expected, jnp.asarray(obs))
        np.testing.assert_allclose(np.load(f"{path}.0.npy"), action, atol=1e-6)
        memory = [Path(f"{path}.{i}.npy") for i in (1, 2)]


def several(x: jax.Array) -> jax.Array:
    """Operations [b, 5] -> [b, 4] that the registered methods do not need, but others may."""
    y = jax.nn.softmax(x[:, 1:4], axis=-1) + jax.nn.sigmoid(x[:, :1]) * jax.nn.softplus(x[:, 2:])
    which = (x[:, :3] > 0) & ~(x[:, 1:4] < 0.5) | (x[:, 2:] <= 1) & (x[:, 1:4] >= 0)
    y = jnp.where(which, y, -y + jnp.log(2 + jnp.cos(y)))
    z = jax.lax.rsqrt(1 + jnp.square(y)) + jnp.abs(y) ** 3 + jnp.sign(x[:, :3]) + y.T.T
    z = jnp.where((x[:, :1] == x[:, 1:2]) | (x[:, :1] != x[:, 2:3]), z, 0.0)
    z = jax.lax.clamp(-2.0, z - jnp.min(z, axis=1, keepdims=True), 2.0) + jnp.sin(z) + jnp.floor(z)
    z = z + jnp.sqrt(jnp.abs(z)) + jnp.argmax(z, axis=-1)[:, None] + jnp.sum(jnp.abs(z) ** 2.5 > 1)
    return jnp.concatenate([z, jnp.ones((x.shape[0], 1))], axis=1)


def test_operations_that_other_methods_may_need(tmp_path):
    (rows,) = jax.export.symbolic_shape("b")
    like = jax.ShapeDtypeStruct((rows, 5), np.float32)
    program = operations.translate(lambda x: (several(x),), like, "it", "numpy")
    assert {o.name for o in program.operations} | {"matmul"} == set(READER["FUNCTIONS"])
    about, obs = {"observation": {"size": 5}}, observations(5, 50)
    expected = several(jnp.asarray(obs))
    path = numpy_file.save(tmp_path / "x.npz", program, about)
    np.testing.assert_allclose(from_numpy(path, obs), expected, rtol=1e-5, atol=1e-5)
    pytest.importorskip("onnx")
    path = onnx_file.save(tmp_path / "x.onnx", program, about)
    np.testing.assert_allclose(from_onnx(path, obs), expected, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_exported_is_refused(stored, tmp_path, monkeypatch):
    policy = stored("bc")
    with pytest.raises(UserError, match="unknown format 'torch': known: stablehlo, onnx, numpy"):
        exports.save(policy, tmp_path / "x", "torch")
    monkeypatch.delitem(primitives.TRANSLATIONS, "tanh")
    with pytest.raises(UserError, match="bc has the operation tanh, .* take the format") as error:
        exports.save(policy, tmp_path / "x", "numpy")
    message(error)
    for package, format in (("flatbuffers", "stablehlo"), ("onnx", "onnx")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(
            UserError, match=rf"{package}.* is not installed: .*imitbench\[export\]"
        ):
            exports.save(policy, tmp_path / "x", format)
    assert not (tmp_path / "x").exists()


def test_the_command(finished, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="has 2 cells .*-bc-.*-dagger-.*: name one by") as error:
        Export(finished, format="numpy")()
    message(error)
    Export(finished, format="numpy", cell="bc", seed_of_policy=1)()
    assert "bc on PointMass, seed 1, format numpy\nwritten: PointMass-" in capsys.readouterr().out
    (path,) = tmp_path.glob("*-bc-*-seed-1.npz")
    with np.load(path) as file:
        header = json.loads(file["header"].tobytes())
    assert header["observation"]["fields"] == {"pos": [0, 2], "vel": [2, 4], "desired_goal": [4, 6]}
    assert (header["seed"], header["task"]) == (1, "PointMass")
    assert header["action"]["original_high"] == [1.0, 1.0]
    for command, words in (
        (Export(finished, cell="bc", seed_of_policy=9), "no policy of seed 9: .* seeds 0, 1"),
        (Export(finished, cell="gail"), "unknown cell in .* 'gail'"),
        (Export(finished, cell="bc", out=tmp_path / "none" / "x"), "there is no folder"),
        (Export(tmp_path), "is no folder of results"),
    ):
        with pytest.raises(UserError, match=words) as error:
            command()
        message(error)
