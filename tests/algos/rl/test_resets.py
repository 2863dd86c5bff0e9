"""Episodes that begin at demonstrated states: poses, where they come from, and who uses them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import algos, data, envs, experts
from imitbench.algos.adversarial import dac, gail
from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.rl import ddpg, ddpg_demos, ppo, td3
from imitbench.core import buffer, rollout, unrolling
from imitbench.core.capabilities import Poses
from imitbench.data import loading
from imitbench.data.sources.source import DemoSource
from imitbench.suites.schema import Cell, cell_identity, cell_key
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SMALL: dict[str, Any] = {"envs": 4, "length": 25, "rounds": 4, "warmup": 1000, "capacity": 400}


@pytest.fixture(scope="module")
def shown(env):
    """Six demonstrated episodes with their poses, as a method gets them."""
    found = data.collect(env, experts.load("PointMass"), 6)
    return data.subset(found, 6, [0], same=True)


def first(replay) -> np.ndarray:
    """Observations [K, O] in which the episodes of a replay begin."""
    rows = jax.tree.map(np.asarray, replay.rows)
    return rows.obs[rows.t == 0]


def demonstrated(obs: np.ndarray, rows) -> np.ndarray:
    """[K] bool: which observations are demonstrated ones."""
    real = np.asarray(rows.obs)[np.asarray(rows.weight) > 0]
    return np.array([np.isclose(real, one, atol=1e-6).all(axis=1).any() for one in obs])


@pytest.mark.parametrize(
    ("task", "close"),
    [
        ("PointMass", 1e-5),
        ("Hopper", 1e-4),
        ("FetchReach", 1e-4),
        # gymnasium-robotics reads an object's sensors one substep late; a pose is read at once.
        pytest.param("FetchPush", 5e-3, marks=pytest.mark.slow),
        pytest.param("FetchPickAndPlace", 5e-3, marks=pytest.mark.slow),
    ],
)
def test_a_pose_is_the_state_again(task, close):
    env = envs.make(task)
    assert isinstance(env, Poses)
    action = jnp.full(env.spec.action_size, 0.3)

    def run(key):
        state = env.reset(key)
        state, _ = jax.lax.scan(lambda s, _: (env.step(s, action), None), state, length=7)
        again = env.reset_to(env.pose(state))
        return (state.obs, again.obs), (env.step(state, action), env.step(again, action)), again

    (obs, same), (after, later), again = jax.jit(run)(KEY)
    np.testing.assert_allclose(obs, same, atol=close)
    np.testing.assert_allclose(after.obs, later.obs, atol=close)
    np.testing.assert_allclose(after.reward, later.reward, atol=10 * close)
    assert again.done == 0
    like = jax.eval_shape(env.reset, KEY)
    assert jax.tree.map(jnp.shape, again) == jax.tree.map(lambda x: x.shape, like)


def test_collected_steps_hold_their_poses(env, shown):
    np.testing.assert_array_equal(shown.pose, shown.obs)  # of this task they are the same numbers
    plain = rollout.episodes(env, experts.load("PointMass"), KEY, 2)
    assert plain.pose is None


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_episodes_begins_there(env, shown, share):
    replay = off_policy.Config(**SMALL, resets=share)
    algo = ddpg.make(ddpg.Config(replay=replay, hidden=(8,)), env.spec, env)
    state = algo.init(KEY, shown)
    for i in range(2):
        state, _ = jax.jit(algo.update)(jax.random.key(i), state, shown)
    begun = first(state.replay)
    assert len(begun) == 20 and np.allclose(begun[:, 2:4] == 0, True) == (share == 0)
    count = demonstrated(begun, shown).sum()
    assert {0.0: count == 0, 0.5: 4 <= count <= 16, 1.0: count == 20}[share]
    # The goal is the demonstration's, and the episode is a whole one.
    assert (np.asarray(state.replay.rows.t).max()) == env.spec.horizon - 1


def test_only_real_steps_are_begun_from(env, shown):
    third = jnp.arange(len(shown.weight)) == 3
    one = shown.replace(weight=third.astype(jnp.float32))
    running = unrolling.start_episodes(env, KEY, 5, unrolling.demo_resets(env, one, 1))
    np.testing.assert_allclose(running.env.obs, jnp.broadcast_to(shown.obs[3], (5, 6)), atol=1e-6)


def test_no_episode_begins_at_the_goal(env, shown):
    """Most demonstrated steps stay at the goal, which is a demonstration's last place."""
    assert np.asarray(shown.success).mean() > 0.3
    starts = unrolling.demo_resets(env, shown, 1.0)
    assert starts is not None
    drawn = demonstrated(np.asarray(starts.draw(KEY, 200)), shown.replace(weight=shown.success))
    assert not drawn.any()
    solved = shown.replace(success=jnp.ones_like(shown.success))  # then all there is
    starts = unrolling.demo_resets(env, solved, 1.0)
    assert starts is not None and len(np.unique(starts.draw(KEY, 200), axis=0)) > 60


