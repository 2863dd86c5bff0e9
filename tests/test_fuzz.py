"""Whatever is in a file, a loader reads it rightly or names it in a `UserError`: no other
exception, nothing executed, no room made for what is not there."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import os
import shutil
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.fake_results import rewrite
from hypothesis import strategies as st

from imitbench import algos, data, envs
from imitbench.core.types import Transition
from imitbench.data.demonstrations import hold_out
from imitbench.data.formats import minari
from imitbench.data.recordings import conversion, sizes
from imitbench.data.recordings.recording import Episode, Recording
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.experts import learned
from imitbench.results.cells import policies, store
from imitbench.runs import plan, runner
from imitbench.suites import overrides
from imitbench.suites.schema import Cell
from imitbench.training import checkpoint
from imitbench.training.loop import Eval, TrainState
from imitbench.utils import json_schema, npz
from imitbench.utils.errors import UserError

SPEC = envs.make("PointMass").spec
FAST = 100
EXAMPLES = pytest.mark.parametrize("examples", [FAST, pytest.param(1000, marks=pytest.mark.slow)])
CELL = Path(__file__).parent.parent / "results/shipped/quickstart/cells"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside),
    max_leaves=5,
)
SPOTS = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=4)
DAMAGE: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("flip"), SPOTS),
    st.tuples(st.just("cut"), st.floats(0, 1)),
    st.tuples(st.just("replace"), st.binary(max_size=200)),
    st.tuples(st.just("insert"), st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8))),
)


def damaged(good: bytes, damage: tuple[str, Any]) -> bytes:
    kind, how = damage
    if kind == "replace":
        return how
    if kind == "cut":
        return good[: int(how * len(good))]
    if kind == "insert":
        at = int(how[0] * len(good))
        return good[:at] + how[1] + good[at:]
    bad = bytearray(good)
    for where, bits in how:
        bad[min(int(where * len(bad)), len(bad) - 1)] ^= bits
    return bytes(bad)


def fuzz(examples: int, test: Callable[..., None], **given: st.SearchStrategy[Any]) -> None:
    """The same examples at each call."""
    options = hypothesis.settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )  # fmt: skip
    options(hypothesis.given(**given)(test))()


def load(name: str, loader: Callable[[], Any]) -> Any:
    """What the loader gives; None where it refuses, which must be in one line that names the
    file."""
    try:
        return loader()
    except UserError as error:
        assert name in str(error) and "\n" not in str(error), str(error)
        return None


def same(a: Any, b: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def demos() -> data.Demos:
    """Two episodes of made-up numbers."""
    rng = np.random.default_rng(0)
    lead, flags = (2, SPEC.horizon), ("terminated", "truncated", "success")
    obs = rng.normal(size=(2, SPEC.horizon + 1, SPEC.obs_size)).astype(np.float32)
    action = rng.uniform(-1, 1, (*lead, SPEC.action_size)).astype(np.float32)
    number = {"reward": rng.normal(size=lead).astype(np.float32), "weight": np.ones(lead, "f4")}
    flag: Any = {k: np.zeros(lead, bool) for k in flags}
    whole = {
        "obs": obs[:, :-1],
        "next_obs": obs[:, 1:],
        "action": action,
        "intended_action": action,
    }
    header = data.Header("PointMass", "made", "none", 0, 2, 2, 0.0, False, 0.0, 0.0, 1.0)
    return data.Demos(Transition(**whole, **number, **flag), header)


@EXAMPLES
def test_damaged_data_sets(tmp_path, demos, examples):
    path = tmp_path / "x.npz"
    data.save(path, demos)
    good = path.read_bytes()

    def test(damage):
        path.write_bytes(damaged(good, damage))
        found = load("x.npz", lambda: data.load(path, SPEC))
        if found is not None:
            same(found.steps, demos.steps)
            assert found.header == demos.header

    fuzz(examples, test, damage=DAMAGE)


@EXAMPLES
def test_damaged_experts(tmp_path, examples):
    path = tmp_path / "FetchReach.expert.npz"
    good = (learned.folder() / path.name).read_bytes()
    expected = learned.read(learned.folder() / path.name)

    def test(damage):
        path.write_bytes(damaged(good, damage))
        found = load(path.name, lambda: learned.read(path))
        if found is not None:
            same(found[0], expected[0])
            assert found[1] == expected[1]

    fuzz(examples, test, damage=DAMAGE)


ODD_ARRAYS: dict[str, Callable[[np.ndarray], Any]] = {
    "text": lambda x: x.astype(str),
    "bytes": lambda x: x.astype("S3"),
    "complex": lambda x: x.astype(complex),
    "date": lambda x: np.zeros(x.shape, "M8[s]"),
    "record": lambda x: np.zeros(x.shape, [("a", "f4"), ("b", "i8")]),
    "integers": lambda x: np.zeros(x.shape, np.int64) + 7,
    "half": lambda x: x.astype(np.float16),
    "empty": lambda x: x.ravel()[:0],
    "point": lambda x: x.ravel()[:1].reshape(()),
    "deep": lambda x: x.reshape(*x.shape, *[1] * 20),
    "flat": lambda x: x.ravel(),
    "turned": lambda x: x.T,
    "nan": lambda x: np.full_like(x, np.nan) if x.dtype.kind == "f" else x,
    "large": lambda x: np.full_like(x, 1e30) if x.dtype.kind == "f" else x,
    "swapped": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "missing": lambda x: None,
}


def sealed(path: Path, header: dict[str, Any], arrays: dict[str, Any], *, whole: bool) -> None:
    """A file with a right checksum, whatever is in it."""
    arrays = {k: v for k, v in arrays.items() if v is not None}
    about = {k: v for k, v in header.items() if k != "sha256"}
    npz.write(path, about | {"sha256": npz.checksum(arrays, about if whole else None)}, arrays)


@EXAMPLES
def test_odd_data_sets(tmp_path, demos, examples):
    path = tmp_path / "x.npz"
    data.save(path, demos)
    header, arrays = npz.read(path, "data set")

    def test(name, odd, key, value, spec):
        changed = arrays | {name: ODD_ARRAYS[odd](arrays[name])} if odd else arrays
        sealed(path, header | {key: value} if key else header, changed, whole=False)
        found = load("x.npz", lambda: data.load(path, SPEC if spec else None))
        if found is not None:
            data.describe(found.header)
            assert np.isfinite(found.steps.obs).all() or not spec

    odd = st.none() | st.sampled_from(list(ODD_ARRAYS))
    name, key = st.sampled_from(list(arrays)), st.none() | st.sampled_from([*header, "odd"])
    fuzz(examples, test, name=name, odd=odd, key=key, value=JSON, spec=st.booleans())


@pytest.mark.slow
@EXAMPLES
def test_odd_experts(tmp_path, examples):
    path = tmp_path / "x.npz"
    header, arrays = npz.read(learned.folder() / "FetchReach.expert.npz", "expert")
    obs = jnp.zeros((1, header["obs_size"]))

    def test(name, odd, key, value):
        changed = arrays | {name: ODD_ARRAYS[odd](arrays[name])} if odd else arrays
        sealed(path, header | {key: value} if key else header, changed, whole=True)
        found = load("x.npz", lambda: learned.load(path))
        if found is not None and examples == FAST:
            assert np.isfinite(found[0](jax.random.key(0), obs)).all()

    odd = st.none() | st.sampled_from(list(ODD_ARRAYS))
    name, key = st.sampled_from(list(arrays)), st.none() | st.sampled_from([*header, "odd"])
    fuzz(examples, test, name=name, odd=odd, key=key, value=JSON)


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


LOADERS = [
    pytest.param(lambda path: data.load(path), id="data set"),
    pytest.param(lambda path: learned.load(path), id="expert"),
]


@pytest.mark.parametrize("loader", LOADERS)
def test_nothing_is_executed(tmp_path, loader):
    path, trap = tmp_path / "x.npz", Trap(tmp_path / "sprung")
    header = np.frombuffer(b"{}", np.uint8)
    for arrays in ({"obs": np.array([trap], object)}, {"header": np.array([trap], object)}):
        every: dict[str, Any] = {"header": header} | arrays
        np.savez(path, **every)
        assert load("x.npz", lambda: loader(path)) is None
    for plain in (np.array([trap], object), np.array([{"a": trap}], object)):
        with open(path, "wb") as file:
            np.save(file, plain)
        assert load("x.npz", lambda: loader(path)) is None
    assert not (tmp_path / "sprung").exists()
    np.load(path, allow_pickle=True)
    assert (tmp_path / "sprung").exists(), "the trap does not work"


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("shape", [(10**9,), (2**40, 2**40), (-1, 5), (0, 10**12)])
def test_no_room_is_made_for_what_is_not_there(tmp_path, loader, shape):
    path, text = tmp_path / "x.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(
        text, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("obs.npy", text.getvalue() + bytes(64))
        file.writestr("header.npy", text.getvalue())
    tracemalloc.start()
    try:
        assert load("x.npz", lambda: loader(path)) is None
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


def test_an_expert_larger_than_any_is_not_unpacked(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, header=np.zeros(2**25, np.uint8))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="x.npz holds .* bytes of arrays, expected at most"):
            learned.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


@pytest.fixture
def cell(tmp_path) -> Path:
    """A finished cell with a checksum."""
    folder = shutil.copytree(next(CELL.glob("FetchReach-*-bc-*")), tmp_path / "cells" / "one")
    rewrite(folder, lambda info: None)
    return folder


@EXAMPLES
@pytest.mark.parametrize("name", ["cell.json", "curve.parquet", "episodes.parquet"])
def test_damaged_cells(cell, name, examples):
    good, expected = (cell / name).read_bytes(), store.read(cell)

    def test(damage):
        (cell / name).write_bytes(damaged(good, damage))
        found = load(str(cell), lambda: store.read(cell))
        if found is not None:
            assert {k: found.info[k] for k in expected.info if k != "sha256"} == {
                k: v for k, v in expected.info.items() if k != "sha256"
            }
            for mine, theirs in (
                (found.curve, expected.curve),
                (found.episodes, expected.episodes),
            ):
                assert mine.equals(theirs)

    fuzz(examples, test, damage=DAMAGE)


@EXAMPLES
@pytest.mark.parametrize("name", ["curve.parquet", "episodes.parquet"])
def test_tables_without_a_checksum(cell, name, examples):
    """As older versions wrote them: refused, or whole."""
    rewrite(cell, lambda info: None)
    info = json.loads((cell / "cell.json").read_text())
    info.pop("sha256")
    (cell / "cell.json").write_text(json.dumps(info))
    good = (cell / name).read_bytes()

    def test(damage):
        (cell / name).write_bytes(damaged(good, damage))
        found = load(str(cell), lambda: store.read(cell))
        if found is not None:
            assert found.final("return").shape == (len(found.identity["seeds"]),)

    fuzz(examples, test, damage=DAMAGE)


def leaves(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = tree.items() if isinstance(tree, dict) else ()
    return [path, *(p for k, v in inner for p in leaves(v, (*path, k)))]


@EXAMPLES
def test_odd_cells(cell, examples):
    good = (cell / "cell.json").read_bytes()
    paths = [p for p in leaves(json.loads(good)) if p and p[0] != "sha256"]

    def test(path, value, gone):
        (cell / "cell.json").write_bytes(good)

        def change(info):
            for key in path[:-1]:
                info = info[key]
            info.pop(path[-1]) if gone else info.update({path[-1]: value})

        rewrite(cell, change)
        found = load(str(cell), lambda: store.read_all(cell.parent.parent))
        if found is not None:
            (result,) = found
            assert isinstance(result.expert, str) and hash(result.place)

    fuzz(examples, test, path=st.sampled_from(paths), value=JSON, gone=st.booleans())


@EXAMPLES
@pytest.mark.parametrize("name", [minari.ARRAYS, minari.METADATA])
def test_damaged_minari(tmp_path, demos, name, examples):
    folder = minari.save(tmp_path, demos, SPEC)
    path = folder / "data" / name
    good = path.read_bytes()

    def test(damage):
        path.write_bytes(damaged(good, damage))
        found = load(str(folder), lambda: minari.load(folder, "PointMass"))
        if found is not None:
            same(found.steps, demos.steps)
            assert found.header == demos.header

    fuzz(examples, test, damage=DAMAGE)


@EXAMPLES
def test_odd_minari_metadata(tmp_path, demos, examples):
    folder = minari.save(tmp_path, demos, SPEC)
    path = folder / "data" / minari.METADATA
    good = json.loads(path.read_text())

    def test(keys, value):
        changed = json.loads(json.dumps(good))
        inner = changed
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        path.write_text(json.dumps(changed))
        load(str(folder), lambda: minari.load(folder, "PointMass"))

    fuzz(examples, test, keys=st.sampled_from([p for p in leaves(good) if p]), value=JSON)


@pytest.fixture
def unfinished() -> Iterator[None]:
    """What Orbax leaves unfinished when a read fails is complained of in the test that did it."""
    yield
    for _ in range(3):
        time.sleep(0.2)
        gc.collect()


@pytest.mark.slow
@pytest.mark.parametrize("examples", [10, 300])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_damaged_checkpoints(tmp_path, examples, caplog, unfinished):
    def state(k: int) -> TrainState:
        numbers = {"w": jax.random.normal(jax.random.key(k), (2, 30)), "n": jnp.full(2, k)}
        return TrainState(numbers, jnp.int32(k), jnp.zeros(2, bool))

    def ev(k: int) -> Eval:
        x = np.full((2, k), k / 3)
        flags = np.zeros(2, bool)
        return Eval(
            updates=np.arange(k),
            success_any=x,
            success_final=x,
            returns=x,
            estimates={"value": x},
            metric_updates=np.arange(k),
            metrics={"loss": x},
            episodes={"return": x},
            diverged=flags,
            seconds={"train": k / 7},
        )

    written = checkpoint.Checkpoints(tmp_path / "whole")
    for k in (1, 2):
        written.save(state(k), ev(k))
    written.close()
    files = sorted(p for p in (tmp_path / "whole" / "2").rglob("*") if p.is_file())

    def test(file, damage):
        folder = shutil.copytree(tmp_path / "whole", tmp_path / "copy" / "whole")
        try:
            target = folder / file.relative_to(tmp_path / "whole")
            target.write_bytes(damaged(file.read_bytes(), damage))
            caplog.clear()
            checkpoints = checkpoint.Checkpoints(folder)
            found = checkpoints.restore(state(0))
            checkpoints.close()
            assert found is not None
            k = int(found[0].updates)
            same(found[0], state(k))
            same(found[1]._asdict(), ev(k)._asdict())
            assert k == 2 or str(folder / "2") in caplog.text
        finally:
            shutil.rmtree(tmp_path / "copy")

    fuzz(examples, test, file=st.sampled_from(files), damage=DAMAGE)


@EXAMPLES
def test_settings(examples):
    configs = {name: module.Config() for name, module in algos.ALGOS.items()}

    def names(config: Any) -> list[str]:
        found = []
        for field in dataclasses.fields(config):
            value = getattr(config, field.name)
            inner = names(value) if dataclasses.is_dataclass(value) else []
            found += [field.name, *(f"{field.name}.{x}" for x in inner)]
        return found

    words = st.sampled_from([(m, n) for m, c in configs.items() for n in names(c)])
    text = (
        st.text(max_size=8) | JSON.map(str) | st.sampled_from(["nan", "-inf", "9" * 5000, "1e999"])
    )

    def test(word, value):
        method, name = word
        config = load(
            name.split(".")[-1], lambda: overrides.apply(configs[method], [f"{name}={value}"])
        )
        if config is not None:
            assert isinstance(config, type(configs[method]))

    fuzz(examples * 5, test, word=words, value=text)


@pytest.fixture(scope="module")
def stored_policy(tmp_path_factory) -> Path:
    """A cell that stores a policy of BC, trained without a task."""
    rng = np.random.default_rng(0)
    obs, actions = rng.normal(size=(4, 6, 3)), rng.uniform(-1, 1, (4, 5, 2))
    episodes = [Episode({"x": x}, a) for x, a in zip(obs, actions, strict=True)]
    made = Recording("made", Path("made"), episodes)
    own = conversion.to_demos(made, "none", sizes.spec_of(made))
    config = algos.ALGOS["bc"].Config(hidden=(4,), batch=4, steps=2, validation=0.0)
    source = DemoSource(pool=3, dataset=DatasetInMemory.of(*hold_out(own)))
    cell = Cell("none", 3, "bc", config, grad_steps=2, seeds=1, num_evals=1, eval_episodes=1,
                source=source)  # fmt: skip
    root = tmp_path_factory.mktemp("policy")
    runner.run(plan.prepare("fuzz", "cpu", [cell]), root)
    return next(store.cells_folder(root).iterdir())


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_odd_cards_of_policies(stored_policy, examples):
    path = stored_policy / "policy" / "policy.json"
    good = path.read_bytes()
    paths = [p for p in leaves(json.loads(good)) if p]

    def test(place, value, gone):
        card = json.loads(good)
        inner = card
        for key in place[:-1]:
            inner = inner[key]
        inner.pop(place[-1]) if gone else inner.update({place[-1]: value})
        path.write_text(json.dumps(card))
        load(str(path.parent.parent), lambda: policies.load(stored_policy, 0))

    odd = JSON | st.sampled_from([-1, 0, 2**31, 2**63, 10**30])
    try:
        fuzz(examples, test, place=st.sampled_from(paths), value=odd, gone=st.booleans())
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_damaged_policies(stored_policy, examples):
    path = stored_policy / "policy" / "seed-0.safetensors"
    good = path.read_bytes()

    def test(damage):
        path.write_bytes(damaged(good, damage))
        if load(str(path), lambda: policies.load(stored_policy, 0)) is not None:
            assert path.read_bytes() == good

    try:
        fuzz(examples, test, damage=DAMAGE)
    finally:
        path.write_bytes(good)


def test_a_json_file_larger_than_any_is_not_read(tmp_path):
    path = tmp_path / "cell.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(UserError, match="it has 1,073,741,824 bytes, expected at most 67,108,864"):
        json_schema.read_json(path, "a cell's", "delete it")
