"""Zip files of Stable-Baselines3, read without it: `helpers.sb3_models` wrote them."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import message
from helpers import sb3_models

from imitbench.core.types import GoalSpec, Spec
from imitbench.experts.external import names, stable_baselines
from imitbench.utils.errors import UserError

FIELDS = {"pos": slice(0, 2), "vel": slice(2, 4), "goal": slice(4, 6)}
SPEC = Spec(6, 2, 5, FIELDS, GoalSpec("pos", "goal", lambda a, b: a[..., 0]))
PREDICTIONS = dict(np.load(sb3_models.FOLDER / "predictions.npz"))
KEY = jax.random.key(0)


def path_of(name: str) -> Path:
    return sb3_models.FOLDER / f"{name}.zip"


def spec_of(name: str) -> Spec:
    return dataclasses.replace(SPEC, discrete=name in sb3_models.DISCRETE)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_actions_are_those_of_stable_baselines(name):
    """In [-1, 1] of the bounds; those of PPO are cut at them."""
    expected, before = PREDICTIONS[name], set(sys.modules)
    actions = stable_baselines.read(path_of(name)).policy(spec_of(name))(
        KEY, jnp.asarray(sb3_models.OBS)
    )
    np.testing.assert_allclose(actions, expected, atol=2e-6)
    assert len(np.unique(np.round(expected, 3))) > (1 if name in sb3_models.DISCRETE else 8)
    # Where both are installed, other tests may have loaded them.
    assert not {"torch", "stable_baselines3"} & (set(sys.modules) - before)


def test_a_policy_of_other_sizes_or_of_a_task_without_goals_is_refused():
    for name, change, words in (
        ("sac", {"obs_size": 7}, "sac.zip maps 6 numbers to 2 continuous actions, the task has 7"),
        ("sac", {"discrete": True}, "the task has 6 and 2 choices"),
        ("dqn", {}, "dqn.zip maps 6 numbers to 2 choices, the task has 6 and 2 continuous"),
        ("sac_goal", {"goal": None}, "takes dictionaries with .* the task has no goals"),
    ):
        with pytest.raises(UserError, match=words) as error:
            stable_baselines.read(path_of(name)).policy(dataclasses.replace(SPEC, **change))
        message(error)


def rewritten(tmp_path: Path, change: Any = None, tensors: bytes | None = None) -> Path:
    """A copy of a file with other data or tensors."""
    target = tmp_path / "changed.zip"
    with zipfile.ZipFile(path_of("ppo")) as old, zipfile.ZipFile(target, "w") as new:
        data = json.loads(old.read("data"))
        if change is not None:
            change(data)
        new.writestr("data", json.dumps(data))
        new.writestr("policy.pth", old.read("policy.pth") if tensors is None else tensors)
    return target


def pth(contents: Any) -> bytes:
    """A file of torch around a pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        text = contents if isinstance(contents, bytes) else pickle.dumps(contents, 2)
        archive.writestr("archive/data.pkl", text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(use_sde=True), r"gSDE \(use_sde=True\)"),
        (lambda d: d.update(_last_original_obs={}), "VecNormalize, whose statistics are not"),
        (lambda d: d["policy_class"].update(__module__="mine"), "a class of mine, not of Stable"),
        (lambda d: d["policy_kwargs"].update(features_dim=3), "the setting features_dim"),
        (lambda d: d["policy_kwargs"].update(activation_fn="<class 'a.Mish'>"), "activation is Mi"),
        (lambda d: d["observation_space"].update(_shape=[64, 64, 3]), "Box of shape .64, 64, 3."),
        (lambda d: d["action_space"].update(low="[-inf -1.]"), "actions have no finite bounds"),
        (lambda d: d["action_space"].update(low="[-1.]"), "bounds of its action space cannot be"),
        (lambda d: d.pop("action_space"), "is no zip file of Stable-Baselines3 that can be read"),
    ],
)
def test_what_the_tensors_do_not_say_is_refused(change, words, tmp_path):
    with pytest.raises(UserError, match=words) as error:
        stable_baselines.read(rewritten(tmp_path, change))
    assert "write module:function" in message(error)


class Harmful:
    """Writes a file where it is unpickled."""

    def __reduce__(self) -> Any:
        return (open, ("harm", "w"))


def test_nothing_of_a_file_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for harmful in (pth(Harmful()), pth({"weight": Harmful()})):
        with pytest.raises(UserError, match=r"asks for _?io.open, which is not a tensor's"):
            stable_baselines.read(rewritten(tmp_path, tensors=harmful))
    with pytest.raises(UserError, match="that can be read"):  # one number that asks for 16 GiB
        stable_baselines.read(rewritten(tmp_path, tensors=pth(b"\x80\x02]r\xff\xff\xff\x7f.")))
    assert not Path("harm").exists()


def test_damaged_files_are_refused(tmp_path):
    contents = path_of("ppo").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.zip"
    accepted = 0
    for _ in range(60):
        noisy = bytearray(contents)
        for place in rng.integers(0, len(noisy), 3):
            noisy[place] = rng.integers(256)
        path.write_bytes(noisy)
        try:
            stable_baselines.read(path)
            accepted += 1  # the change was in a part that is not read
        except UserError as error:
            assert "\n" not in str(error)
    assert accepted < 30
    path.write_text("no zip file")
    with pytest.raises(UserError, match="is no zip file of Stable-Baselines3"):
        stable_baselines.read(path)
    with pytest.raises(UserError, match=r"cannot read the expert .*none.zip"):
        names.load_name(str(tmp_path / "none.zip"))
