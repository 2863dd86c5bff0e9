"""Hindsight goals: drawn from the same episode, whatever the ring did, and worth their while."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.common import off_policy, off_policy_loop, replay_buffer
from imitbench.algos.rl import td3
from imitbench.core import buffer, rollout
from imitbench.core.types import GoalSpec, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

HORIZON = 5
LENGTHS = (5, 2, 5, 1, 3, 5, 5, 4, 5, 5)  # of the episodes: the horizon, or an early end


def reward(achieved: jax.Array, desired: jax.Array) -> jax.Array:
    """One that no step was given when it was collected."""
    return 100.0 + jnp.sum(desired - 2.0 * achieved, axis=-1)


SPEC = make_spec([("at", 2), ("rest", 1), ("goal", 2)], 1, HORIZON, GoalSpec("at", "goal", reward))


def history(steps: int, envs: int) -> replay_buffer.Experience:
    """[T, B] steps. What is achieved after a step says where it is: (100 env + episode, t + 1)."""
    episode, t = np.zeros((steps, envs), int), np.zeros((steps, envs), int)
    ends = np.zeros((steps, envs), bool)
    for b in range(envs):
        number, step = b, 0
        for i in range(steps):
            episode[i, b], t[i, b] = number, step
            ends[i, b] = step + 1 == LENGTHS[number % len(LENGTHS)]
            number, step = (number + 1, 0) if ends[i, b] else (number, step + 1)
    name = 100 * np.arange(envs) + episode

    def obs(when: np.ndarray) -> jax.Array:
        goal = -np.ones_like(name)
        return jnp.asarray(np.stack([name, when, name, goal, goal], axis=-1), jnp.float32)

    return replay_buffer.Experience(
        obs(t), jnp.zeros((steps, envs, 1)), jnp.asarray(-7.0 - t), obs(t + 1),
        jnp.asarray(ends & (t + 1 < HORIZON)), jnp.asarray(t, jnp.int32),
    )  # fmt: skip


def filled(steps: int, envs: int, capacity: int) -> tuple[buffer.Ring, replay_buffer.Experience]:
    """A ring that was given all those steps, three rows at a time; and what it should hold."""
    whole = history(steps, envs)
    store = buffer.ring(jax.tree.map(lambda x: x[:1], whole), capacity)
    for i in range(0, steps, 3):
        store = buffer.append(store, jax.tree.map(lambda x, i=i: x[i : i + 3], whole))
    return store, jax.tree.map(lambda x: x[-capacity:], whole)


# A part filled; full to the brim; and past the seam at several places.
@pytest.mark.parametrize(
    "steps", [7, 38, *(pytest.param(n, marks=pytest.mark.slow) for n in (24, 31, 60))]
)
def test_goals_come_from_the_same_episode_later_and_still_held(steps):
    store, held = filled(steps, 3, 24)
    rows = replay_buffer.sample_hindsight(jax.random.key(steps), store, 6000, SPEC, 0.8)
    rows = jax.tree.map(np.asarray, rows)
    last: dict[float, float] = {}  # the last step of each episode that the ring holds
    for name, when in np.asarray(held.next_obs)[..., :2].reshape(-1, 2).tolist():
        last[name] = max(when, last.get(name, 0))
    goal, here = rows.obs[:, 3:], rows.next_obs[:, :2]
    new = goal[:, 0] != -1
    np.testing.assert_array_equal(goal, rows.next_obs[:, 3:])
    np.testing.assert_array_equal(goal[new, 0], here[new, 0])
    assert (goal[new, 1] >= here[new, 1]).all()
    assert (goal[new, 1] <= [last[name] for name in here[new, 0]]).all()
    # Every held step is drawn, and from each the episode's last one, where it ends by the limit.
    seen = {tuple(x) for x in here.tolist()}
    assert seen == {tuple(x) for x in np.asarray(held.next_obs)[..., :2].reshape(-1, 2).tolist()}
    reached = {(*h, g) for h, g in zip(here[new].tolist(), goal[new, 1].tolist(), strict=True)}
    assert {(name, when, last[name]) for name, when in seen if last[name] == HORIZON} <= reached


@pytest.mark.parametrize("steps", [7, 38])
def test_goals_after_early_ends_are_drawn_from_the_rest_of_the_episode(steps: int):
    """Uniformly, also in a ring that is not full, and past its seam."""
    store, held = filled(steps, 3, 24)
    draw = replay_buffer.agent_sampler(store, SPEC, 1e9, early_ends=True)
    rows = jax.tree.map(np.asarray, draw(jax.random.key(steps), 12_000))
    goal, here = rows.obs[:, 3:], rows.next_obs[:, :2]
    np.testing.assert_array_equal(goal[:, 0], here[:, 0])
    places = np.asarray(held.next_obs)[..., :2].reshape(-1, 2).tolist()
    last = {name: max(t for n, t in places if n == name) for name, _ in places}
    assert {tuple(x) for x in here.tolist()} == {tuple(x) for x in places}
    for name, t in places:
        at = (here == (name, t)).all(axis=1)
        share = np.bincount(goal[at, 1].astype(int), minlength=HORIZON + 1)[int(t) :] / at.sum()
        left = int(last[name] - t) + 1
        np.testing.assert_allclose(share[:left], 1 / left, atol=0.17)
        assert not share[left:].any()


def test_rewards_are_the_new_goals_and_the_rest_is_left_alone():
    store, _ = filled(60, 3, 24)
    rows = replay_buffer.sample_hindsight(jax.random.key(0), store, 4000, SPEC, 0.8)
    rows = jax.tree.map(np.asarray, rows)
    new = rows.obs[:, 3] != -1
    assert new.mean() == pytest.approx(0.8, abs=0.02)  # k = 4
    expected = 100 + (rows.obs[:, 3:] - 2 * rows.next_obs[:, :2]).sum(-1)
    np.testing.assert_allclose(rows.reward[new], expected[new], rtol=1e-6)
    np.testing.assert_array_equal(rows.reward[~new], -7.0 - rows.t[~new])
    np.testing.assert_array_equal(rows.obs[:, 1], rows.t)
    np.testing.assert_array_equal(rows.next_obs[:, 1], rows.t + 1)
    ends = np.array([LENGTHS[int(n) % 100 % len(LENGTHS)] for n in rows.obs[:, 0]])
    np.testing.assert_array_equal(rows.terminated, (rows.t + 1 == ends) & (ends < HORIZON))
    # Uniform over this step and those after it: from the first of five, a fifth each.
    full = new & (rows.t == 0) & (ends == HORIZON)
    share = np.bincount(rows.obs[full, 4].astype(int), minlength=6)[1:] / full.sum()
    np.testing.assert_allclose(share, 0.2, atol=0.06)


def demo_rows(weight: jax.Array | None = None) -> Transition:
    """The first 24 steps of `history`: seven episodes of 1 to 5 steps, one after the other; and two
    rows of weight 0 that belong to none."""
    rows = jax.tree.map(lambda x: x[:26, 0], history(30, 1))
    last = jnp.asarray(np.append(np.asarray(rows.t)[1:24] == 0, [True, False, False]))
    weight = (jnp.arange(26) < 24).astype(jnp.float32) if weight is None else weight
    return Transition(
        obs=rows.obs, action=rows.action, intended_action=rows.action, reward=rows.reward,
        next_obs=rows.next_obs, terminated=rows.terminated, truncated=last & ~rows.terminated,
        success=last, weight=weight,
    )  # fmt: skip


def test_demonstrations_are_relabelled_within_their_episode():
    """Also where episodes end early: uniform over the steps, then over the rest of the episode."""
    demos = demo_rows()
    draw = replay_buffer.demo_sampler(demos, SPEC, 1e9)
    drawn = jax.tree.map(np.asarray, draw(jax.random.key(0), 12_000))
    goal, here = drawn.obs[:, 3:], drawn.next_obs[:, :2]
    np.testing.assert_array_equal(goal[:, 0], here[:, 0])
    steps = np.asarray(demos.next_obs)[:24, :2].tolist()
    ends = {name: max(t for n, t in steps if n == name) for name, _ in steps}
    for name, t in steps:
        at = (here == (name, t)).all(axis=1)
        assert at.mean() == pytest.approx(1 / 24, abs=0.008)
        share = np.bincount(goal[at, 1].astype(int), minlength=HORIZON + 1)[int(t) :]
        left = int(ends[name] - t) + 1
        np.testing.assert_allclose(share[:left] / at.sum(), 1 / left, atol=0.12)
        assert not share[left:].any()
    np.testing.assert_array_equal(drawn.t, drawn.obs[:, 1])


def test_steps_of_weight_0_are_not_drawn_with_hindsight():
    weight = (jnp.arange(26) % 3 == 1).astype(jnp.float32).at[24:].set(0.0)
    demos = demo_rows(weight)
    drawn = replay_buffer.demo_sampler(demos, SPEC, 4.0)(jax.random.key(0), 500)
    kept = np.asarray(demos.next_obs)[np.asarray(weight) > 0, :2]
    assert {tuple(x) for x in np.asarray(drawn.next_obs)[:, :2].tolist()} == {
        tuple(x) for x in kept.tolist()
    }


def test_full_episodes_keep_the_draws_of_a_ring():
    """The same numbers as from a ring of all episodes side by side, as before version 0.4."""
    rows = jax.tree.map(lambda x: x[:, 0], history(500, 1))
    ends = np.flatnonzero(np.asarray(rows.t) == HORIZON - 1)[:3]
    index = np.concatenate([np.arange(e - HORIZON + 1, e + 1) for e in ends])
    rows = jax.tree.map(lambda x: x[index], rows)
    last = rows.t == HORIZON - 1
    no = jnp.zeros(15, bool)
    demos = Transition(
        rows.obs, rows.action, rows.action, rows.reward, rows.next_obs, no, last, no, jnp.ones(15)
    )
    by_time = jax.tree.map(lambda x: x.reshape(3, HORIZON, *x.shape[1:]).swapaxes(0, 1), rows)
    ring = buffer.Ring(
        by_time.replace(terminated=jnp.zeros((HORIZON, 3), bool)), jnp.int32(HORIZON)
    )
    expected = replay_buffer.sample_hindsight(jax.random.key(0), ring, 500, SPEC, 0.8)
    found = replay_buffer.demo_sampler(demos, SPEC, 4.0)(jax.random.key(0), 500)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.slow
def test_demonstrated_steps_follow_the_own_ones():
    """Of a minibatch; without hindsight they are the data's real steps."""
    env = envs.make("PointMass")
    seen: list[replay_buffer.Experience] = []
    inner = td3.learner(td3.Config(hidden=(4,)), env.spec)

    def learn(key, state, rows):
        jax.debug.callback(
            lambda *leaves: seen.append(replay_buffer.Experience(*leaves)), *rows_of(rows)
        )
        return inner.learn(key, state, rows)

    def rows_of(rows):
        return [
            getattr(rows, f) for f in ("obs", "action", "reward", "next_obs", "terminated", "t")
        ]

    config = off_policy.Config(rounds=3, warmup=0, capacity=50, batch=5)
    algo = off_policy_loop.make(config, env.spec, env, inner._replace(learn=learn), demo_batch=4)
    demos = buffer.no_rows(env.spec)
    n = 2 * env.spec.horizon
    demos = jax.tree.map(lambda x: jnp.zeros((n, *x.shape[1:]), x.dtype), demos)
    weight = (jnp.arange(n) % env.spec.horizon < 10).astype(jnp.float32)
    last = jnp.arange(n) % env.spec.horizon == env.spec.horizon - 1
    demos = demos.replace(reward=100.0 + jnp.arange(n), weight=weight, truncated=last)
    algo.update(jax.random.key(1), algo.init(jax.random.key(0), demos), demos)
    jax.effects_barrier()
    assert len(seen) == 3
    for rows in seen:
        assert (np.asarray(rows.reward[:5]) <= 0).all()
        shown = np.asarray(rows.reward[5:]) - 100
        assert ((shown >= 0) & (shown % env.spec.horizon < 10)).all()
        np.testing.assert_array_equal(rows.t[5:], shown % env.spec.horizon)


