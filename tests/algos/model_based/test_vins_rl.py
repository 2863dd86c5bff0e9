"""VINS+RL: what it begins with, collects and trains on."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.model_based import vins, vins_rl
from imitbench.core import buffer
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def rows():
    demos = data.collect(envs.make("ProbeGoal"), experts.load("ProbeGoal"), 6, seed=1)
    return data.subset(demos, 3, [0], same=True)


@pytest.mark.slow
def test_rl_continues_vins_without_negatives_and_without_the_prior(rows):
    env = envs.make("ProbeGoal")
    config = shrink(vins_rl.Config())
    algo = vins_rl.make(config, env.spec, env)
    state = jax.jit(algo.init)(KEY, rows)
    learner = vins.learner(config.vins, env.spec)
    pretrained = learner.init(jax.random.split(KEY, 3)[0], rows)
    for key in jax.random.split(jax.random.split(KEY, 3)[1], 2):  # 6 steps, 3 an update
        pretrained, _ = jax.jit(learner.update)(key, pretrained, rows)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), state.vins, pretrained)
    total = config.rounds * config.envs * config.length
    assert int(state.replay.written) == 0  # demonstrations are drawn beside the replay
    new, metrics = jax.jit(algo.update)(KEY, state, rows)
    assert int(new.replay.written) == total
    assert "ns_loss" not in metrics and {"td_loss", "model_loss", "reward"} <= set(metrics)
    jax.tree.map(np.testing.assert_array_equal, new.vins.clone, state.vins.clone)
    kept = jax.tree.map(lambda x: np.asarray(x)[:total], new.replay.rows)
    np.testing.assert_allclose(kept.next_state, kept.state + 0.1 * kept.action, atol=1e-6)
    at_goal = np.linalg.norm(kept.state - kept.desired, axis=1) <= 0.1
    np.testing.assert_array_equal(kept.terminal, at_goal)
    np.testing.assert_array_equal(kept.reward, np.where(at_goal, 0, -1))
    # Noise around 0 over the whole range, not around the prior.
    size = np.abs(kept.action)
    assert size.max() > 0.8 and size.min() < 0.2
    assert [(algo.cost * u).grad_steps for u in (0, 1)] == [6, 6 + config.rounds * (2 + 5)]


@pytest.mark.slow
def test_episodes_end_at_the_goal_and_demonstrations_before_it(rows, monkeypatch):
    """A step of the probe is as long as a goal's radius, so that the policy comes by it."""
    env, drawn = envs.make("ProbeGoal"), {}
    sampler = vins_rl.buffer.real_row_sampler

    def seen(found, weight, *rest):
        drawn[len(drawn)] = found.replace(weight=weight)
        return sampler(found, weight, *rest)

    for ends in (True, False):
        drawn.clear()
        config = dataclasses.replace(
            shrink(vins_rl.Config(), rounds=200), goal_ends=ends, pretrain=0, length=1
        )
        algo = vins_rl.make(config, env.spec, env)
        state, _ = jax.jit(algo.update)(KEY, algo.init(KEY, rows), rows)
        size = int(state.replay.size)
        kept = jax.tree.map(lambda x, n=size: np.asarray(x)[:n], state.replay.rows)
        # The same environment's next step is so many rows later.
        there = np.flatnonzero(kept.next_terminal[: -config.envs])
        goes_on = (kept.state[there + config.envs] == kept.next_state[there]).all(axis=1)
        assert len(there) and (not goes_on.any() if ends else goes_on.any())
        with monkeypatch.context() as patch:
            patch.setattr(vins_rl.buffer, "real_row_sampler", seen)
            algo.update(KEY, state, rows)
        demonstrated = drawn[max(drawn)]
        counts = np.asarray(demonstrated.weight) > 0
        assert np.asarray(demonstrated.terminal)[counts].any() == (not ends)


