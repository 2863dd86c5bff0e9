"""PWIL: the greedy coupling against the optimal one, its atoms, and the environment that pays."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink
from scipy.optimize import linear_sum_assignment

from imitbench import algos, data, envs, experts
from imitbench.algos.common import off_policy
from imitbench.algos.inverse import pwil, pwil_coupling
from imitbench.algos.inverse.pwil_coupling import LEFT, Atoms, PaidEnv, Payment
from imitbench.core import buffer, ops, rollout, unrolling
from imitbench.core.capabilities import Poses
from imitbench.core.types import EpisodeSizes, Transition
from imitbench.data import loading
from imitbench.data.rows import Demos
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
PAYMENT = Payment(5.0, 5.0, "state-action")
TASK = "ProbeWalk"  # ten steps, two observations, two actions, never ends early


def identity(size: int) -> ops.Normaliser:
    return ops.Normaliser(jnp.zeros(size), jnp.ones(size))


def test_mass_is_taken_from_the_nearest_atoms_by_hand():
    """0.4 of [0.5, 0.2, 0.3]: all of the second atom, and 0.2 of the third."""
    cost, left = pwil_coupling.couple(jnp.array([3.0, 1.0, 2.0]), jnp.array([0.5, 0.2, 0.3]), 0.4)
    assert float(cost) == pytest.approx(0.2 * 1 + 0.2 * 2)
    np.testing.assert_allclose(left, [0.5, 0.0, 0.1], atol=1e-7)


def test_no_more_is_taken_than_there_is():
    cost, left = pwil_coupling.couple(jnp.array([3.0, 1.0]), jnp.array([0.1, 0.1]), 0.4)
    assert float(cost) == pytest.approx(0.4)
    np.testing.assert_array_equal(left, [0.0, 0.0])


def greedy_cost(points: np.ndarray, atoms: np.ndarray) -> float:
    """The cost of coupling points [T, D], in this order, with atoms [K, D] of equal mass."""
    left, total = jnp.full(len(atoms), 1.0 / len(atoms)), 0.0
    for point in points:
        distance = np.linalg.norm(atoms - point, axis=1)
        cost, left = couple(jnp.asarray(distance), left, 1.0 / len(points))
        total += float(cost)
    np.testing.assert_allclose(left, 0.0, atol=1e-6)  # everything was coupled
    return total


couple = jax.jit(pwil_coupling.couple)


def optimal_cost(points: np.ndarray, atoms: np.ndarray) -> float:
    """The optimal coupling, an assignment where the atoms are as many as the points."""
    atoms = np.repeat(atoms, len(points) // len(atoms), axis=0)
    distance = np.linalg.norm(points[:, None] - atoms, axis=-1)
    return distance[linear_sum_assignment(distance)].sum() / len(points)


@pytest.mark.parametrize("count", [6, 3, 1])  # fewer atoms than points have more mass each
def test_the_greedy_coupling_costs_at_least_the_optimal_one(count):
    rng, greater = np.random.default_rng(count), 0
    for _ in range(20):
        points, atoms = rng.normal(size=(6, 2)), rng.normal(size=(count, 2))
        greedy, optimal = greedy_cost(points, atoms), optimal_cost(points, atoms)
        assert greedy >= optimal - 1e-6
        greater += greedy > optimal + 1e-4
    assert (greater > 0) == (count > 1)  # a single atom leaves no choice


def test_the_greedy_coupling_is_optimal_where_each_point_has_an_atom_of_its_own():
    rng = np.random.default_rng(0)
    atoms = 100.0 * np.arange(6)[:, None] + rng.normal(size=(6, 2))
    points = atoms[rng.permutation(6)] + rng.normal(size=(6, 2))
    assert greedy_cost(points, atoms) == pytest.approx(optimal_cost(points, atoms), rel=1e-4)


def test_a_greedy_coupling_that_is_not_optimal_by_hand():
    """0 takes the atom 1 (cost 1), which leaves -2 for 1 (cost 3); optimal are 2 and 0."""
    points, atoms = np.array([[0.0], [1.0]]), np.array([[1.0], [-2.0]])
    assert greedy_cost(points, atoms) == pytest.approx((1 + 3) / 2)
    assert optimal_cost(points, atoms) == pytest.approx((2 + 0) / 2)
    # In the other order it is.
    assert greedy_cost(points[::-1], atoms) == pytest.approx((0 + 2) / 2)


def test_the_reward_by_hand():
    payment = Payment(2.0, 3.0, "state-action")
    reward = pwil_coupling.reward_of(payment, jnp.array([0.0, 0.01]), 16, 100)
    np.testing.assert_allclose(reward, [2.0, 2.0 * np.exp(-3 * 100 / 4 * 0.01)], rtol=1e-6)


def demos_of(*lengths: int, rest: int = 0) -> Transition:
    """Episodes whose observation is (episode, step, 1) and whose action is 2 times the step; then
    rows without weight."""
    episode = np.repeat(np.arange(len(lengths)), lengths)
    t = np.concatenate([np.arange(n) for n in lengths])
    last, n = t + 1 == np.repeat(lengths, lengths), len(t)
    obs = np.stack([episode, t, np.ones(n)], axis=1).astype(np.float32)
    action, no = (2.0 * t[:, None]).astype(np.float32), np.zeros(n, bool)
    fields: Any = obs, action, action, np.ones(n), obs, no, last, no, np.ones(n, np.float32)
    rows = Transition(*fields)
    rows = jax.tree.map(lambda x: jnp.pad(x, [(0, rest)] + [(0, 0)] * (x.ndim - 1)), rows)
    return rows.replace(sizes=EpisodeSizes(len(lengths), max(lengths)))


@pytest.mark.slow
def test_one_step_in_so_many_of_each_episode_is_kept():
    demos, seen = demos_of(7, 2, 9, rest=4), []
    for i in range(30):
        kept = np.asarray(pwil_coupling.thin(jax.random.fold_in(KEY, i), demos, 3))
        assert not kept[18:].any()
        for begin, end in ((0, 7), (7, 9), (9, 18)):
            places = np.flatnonzero(kept[begin:end])
            assert len(places) and (np.diff(places) == 3).all() and places[0] < 3
            assert places[-1] + 3 >= end - begin
        seen.append(tuple(np.flatnonzero(kept[:7])[:1]))
    assert set(seen) == {(0,), (1,), (2,)}  # the offset is random


def test_steps_that_were_thinned_before_do_not_count():
    demos = demos_of(9)
    demos = demos.replace(weight=(jnp.arange(9) % 2 == 0).astype(jnp.float32))  # 0, 2, 4, 6, 8
    kept = np.flatnonzero(pwil_coupling.thin(KEY, demos, 2))
    assert kept.tolist() in ([0, 4, 8], [2, 6])


def make_atoms(demos: Transition, payment: Payment, stride: int) -> Atoms:
    return pwil_coupling.make_atoms(pwil_coupling.thin(KEY, demos, stride), demos, payment, stride)


def test_atoms_are_standardised_and_have_equal_mass():
    demos = demos_of(8, 8, rest=3)
    atoms = make_atoms(demos, PAYMENT, 1)
    assert atoms.points.shape == (16, 4)  # places: 2 episodes of 8 steps at most
    np.testing.assert_allclose(atoms.mass, 1 / 16, rtol=1e-6)
    points = np.asarray(demos.obs[:16]), np.asarray(demos.action[:16])
    found = np.concatenate(points, axis=1)
    std = found.std(axis=0)
    std[2] = 1.0  # a component that does not vary is only shifted
    np.testing.assert_allclose(atoms.points, (found - found.mean(axis=0)) / std, atol=1e-5)
    without = demos.replace(action=None, intended_action=None)
    alone = make_atoms(without, dataclasses.replace(PAYMENT, inputs="state"), 1)
    assert alone.points.shape == (16, 3)
    payment = dataclasses.replace(PAYMENT, inputs="transition")
    pairs = make_atoms(without, payment, 1)
    found = np.concatenate([demos.obs[:16], demos.next_obs[:16]], axis=1)
    std = np.where(found.std(axis=0) > 1e-6, found.std(axis=0), 1.0)
    np.testing.assert_allclose(pairs.points, (found - found.mean(axis=0)) / std, atol=1e-4)


def test_places_without_a_step_have_no_mass():
    """Two of every five steps: episodes of 5 and 2 steps have 2 or 3, and 1 or 2."""
    demos = demos_of(5, 2)
    atoms = make_atoms(demos, PAYMENT, 2)
    count = int(np.sum(np.asarray(pwil_coupling.thin(KEY, demos, 2))))
    assert atoms.mass.shape == (6,) and 3 <= count <= 4
    np.testing.assert_allclose(atoms.mass[:count], 1 / count, rtol=1e-6)
    np.testing.assert_array_equal(atoms.mass[count:], 0)
    # A place without mass is never coupled, however near it is.
    distance = jnp.where(atoms.mass > 0, 5.0, 0.0)
    assert float(pwil_coupling.couple(distance, atoms.mass, 1.0)[0]) == pytest.approx(5.0)


def paid(atoms: np.ndarray, payment: Payment = PAYMENT) -> PaidEnv:
    """ProbeWalk paid by atoms [K, 4] of equal mass."""
    points = jnp.asarray(atoms, jnp.float32)
    mass = jnp.full(len(atoms), 1.0 / len(atoms))
    return PaidEnv(envs.make(TASK), Atoms(points, mass, identity(points.shape[1])), payment)


def test_an_episode_is_paid_step_by_step_and_the_next_one_anew():
    env = paid(np.random.default_rng(0).normal(size=(5, 4)))

    def act(key: Any, obs: jax.Array) -> jax.Array:
        return -obs

    running = unrolling.start_episodes(env, KEY, 1)
    running, steps, t = unrolling.unroll(env, act, KEY, running, 20)  # two episodes of ten steps
    points = np.concatenate([steps.obs, steps.action], axis=-1)[:, 0]
    for begin in (0, 10):
        left, expected = jnp.full(5, 0.2), []
        for point in points[begin : begin + 10]:
            distance = np.linalg.norm(env._atoms.points - point, axis=1)
            cost, left = couple(jnp.asarray(distance), left, 0.1)
            expected.append(5 * np.exp(-5 * 10 / np.sqrt(4) * float(cost)))
        np.testing.assert_allclose(steps.reward[begin : begin + 10, 0], expected, rtol=1e-4)
    np.testing.assert_array_equal(t[:, 0], [*range(10), *range(10)])
    np.testing.assert_allclose(running.env.info[LEFT], 0.2)  # at the start of the third one


def test_steps_like_the_demonstrated_ones_have_the_largest_reward():
    """As many atoms as steps, and the same trajectory: nothing costs anything."""
    env, policy = envs.make(TASK), experts.load(TASK)
    steps = rollout.episodes(env, policy, KEY, 1)
    atoms = np.concatenate([steps.obs, steps.action], axis=-1)[:, 0]
    again = rollout.episodes(paid(atoms), policy, KEY, 1)
    np.testing.assert_allclose(again.reward, 5.0, rtol=1e-3)
    np.testing.assert_array_equal(again.obs, steps.obs)  # the dynamics are those of the task
    np.testing.assert_array_equal(again.terminated, steps.terminated)
    still = rollout.episodes(paid(atoms), lambda key, obs: 0.0 * obs, KEY, 1)
    assert float(jnp.mean(still.reward)) < 2.0


def test_actions_may_be_left_out():
    env = paid(np.zeros((1, 2)), dataclasses.replace(PAYMENT, inputs="state"))
    state = env.reset(KEY)
    new = env.step(state, jnp.array([0.7, -0.2]))
    cost = float(jnp.linalg.norm(state.obs)) / 10
    assert float(new.reward) == pytest.approx(5 * np.exp(-5 * 10 / np.sqrt(4) * cost), rel=1e-4)


def test_next_observations_may_take_the_place_of_actions():
    env = paid(np.zeros((1, 4)), dataclasses.replace(PAYMENT, inputs="transition"))
    state = env.reset(KEY)
    new = env.step(state, jnp.array([0.7, -0.2]))
    point = np.concatenate([state.obs, new.obs])
    expected = 5 * np.exp(-5 * 10 / np.sqrt(4) * np.linalg.norm(point) / 10)
    assert float(new.reward) == pytest.approx(expected, rel=1e-4)


def test_demonstrations_without_actions_fit_where_none_are_compared():
    assert algos.needs_actions("pwil", pwil.Config())
    for inputs in ("state", "transition"):
        assert not algos.needs_actions("pwil", pwil.Config(inputs=inputs))
    with pytest.raises(UserError, match="one of state-action, state, transition"):
        pwil.Config(inputs="actions")  # type: ignore[arg-type]


def test_further_functions_of_the_environment_are_kept():
    env = PaidEnv(envs.make("PointMass"), paid(np.zeros((1, 8)))._atoms, PAYMENT)
    assert isinstance(env, Poses)
    pose = env.pose(env.reset(KEY))
    state = env.reset_to(pose)
    np.testing.assert_array_equal(state.info[LEFT], [1.0])
    assert not isinstance(paid(np.zeros((1, 4))), Poses)


def test_demonstrations_of_other_lengths_are_refused():
    spec = envs.make(TASK).spec  # ten steps, which never end early
    pwil_coupling.check_lengths(demos_of(10, 10), spec)
    for lengths in ((11, 10), (9, 4)):
        with pytest.raises(UserError, match=f"has {lengths[0]} steps, and the task's last 10"):
            pwil_coupling.check_lengths(demos_of(*lengths), spec)
    # Where episodes can end early, shorter ones are as good.
    failing = dataclasses.replace(spec, ends="failure")
    pwil_coupling.check_lengths(demos_of(9, 4), failing)
    with pytest.raises(UserError, match="has 11 steps"):
        pwil_coupling.check_lengths(demos_of(11), failing)
    with pytest.raises(UserError, match="there are none"):
        pwil_coupling.check_lengths(buffer.no_rows(spec), spec)


def test_lengths_are_checked_before_any_cell_of_a_run_is_trained(monkeypatch):
    env = envs.make(TASK)
    pool = data.collect(env, experts.load(TASK), 2, only_success=False)
    shorter = Demos(jax.tree.map(lambda x: x[:9], pool.rows), pool.header, lengths=[9])
    monkeypatch.setattr(loading, "load_pool", lambda *_: shorter)
    request = DataRequest(TASK, "auto", 1, DemoSource(pool=1))
    with pytest.raises(UserError, match="has 9 steps, and the task's last 10: pwil couples"):
        loading.warnings(request, "pwil", env, [shrink(pwil.Config())])
    loading.warnings(request, "sqil", env)


def test_few_atoms_are_a_warning():
    """Of the demonstrations, which may be much shorter than the time limit."""
    spec = dataclasses.replace(envs.make(TASK).spec, horizon=1000, ends="failure")

    def found(subsample: int, stride: int, *lengths: int) -> list[str]:
        return algos.episode_warnings(
            "pwil", pwil.Config(subsample=subsample), lengths, stride, spec
        )

    (line,) = found(20, 1, 1000, 20)
    start = "subsample=20: a demonstrated episode of 20 steps leaves at most 1 atom to be near"
    assert line.startswith(start)
    for subsample, stride, length, atoms in ((3, 1, 20, 7), (20, 1, 169, 9), (20, 10, 1000, 5)):
        (line,) = found(subsample, stride, length)
        assert f"leaves at most {atoms} atoms" in line
        assert (f"stride={stride}" in line) == (stride > 1)
    assert found(20, 1, 1000) == found(2, 1, 20, 1000) == found(20, 5, 1000) == []
    assert found(1, 1, 5) == []  # all of its steps are kept
    with pytest.raises(UserError, match="has 1001 steps"):
        found(20, 1, 1001)


@pytest.mark.parametrize("inputs", ["transition", "state-action"])
def test_steps_whose_successor_is_unknown_are_no_atoms_of_transitions(inputs):
    """Where actions are compared they are atoms, too; they are never put into the replay."""
    env = envs.make(TASK)
    demos = data.flatten(data.collect(env, experts.load(TASK), 1, only_success=False))
    last = jnp.arange(10) == 9
    still = jnp.where(last[:, None], demos.obs, demos.next_obs)
    demos = demos.replace(next_obs=still, terminated=last)
    config = dataclasses.replace(shrink(pwil.Config()), inputs=inputs, subsample=1, prefill=8)
    state = pwil.make(config, env.spec, env).init(KEY, demos)
    assert int((state.reward_state.mass > 0).sum()) == (9 if inputs == "transition" else 10)
    assert int(state.replay.size) == (0 if inputs == "transition" else 4)
    assert not np.asarray(state.replay.rows.terminated).any()


def test_hindsight_goals_and_bad_settings_are_refused():
    with pytest.raises(UserError, match="replay.goal_ends=True: expected False, because pwil"):
        pwil.Config(replay=off_policy.Config(goal_ends=True))
    with pytest.raises(UserError, match="replay.her=4: expected 0, because hindsight goals"):
        pwil.Config(replay=off_policy.Config(her=4.0))
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"scale": 0.0}, "scale=0.0: expected a positive number"),
        ({"decay": -1.0}, "decay=-1.0: expected a positive number"),
        ({"subsample": 0}, "subsample=0: expected 1 or more"),
        ({"prefill": -1}, "prefill=-1: expected 0 to 1000000, the capacity of the replay"),
        ({"prefill": 2_000_000}, "prefill=2000000: expected 0 to 1000000"),
    )
    for settings, message in cases:
        with pytest.raises(UserError, match=message):
            pwil.Config(**settings)


def first_state(**settings: Any) -> tuple[off_policy.State, Transition, pwil.Config]:
    env = envs.make(TASK)
    demos = data.flatten(data.collect(env, experts.load(TASK), 3, only_success=False))
    config = dataclasses.replace(shrink(pwil.Config()), scale=3.0, **settings)
    return pwil.make(config, env.spec, env).init(KEY, demos), demos, config


def test_the_replay_begins_with_demonstrated_steps_of_the_largest_reward():
    """Any demonstrated step, kept or not, with its own successor and end."""
    state, demos, config = first_state()  # one kept step in 20 of episodes of ten
    assert (config.prefill, config.replay.envs) == (8, 2)
    assert int(state.replay.size) == int(state.replay.written) == 4
    rows = jax.tree.map(lambda x: np.asarray(x)[:4].reshape(8, *x.shape[2:]), state.replay.rows)
    np.testing.assert_array_equal(rows.reward, 3.0)
    assert len(np.unique(rows.obs, axis=0)) > 3  # more than the kept ones
    for obs, action, following in zip(rows.obs, rows.action, rows.next_obs, strict=True):
        (i,) = np.flatnonzero((np.asarray(demos.obs) == obs).all(axis=1))
        np.testing.assert_array_equal(demos.action[i], action)
        np.testing.assert_array_equal(demos.next_obs[i], following)


def test_demonstrated_ends_stay_ends_and_filled_up_rows_are_not_drawn():
    demos = demos_of(3, rest=2)
    demos = demos.replace(terminated=jnp.array([0, 0, 1, 0, 0], bool))
    rows = pwil.demonstrated_rows(KEY, demos, 200, 2, 5.0)
    assert rows.obs.shape[:2] == (100, 2)
    drawn = np.asarray(rows.obs).reshape(200, -1)
    index = (drawn[:, None] == np.asarray(demos.obs)).all(-1)[:, :3].argmax(1)
    np.testing.assert_array_equal(drawn, demos.obs[index])
    assert set(index) == {0, 1, 2}
    np.testing.assert_array_equal(np.asarray(rows.terminated).ravel() > 0, index == 2)


def test_demonstrated_steps_are_no_part_of_the_warm_up():
    state, _, config = first_state()
    env = envs.make(TASK)
    learner = pwil.sac.learner(config, env.spec)
    setup = off_policy.Setup(config.replay, env.spec, env, learner, prefilled=config.prefill)
    assert config.replay.warmup == 10
    for own, warm in ((8, False), (10, True)):  # 2 environments
        written = jnp.int32((config.prefill + own) // 2)
        replay = state.replay.replace(written=written)
        assert bool(off_policy.is_warm(setup, state.replace(replay=replay))) is warm


def test_the_replay_begins_empty_without_actions_or_by_choice():
    for settings in ({"inputs": "state"}, {"prefill": 0}):
        state, _, _ = first_state(**settings)
        assert int(state.replay.written) == 0


@pytest.mark.slow
def test_the_replay_holds_the_couplings_rewards():
    env = envs.make(TASK)
    demos = data.flatten(data.collect(env, experts.load(TASK), 3, only_success=False))
    config = dataclasses.replace(shrink(pwil.Config()), subsample=2, scale=3.0, prefill=0)
    algo = pwil.make(config, env.spec, env)
    state = jax.jit(algo.init)(KEY, demos)
    assert state.reward_state.points.shape == (3 * 5, 4)
    state, metrics = jax.jit(algo.update)(KEY, state, demos)
    filled = int(state.replay.size)
    reward = np.asarray(state.replay.rows.reward)[:filled]
    assert (reward > 0).all() and (reward <= 3.0).all() and reward.std() > 0  # the task pays < 0
    assert float(metrics["imitation_reward"]) == pytest.approx(reward.mean(), rel=1e-4)
    assert "reward" not in metrics