def test_without_hindsight_rows_are_as_they_were():
    store, held = filled(31, 3, 24)
    rows = replay_buffer.sample(jax.random.key(0), store, 3000)
    seen = {tuple(x) for x in np.asarray(rows.next_obs).tolist()}
    assert seen == {tuple(x) for x in np.asarray(held.next_obs).reshape(-1, 5).tolist()}
    store, held = filled(6, 2, 24)
    rows = replay_buffer.sample(jax.random.key(0), store, 3000)
    assert {tuple(x) for x in np.asarray(rows.obs).tolist()} == {
        tuple(x) for x in np.asarray(held.obs).reshape(-1, 5).tolist()
    }, "what is not filled yet is not drawn"


@pytest.mark.slow
def test_a_reward_model_learns_from_steps_with_the_goals_of_their_episodes():
    env = envs.make("PointMass")
    goal = env.spec.fields[env.spec.goal.desired]  # type: ignore[union-attr]
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    inner = td3.learner(td3.Config(hidden=(4,)), env.spec)

    def see(key, state, replay, sample_agent, sample_demos):
        drawn = sample_agent(key, 200).obs[:, goal]
        held = replay.rows.obs[..., goal].reshape(-1, drawn.shape[-1])
        jax.debug.callback(
            lambda *x: seen.append((np.asarray(x[0]), np.asarray(x[1]))), drawn, held
        )
        return state, {}

    watching = off_policy_loop.TASK_REWARD._replace(update=see)
    config = off_policy.Config(rounds=3, warmup=0, capacity=50, batch=5, her=4)
    algo = off_policy_loop.make(config, env.spec, env, inner, reward_model=watching)
    demos = buffer.no_rows(env.spec)
    algo.update(jax.random.key(1), algo.init(jax.random.key(0), demos), demos)
    jax.effects_barrier()
    assert len(seen) == 3
    for drawn, held in seen:
        assert {tuple(x) for x in drawn.tolist()} <= {tuple(x) for x in held.tolist()}