@pytest.mark.slow
def test_further_steps_of_the_model_alone(rows):
    env = envs.make("ProbeGoal")
    config = shrink(vins_rl.Config(), rounds=1)
    one, more = (dataclasses.replace(config, model_steps=n) for n in (0, 5))
    states = []
    for c in (one, more):
        algo = vins_rl.make(c, env.spec, env)
        state = algo.init(KEY, rows)
        states.append((state, jax.jit(algo.update)(KEY, state, rows)[0].vins))
        assert (algo.cost * 1).grad_steps - config.pretrain == config.grad_steps + c.model_steps
    before = states[0][0].vins.params

    def moved(name: str, new) -> float:
        changes = jax.tree.map(
            lambda a, b: float(np.abs(a - b).max()), before[name], new.params[name]
        )
        return max(jax.tree.leaves(changes))

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8),
        *(new.params["value"] for _, new in states),
    )
    assert moved("model", states[1][1]) > 1.5 * moved("model", states[0][1]) > 0


@pytest.mark.parametrize(("share", "batch", "demonstrated"), [(1 / 3, 64, 21), (0.0, 8, 0)])
def test_each_minibatch_has_its_share_of_demonstrated_steps(share, batch, demonstrated):
    config = shrink(vins_rl.Config(), demo_share=share, model_steps=2, model_batch=12)
    sizes: list[tuple[str, int]] = []

    def count(name: str, state: int, rows: jax.Array) -> tuple[int, dict[str, jax.Array]]:
        sizes.append((name, rows.shape[0]))
        return state, {"demonstrated": jnp.sum(rows)}

    learner: Any = SimpleNamespace(
        config=SimpleNamespace(batch=batch),
        gradient_step=lambda key, state, rows: count("both", state, rows),
        model_step=lambda state, rows: count("model", state, rows),
    )
    replay = buffer.append(buffer.ring(jnp.zeros(5), 5), jnp.zeros(5))  # a collected step is a 0
    _, metrics = vins_rl.replay_steps(
        learner, config, KEY, jnp.int32(0), replay, lambda key, n: jnp.ones(n)
    )
    assert set(sizes) == {("both", batch), ("model", 12)}
    assert float(metrics["demonstrated"]) == demonstrated


def test_targets_are_bounded_by_the_time_limit(rows, monkeypatch):
    """A step costs 1, so that no state is worth less than minus the time limit, or more than 0."""
    spec = envs.make("ProbeGoal").spec
    config = dataclasses.replace(shrink(vins.Config()), mu=0.0, interpolations=0)
    for value, bounded in ((-1e4, -float(spec.horizon)), (3.0, 0.0), (-2.0, -2.0)):
        monkeypatch.setattr(
            vins.VINSLearner, "apply_value", lambda self, p, x, v=value: jnp.full(x.shape[:-1], v)
        )
        learner = vins.learner(config, spec, (-float(spec.horizon), 0.0))
        state, steps = learner.init(KEY, rows), learner.rows(rows)
        _, targets, _ = learner.value_targets(KEY, state, steps)
        goes_on = np.asarray(~steps.terminal & ~steps.next_terminal)
        assert goes_on.any()
        expected = -1.0 + config.discount * bounded
        np.testing.assert_allclose(np.asarray(targets)[goes_on], expected, rtol=1e-5)


def test_bad_settings(rows):
    env = envs.make("ProbeGoal")
    config = shrink(vins_rl.Config())
    for bad, words in (
        ({"pretrain": 7}, "pretrain=7: expected a multiple of vins.clone.steps=3"),
        ({"demo_share": 1.5}, "demo_share=1.5"),
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"model_steps": -1}, "model_steps=-1"),
        ({"tau": 0.0}, "tau=0.0"),
        (
            {"vins": dataclasses.replace(config.vins, goal="first"), "goal_ends": False},
            "vins.goal=first",
        ),
    ):
        with pytest.raises(UserError, match=words):
            vins_rl.make(dataclasses.replace(config, **bad), env.spec, env).init(KEY, rows)
