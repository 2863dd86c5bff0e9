"""DAgger: the schedule, the mixture, the aggregate and its labels, and that it beats BC."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.core import rollout
from imitbench.core.actor import from_policy
from imitbench.core.types import EnvState
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
CLONE = bc.Config(validation=0.0, steps=5, batch=16, hidden=(16,))


def test_beta_schedules():
    rounds = jnp.arange(5)

    def values(**settings):
        config = dagger.Config(**settings)
        return [float(dagger.beta(config, i)) for i in rounds]

    assert values() == [0, 0, 0, 0, 0]
    assert values(beta="indicator") == [1, 0, 0, 0, 0]
    assert values(beta="linear", beta_rounds=4) == [1, 0.75, 0.5, 0.25, 0]
    assert values(beta="exponential", beta_base=0.5) == [1, 0.5, 0.25, 0.125, 0.0625]


@pytest.mark.parametrize(("prob", "low", "high"), [(0.0, 0, 0), (1.0, 1, 1), (0.3, 0.25, 0.35)])
def test_the_mixture_executes_the_expert_with_its_probability_and_always_intends_it(
    prob, low, high
):
    ones = lambda k, o: jnp.ones((*o.shape[:-1], 2))  # noqa: E731
    zeros = lambda k, o: jnp.zeros((*o.shape[:-1], 2))  # noqa: E731
    actor = dagger.mixture(jnp.float32(prob), from_policy(ones), from_policy(zeros))
    state = EnvState(None, jnp.zeros((4000, 3)), jnp.zeros(4000), jnp.zeros(4000))
    decision, _ = actor.act(jax.random.key(0), ((), ()), state)
    assert (np.asarray(decision.intended) == 1).all()
    action = np.asarray(decision.action)
    assert (action[:, 0] == action[:, 1]).all(), "whole actions are mixed, not their components"
    assert low <= action.mean() <= high


def test_the_aggregate_holds_the_demonstrations_and_expert_labels(env, demos):
    expert = experts.load("PointMass")
    rows = data.subset(demos, 3, [0], same=True)
    config = dagger.Config(clone=CLONE, episodes=2, fits=1, capacity=500, beta="indicator")
    algo = dagger.make(config, env.spec, env, expert)
    state = algo.init(jax.random.key(0), rows)
    demo_rows, new_rows = 3 * env.spec.horizon, 2 * env.spec.horizon
    assert int(state.data.size) == demo_rows
    update = jax.jit(algo.update)
    for i in range(2):
        state, metrics = update(jax.random.key(i), state, rows)
    assert int(state.data.size) == demo_rows + 2 * new_rows == int(metrics["rows"])
    np.testing.assert_array_equal(state.data.rows.obs[:demo_rows], rows.obs)
    np.testing.assert_array_equal(state.data.rows.target[:demo_rows], rows.intended_action)
    labels = expert(jax.random.key(0), state.data.rows.obs[demo_rows : demo_rows + 2 * new_rows])
    np.testing.assert_allclose(
        state.data.rows.target[demo_rows : demo_rows + 2 * new_rows], labels, atol=1e-6
    )
    # The expert acts in round 0 (beta is 1), the clone in round 1, where it misses the goal.
    first, second = (
        state.data.rows.obs[demo_rows + i * new_rows : demo_rows + (i + 1) * new_rows].reshape(
            2, -1, 6
        )
        for i in (0, 1)
    )
    reached = lambda o: np.linalg.norm(o[:, -1, :2] - o[:, -1, 4:], axis=1).max()  # noqa: E731
    assert reached(first) < 0.2 < reached(second)
    assert algo.cost.env_steps == algo.cost.expert_queries == new_rows
    assert algo.cost.grad_steps == 5


def test_rounds_come_first_and_a_closing_fit_after_them(env, demos):
    """Before the first round the clone learns from demonstrations; after the last one it learns
    from all rows, without environment and expert. The normaliser is that of all rows."""
    expert, rows = experts.load("PointMass"), data.subset(demos, 3, [0], same=True)
    config = dagger.Config(clone=CLONE, episodes=2, fits=3, start_fits=4, rounds=2, capacity=500)
    algo = dagger.make(config, env.spec, env, expert)
    per_round = 2 * env.spec.horizon
    costs = [algo.cost * n for n in range(4)]
    assert [c.env_steps for c in costs] == [0, per_round, 2 * per_round, 2 * per_round]
    assert [c.expert_queries for c in costs] == [c.env_steps for c in costs]
    assert [c.grad_steps for c in costs] == [5 * n for n in (4, 7, 10, 13)]
    state = algo.init(KEY, rows)
    sizes, params = [int(state.data.size)], [state.clone.params]
    update = jax.jit(algo.update)
    for i in range(3):
        state, _ = update(jax.random.key(i), state, rows)
        sizes.append(int(state.data.size))
        params.append(state.clone.params)
    first = 3 * env.spec.horizon
    assert sizes == [first, first + per_round, first + 2 * per_round, first + 2 * per_round]
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), params[3], params[2])
    assert max(jax.tree.leaves(moved)) > 0
    seen = np.asarray(state.data.rows.obs[: sizes[-1]])
    np.testing.assert_allclose(state.clone.norm.mean, seen.mean(0), atol=1e-4)


@pytest.mark.slow
def test_dagger_beats_bc_from_few_demonstrations():
    """Few demonstrations cover few paths; DAgger also gets labels off them."""
    env, expert = envs.make("PointMass"), experts.load("PointMass")
    demos = data.collect(env, expert, 5, seed=1)
    rows = data.subset(demos, 4, [0], same=True)
    clone = bc.Config(validation=0.0, steps=100)
    config = dagger.Config(clone=clone, episodes=4, fits=1)
    score = {}
    for name, algo in {
        "bc": bc.make(clone, env.spec),
        "dagger": dagger.make(config, env.spec, env, expert),
    }.items():
        state = algo.init(jax.random.key(0), rows)
        update = jax.jit(algo.update)
        for i in range(12):
            state, _ = update(jax.random.key(i), state, rows)
        policy = lambda k, o, a=algo, s=state: a.act(k, s, o)  # noqa: E731
        steps = rollout.episodes(env, policy, jax.random.key(9), 100)
        score[name] = float(rollout.summarise(steps)["success_final"].mean())
    assert score["dagger"] > score["bc"] + 0.2, score


def test_bad_settings(env, demos):
    cases: list[dict[str, Any]] = [
        {"episodes": 0}, {"fits": 0}, {"capacity": 0}, {"beta_base": 2}, {"rounds": -1},
        {"start_fits": -1},
    ]  # fmt: skip
    for bad in cases:
        with pytest.raises(UserError, match=next(iter(bad))):
            dagger.Config(**bad)
    rows = data.subset(demos, 3, [0], same=True)
    algo = dagger.make(
        dagger.Config(clone=CLONE, capacity=50), env.spec, env, experts.load("PointMass")
    )
    with pytest.raises(UserError, match="capacity=50: .* need 60 rows"):
        algo.init(jax.random.key(0), rows)
