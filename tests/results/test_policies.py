"""Stored policies: what is kept, that it acts as the trained method did, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import jax
import numpy as np
import pytest
from conftest import message
from helpers.small_configs import shrink
from helpers.stored_policies import SEEDS, TASK, store

from imitbench import algos, envs
from imitbench.core import rollout
from imitbench.core.actor import actor_of
from imitbench.core.config import config_dict, config_from_dict
from imitbench.core.types import Traits
from imitbench.results.cells import policies, policy_files
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
# Fields of a policy's card that cards of older versions lack: the first two of 0.2.0.
ADDED = ("horizon", "discrete", "fields", "normaliser", "action_bounds", "versions")


# Clones, a generative proposal, a search, replay and running moments, an aggregate.
@pytest.mark.parametrize(
    "method",
    [
        "bc",
        *(
            pytest.param(m, marks=pytest.mark.slow)
            for m in ("vins", "sac", "dagger", "bcq", "ppo", "gail")
        ),
    ],
)
def test_a_loaded_policy_acts_as_the_trained_method_did(tmp_path, method):
    algo, states = store(tmp_path / "cell", method)
    env = envs.make(TASK)
    assert policy_files.seeds_of(tmp_path / "cell") == SEEDS
    for s, seed in enumerate(SEEDS):
        stored = policies.load(tmp_path / "cell", seed)
        actor = actor_of(algo, jax.tree.map(lambda x, s=s: x[s], states))
        ours, theirs = (rollout.episodes(env, a, KEY, 3) for a in (stored.actor, actor))
        np.testing.assert_allclose(ours.action, theirs.action, rtol=1e-5, atol=1e-6)
    assert (stored.card.method, stored.card.task) == (method, TASK)


@pytest.mark.slow
def test_only_what_actions_depend_on_is_kept(tmp_path):
    """Neither Adam's moments nor a replay buffer."""
    store(tmp_path / "cell", "sac")
    with (tmp_path / "cell" / "policy" / "seed-3.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    assert header and all("policy" in name for name in header)
    assert not any("opt_state" in name or "replay" in name for name in header)


@pytest.mark.parametrize("method", algos.ALGOS)
def test_settings_survive_json(method):
    config = algos.ALGOS[method].Config()
    for one in (config, shrink(config)):
        kept = json.loads(json.dumps(config_dict(one)))
        assert config_from_dict(type(one), kept, "here", "train again") == one


def test_what_does_not_fit_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "cell"
    store(folder, "bc")
    with pytest.raises(UserError, match="no policy of seed 4: it has those of seeds 3, 5"):
        policies.load(folder, 4)
    card = folder / "policy" / "policy.json"
    kept = json.loads(card.read_text())

    def refused(words: str, **changes: Any) -> None:
        card.write_text(json.dumps(kept | changes))
        with pytest.raises(UserError, match=words) as error:
            policies.load(folder, 3)
        message(error)
        card.write_text(json.dumps(kept))

    refused("schema 2, this version reads 1", schema=2)
    refused("'nobody', which is not registered here", method="nobody")
    refused("bc version 7, this imitbench has version 1", version=7)
    refused("for 5 observations", obs_size=5)
    refused("unknown settings wings", config=kept["config"] | {"wings": 2})
    refused("validation=3: expected a share", config=kept["config"] | {"validation": 3})
    refused("has shape", config=kept["config"] | {"hidden": [7]})
    refused("expected seeds as numbers", sha256={"../x": "0"})
    refused("'sha256' is missing|sha256", sha256=None)
    path = folder / "policy" / "seed-3.safetensors"
    contents = path.read_bytes()
    path.write_bytes(contents[:-1] + b"x")
    refused("damaged .*sha256")
    path.write_bytes(contents)
    monkeypatch.setattr(algos.ALGOS["bc"], "TRAITS", Traits(version=2), raising=False)
    refused("bc version 1, this imitbench has version 2")
    with pytest.raises(UserError, match="holds no policies"):
        policies.load(tmp_path, 0)
    assert policy_files.seeds_of(tmp_path) == []


def test_a_method_with_memory_is_stored_with_its_memory(tmp_path, monkeypatch):
    from helpers.recurrent import Config, make

    algos.register("recurrent", Config, make, "Counts.")
    try:
        algo, states = store(tmp_path / "cell", "recurrent")
        stored = policies.load(tmp_path / "cell", 5)
        env = envs.make(TASK)
        actor = actor_of(algo, jax.tree.map(lambda x: x[1], states))
        ours, theirs = (rollout.episodes(env, a, KEY, 2) for a in (stored.actor, actor))
        np.testing.assert_allclose(ours.action, theirs.action, rtol=1e-6)
        assert (np.diff(np.asarray(ours.action), axis=0) != 0).any()
    finally:
        del algos.ALGOS["recurrent"]


def test_cards_are_complete():
    fields = dataclasses.fields(policy_files.PolicyCard)
    optional = {f.name for f in fields if f.default is not dataclasses.MISSING}
    assert optional == set(ADDED)


def test_cards_of_older_versions_are_read(tmp_path):
    store(tmp_path / "cell", "bc")
    card = tmp_path / "cell" / "policy" / "policy.json"
    values = json.loads(card.read_text())
    assert values["normaliser"] == ["state.norm.mean", "state.norm.std"]
    assert values["fields"] == {"at": [0, 2], "goal": [2, 4]}
    assert (values["action_bounds"], values["versions"]["jax"]) == (
        [[-1.0, -1.0], [1.0, 1.0]],
        jax.__version__,
    )
    newer = policies.load(tmp_path / "cell", SEEDS[0])
    card.write_text(json.dumps({k: v for k, v in values.items() if k not in ADDED}))
    older = policies.load(tmp_path / "cell", SEEDS[0])
    actions = [rollout.episodes(p.env, p.actor, KEY, 2).action for p in (older, newer)]
    np.testing.assert_array_equal(actions[0], actions[1])
    card.write_text(json.dumps(values | {"fields": {"at": "all"}}))
    with pytest.raises(UserError, match="'fields' is {'at': 'all'}, expected") as error:
        policies.load(tmp_path / "cell", SEEDS[0])
    message(error)