def test_moments_begin_with_the_demonstrations(env, shown):
    replay = off_policy.Config(**SMALL, normalise_obs=True)
    algo = ddpg_demos.make(ddpg_demos.Config(replay=replay, hidden=(8,)), env.spec, env)
    moments = algo.init(KEY, shown).moments
    real = np.asarray(shown.obs)[np.asarray(shown.weight) > 0]
    assert moments.count == len(real)
    np.testing.assert_allclose(moments.mean, real.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(moments.var, real.var(axis=0), atol=1e-5)


@pytest.mark.slow
def test_adversaries_begin_there_too(env, shown):
    config = gail.Config(ppo=ppo.Config(envs=4, length=32, hidden=(8,)), resets=1.0)
    algo = gail.make(config, env.spec, env)
    state = algo.init(KEY, shown)
    assert demonstrated(np.asarray(state.running.env.obs), shown).all()
    state, _ = jax.jit(algo.update)(KEY, state, shown)
    assert np.isfinite(state.running.env.obs).all() and (state.running.t < 20).all()
    off = dac.Config(td3=td3.Config(replay=off_policy.Config(**SMALL, resets=1.0), hidden=(8,)))
    begun = dac.make(off, env.spec, env).init(KEY, shown).running.env.obs
    assert demonstrated(np.asarray(begun), shown).all()


def test_what_cannot_be_begun_from(env, shown):
    replay = off_policy.Config(**SMALL, resets=0.5)
    algo = ddpg.make(ddpg.Config(replay=replay), env.spec, env)
    with pytest.raises(UserError, match="the demonstrations of PointMass hold no poses"):
        algo.init(KEY, shown.replace(pose=None))
    with pytest.raises(UserError, match="poses have 5 numbers, those of PointMass 6"):
        algo.init(KEY, shown.replace(pose=shown.pose[:, :5]))
    nobody = buffer.no_rows(env.spec)
    with pytest.raises(UserError, match="resets=1: there are no demonstrations of PointMass"):
        unrolling.demo_resets(env, nobody, 1)
    probe = envs.make("ProbeDiscount")
    with pytest.raises(UserError, match="ProbeDiscount cannot begin at a demonstrated state"):
        unrolling.demo_resets(probe, shown, 0.5)
    for bad in (-0.1, 1.5):
        with pytest.raises(UserError, match=r"resets=.*: expected a number in \[0, 1\]"):
            off_policy.Config(resets=bad)
        with pytest.raises(UserError, match=r"resets=.*: expected a number in \[0, 1\]"):
            gail.Config(resets=bad)


OWN = ddpg_demos.Config(replay=off_policy.Config(**SMALL, her=0.0, resets=0.5))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"demos": 0, "method": "ddpg"}, "no demonstrated states to reset to"),
        ({"source": DemoSource(grade="replay")}, "no demonstrated states to reset to"),
        ({"task": "ProbeDiscount"}, "cannot be reset to a demonstrated state"),
    ],
)
def test_a_run_says_so_before_any_work(changes, match):
    cell = Cell("PointMass", 3, "ddpg_demos", OWN, env_steps=400)
    cell = dataclasses.replace(cell, **changes)
    with pytest.raises(UserError, match=f"resets=0.5: .*{match}"):
        loading.check(cell.data, cell.config, envs.make(cell.task))


def test_poses_go_only_where_they_are_asked_for(env):
    asks = Cell("PointMass", 3, "ddpg_demos", OWN, env_steps=400, source=DemoSource(pool=6))
    rows = loading.load_demonstrations(asks.data, env, [0, 1], configs=[OWN]).rows
    assert rows.pose is not None and rows.pose.shape == (2, 60, 6)
    none = dataclasses.replace(OWN, replay=dataclasses.replace(OWN.replay, resets=0.0))
    for config in (bc.Config(), none):
        given = {"request": asks.data, "env": env, "seeds": [0, 1]}
        assert loading.load_demonstrations(**given, configs=[config]).rows.pose is None
        assert loading.load_demonstrations(**given, configs=[config, OWN]).rows.pose is not None
    assert algos.reset_share(dac.Config(td3=td3.Config(replay=OWN.replay))) == 0.5
    assert algos.reset_share(gail.Config()) == 0 and algos.reset_share(bc.Config()) is None


def test_results_without_resets_keep_their_names():
    def said(config) -> Any:
        cell = Cell("PointMass", 3, "ddpg_demos", config, env_steps=400)
        return cell_identity("toy", "cpu", cell, "native")

    none = dataclasses.replace(OWN, replay=dataclasses.replace(OWN.replay, resets=0.0))
    assert "resets" not in said(none)["config"]["replay"]
    assert said(OWN)["config"]["replay"]["resets"] == 0.5
    assert said(OWN)["resets_version"] == 2 and "resets_version" not in said(none)
    assert cell_key(said(none)) != cell_key(said(OWN))


def test_files_with_and_without_poses(tmp_path, env):
    found = data.collect(env, experts.load("PointMass"), 3)
    data.save(tmp_path / "with.npz", found)
    again = data.load(tmp_path / "with.npz", env.spec)
    np.testing.assert_array_equal(again.steps.pose, found.steps.pose)
    bare = found.replace(steps=found.steps.replace(pose=None))
    data.save(tmp_path / "without.npz", bare)
    assert data.load(tmp_path / "without.npz", env.spec).steps.pose is None
