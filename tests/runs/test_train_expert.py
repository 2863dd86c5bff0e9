"""Training of experts: files, cards, snapshots, and resuming."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.algos.rl import ddpg_demos, ppo
from imitbench.experts import learned, reference_scores
from imitbench.runs import expert_choice, score_policy, train_expert
from imitbench.suites import expert_recipes
from imitbench.training.progress import Progress
from imitbench.utils.errors import UserError

CONFIG = ppo.Config(envs=2, length=20, epochs=1, minibatches=2, hidden=(8,))
RECIPE = expert_recipes.Recipe(
    "PointMass", "ppo", CONFIG, updates=4, evals=2, seeds=2, eval_episodes=2
)


class Stopped(Exception):
    pass


@pytest.fixture(autouse=True, scope="module")
def few():
    """Fewer episodes than a card takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_policy, "EPISODES", 4)
        yield


@pytest.fixture(scope="module")
def straight(few, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an expert that was trained without a stop."""
    return train(tmp_path_factory.mktemp("straight"))


def train(root: Path) -> Path:
    with Progress(RECIPE.evals) as progress:
        return train_expert.train(train_expert.prepare(RECIPE, root), root, progress)[0]


def test_writes_an_expert_with_its_card(straight):
    env = envs.make("PointMass")
    policy, card = learned.load(straight, env.spec, "PointMass")
    assert straight.name == "PointMass.expert.npz"
    assert (card.method, card.grade, card.episodes) == ("ppo", "expert", 4)
    assert card.env_steps in (80, 160) and card.seed in (0, 1)
    assert len(card.scores_by_seed) == 2 and card.wall_seconds > 0
    found = score_policy.score(env, policy)
    assert found.mean == pytest.approx(card.mean_return, rel=1e-5)
    demos = data.collect(env, policy, 2, only_success=False)
    assert demos.steps.action.shape == (2, env.spec.horizon, 2)


@pytest.mark.slow
def test_a_learner_can_have_demonstrations_of_the_scripted_expert(tmp_path, no_cache):
    config = shrink(ddpg_demos.Config())
    recipe = expert_recipes.Recipe(
        "PointMass", "ddpg_demos", config, 1, 1, eval_episodes=2, demos=3
    )
    with Progress(1) as progress:
        path = train_expert.train(train_expert.prepare(recipe, tmp_path), tmp_path, progress)[0]
    card = learned.read(path)[1]
    assert (card.demonstrations, card.method) == (3, "ddpg_demos")


@pytest.mark.slow
def test_an_interrupted_run_continues_to_the_same_expert(straight, tmp_path, monkeypatch):
    save = train_expert._save_snapshot
    calls = []

    def stop(*args):
        save(*args)
        calls.append(args[2])
        if args[1:3] == (1, 1):  # the last snapshot, before its checkpoint
            raise Stopped

    monkeypatch.setattr(train_expert, "_save_snapshot", stop)
    with pytest.raises(Stopped):
        train(tmp_path / "cut")
    monkeypatch.setattr(train_expert, "_save_snapshot", save)
    resumed = train(tmp_path / "cut")
    (a, card_a), (b, card_b) = learned.read(straight), learned.read(resumed)
    jax.tree.map(np.testing.assert_array_equal, a, b)
    assert card_a.scores_by_seed == card_b.scores_by_seed
    assert calls == [0, 0, 1, 1]


def test_a_policy_for_longer_observations_ignores_what_is_new():
    net, card = learned.read(learned.weights_path("Hopper", "expert"))
    wide = expert_choice.widen(net, card.obs_size + 2)
    obs = jax.random.normal(jax.random.key(0), (5, card.obs_size))
    more = jnp.concatenate([obs, jnp.full((5, 2), 100.0)], -1)
    key = jax.random.key(1)
    expected = learned.policy(net)(key, obs)
    np.testing.assert_allclose(learned.policy(wide)(key, more), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


@pytest.mark.slow
def test_an_expert_is_written_for_every_task_of_its_recipe(tmp_path):
    recipe = expert_recipes.Recipe(
        "Ant-27", "ppo", CONFIG, 1, 1, eval_episodes=1, also_for=("Ant",)
    )
    with Progress(1) as progress:
        run = train_expert.prepare(recipe, tmp_path)
        first, second = train_expert.train(run, tmp_path, progress)[:2]
    assert (first.name, second.name) == ("Ant-27.expert.npz", "Ant.expert.npz")
    card = learned.load(second, envs.make("Ant").spec, "Ant")[1]
    # The same body and the same rewards.
    assert card.mean_return == pytest.approx(learned.read(first)[1].mean_return, rel=1e-4)


def test_recipes_that_cannot_run_are_refused(tmp_path):
    for recipe, words in (
        (expert_recipes.Recipe("PointMass", "bc", bc.Config(), 1, 1), "method that makes experts"),
        (expert_recipes.Recipe("Hopper", "bc", bc.Config(), 1, 1, demos=2), "no scripted expert"),
        (expert_recipes.Recipe("ProbeAction", "ppo", CONFIG, 1, 1), "discrete actions"),
        (expert_recipes.Recipe("brax/fast", "ppo", CONFIG, 1, 1), "do not ship"),
    ):
        with pytest.raises(UserError, match=words):
            train_expert.prepare(recipe, tmp_path)


def test_reference_scores(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_scores, "path", lambda: tmp_path / "reference.json")
    reference_scores.table.cache_clear()
    entry = score_policy.measure_references("PointMass")
    try:
        assert entry["expert"] > entry["random"] and entry["expert_kind"] == "scripted"
        assert reference_scores.normalise("PointMass", entry["random"]) == 0.0
        assert reference_scores.normalise("PointMass", entry["expert"]) == 1.0
        with pytest.raises(UserError, match="'ProbeConstant' has no reference scores"):
            reference_scores.normalise("ProbeConstant", 0.0)
    finally:
        reference_scores.table.cache_clear()


def test_shipped_experts_match_their_cards():
    files = learned.shipped_files()
    assert ("Hopper", "expert") in files
    for (task, grade), path in files.items():
        policy, card = learned.load(path, envs.make(task).spec, task)
        assert (card.task, card.grade, path.stat().st_size < 2**20) == (task, grade, True)
        obs = jnp.zeros((3, card.obs_size))
        assert policy(jax.random.key(0), obs).shape == (3, card.action_size)
    assert experts.find_expert("Hopper-fh").task == "Hopper"