def test_a_task_without_goals_has_no_hindsight():
    env = envs.make("ProbeTarget")
    config = td3.Config(replay=off_policy.Config(her=4))
    with pytest.raises(UserError, match="^her=4: ProbeTarget has no goals to relabel; [^\n]*$"):
        td3.make(config, env.spec, env)


def solved(her: float) -> float:
    """Share of goals held at the end after training on the sparse reward."""
    env = envs.make("PointMass")
    replay = off_policy.Config(
        envs=8, length=5, grad_steps=20, rounds=150, warmup=800, capacity=10_000, batch=128, her=her
    )
    config = td3.Config(
        replay=replay, lr=1e-3, hidden=(64, 64), discount=0.9, tau=0.02, noise=0.2, uniform=0.2,
        value_range=(-10.0, 0.0),
    )  # fmt: skip
    algo = td3.make(config, env.spec, env)
    key = jax.random.key(0)
    no_demos = buffer.no_rows(env.spec)
    state = algo.init(key, no_demos)
    state, _ = jax.jit(algo.update)(key, state, no_demos)
    steps = rollout.episodes(env, lambda k, o: algo.act(k, state, o), jax.random.key(9), 100)
    return float(rollout.summarise(steps)["success_final"].mean())


@pytest.mark.slow
def test_hindsight_solves_a_sparse_task_that_is_not_solved_without():
    score = {her: solved(her) for her in (0.0, 4.0)}
    assert score[4.0] > 0.8 and score[4.0] > score[0.0] + 0.4, score
