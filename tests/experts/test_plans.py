"""Experts with a plan for each episode, and experts that see more than the observation."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.algos.cloning import dagger
from imitbench.core import ops, rollout
from imitbench.core.actor import from_policy, noisy
from imitbench.core.types import FULL_OBS, Actor
from imitbench.data.sources.asked_expert import find_asked_expert
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.envs.toys import forks
from imitbench.experts import learned
from imitbench.experts.external import bind, load_name
from imitbench.experts.scripted import fetch_paused, fetch_sides
from imitbench.experts.scripted import forks as plans
from imitbench.results import stats
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
PICK = "FetchPickAndPlace"


def scores(task: str, expert: Actor, episodes: int) -> dict[str, np.ndarray]:
    env = envs.make(task)

    def run(key: jax.Array) -> dict[str, jax.Array]:
        return rollout.summarise(rollout.episodes(env, expert, key, episodes), env.spec.modes)

    return jax.tree.map(np.asarray, jax.jit(run)(KEY))


def entropy(found: dict[str, np.ndarray], task: str) -> float:
    modes = envs.make(task).spec.modes
    assert modes is not None
    return stats.mode_entropy(found["mode"], found["success_final"], modes.count)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_expert_of_forks_succeeds_in_every_mode(noise):
    expert = experts.load_actor("Forks")
    found = scores("Forks", noisy(expert, noise) if noise else expert, 2400)
    assert found["success_final"].mean() >= 0.98
    counts = np.bincount(found["mode"], minlength=24)
    # 100 episodes of each mode are expected, with a standard deviation of 9.8.
    assert counts.min() > 60 and counts.max() < 140
    assert entropy(found, "Forks") > 0.99
    assert found["length"].max() < 130


def test_middles_of_the_gaps_by_hand():
    np.testing.assert_allclose(plans.middles(0), [0.425, 0.575], atol=1e-6)
    np.testing.assert_allclose(plans.middles(1), [0.35, 0.5, 0.65], atol=1e-6)
    np.testing.assert_allclose(plans.middles(2), [0.275, 0.425, 0.575, 0.725], atol=1e-6)


def test_way_passes_the_knots_without_slope():
    plan = jnp.array([0.52, 0.42, 0.5, 0.7, 0.7])
    ys = [-0.28, -0.1, 0.08, 0.26, 0.4]
    np.testing.assert_allclose([plans.way(plan, jnp.float32(y)) for y in ys], plan, atol=1e-6)
    slopes = [jax.grad(plans.way, argnums=1)(plan, jnp.float32(y)) for y in ys]
    np.testing.assert_allclose(slopes, np.zeros(5), atol=1e-4)
    # Half way between two knots: half of the distance in x.
    assert float(plans.way(plan, jnp.float32(-0.19))) == pytest.approx(0.47, abs=1e-6)


def test_action_leads_along_the_way_and_back_to_it():
    plan = jnp.full(5, 0.6)  # straight up at x = 0.6
    on, off = (plans.follow(plan, jnp.array([x, 0.0, x, 0.0])) for x in (0.6, 0.604))
    np.testing.assert_allclose(on, [0.0, 0.9], atol=1e-6)
    np.testing.assert_allclose(off, [-0.2, 0.9], atol=1e-4)  # half of 4 mm, in units of 1 cm


@pytest.mark.slow
def test_a_plan_is_kept_for_the_episode_and_differs_between_episodes():
    env, expert = envs.make("Forks"), experts.load_actor("Forks")
    states = jax.vmap(env.reset)(jax.random.split(KEY, 5))
    memory = expert.start(KEY, states)
    action, later = expert.act(KEY, memory, states)
    again, _ = expert.act(jax.random.key(9), later, states)
    np.testing.assert_array_equal(again, action)
    np.testing.assert_array_equal(later, memory)
    assert len(np.unique(np.asarray(memory)[:, 1])) == 5


def test_noise_of_the_collection_is_not_in_the_intended_actions():
    demos = data.collect(envs.make("Forks"), experts.load_actor("Forks"), 12, noise=0.2)
    rows = demos.rows
    assert np.abs(rows.action - rows.intended_action).mean() > 0.05
    assert demos.header.success_final == 1.0
    # The demonstrated modes can be found, too.
    steps = jax.tree.map(lambda x: np.swapaxes(x, 0, 1), demos.steps)
    modes = np.asarray(forks.find_modes(steps))
    assert (modes >= 0).all() and len(np.unique(modes)) > 5


@pytest.mark.slow
def test_dagger_asks_an_expert_with_a_plan():
    """In each episode all labels follow the plan that was drawn at its start, whoever acts."""
    env, expert = envs.make("Forks"), experts.load_actor("Forks")
    still = from_policy(lambda key, obs: jnp.zeros((*obs.shape[:-1], 2)))
    actor = dagger.mixture(jnp.float32(0.8), expert, still)
    steps = rollout.episodes(env, actor, KEY, 6, horizon=60)
    reset_key, act_key = jax.random.split(KEY)
    states = jax.vmap(env.reset)(jax.random.split(reset_key, 6))
    plan, _ = actor.start(ops.fold_in_name(act_key, "start"), states)
    expected = jax.vmap(jax.vmap(plans.follow), (None, 0))(plan, steps.obs)
    np.testing.assert_allclose(steps.intended_action, expected, atol=1e-5)
    executed = np.abs(np.asarray(steps.action)).sum(axis=-1) > 0
    assert 0.7 < executed.mean() < 0.9


def test_detour_by_hand():
    up, down = jnp.float32(1.0), jnp.float32(-1.0)
    at = lambda x, y, side: fetch_sides.detour(jnp.array([x, y]), side)  # noqa: E731
    for side in (up, down):  # on the chosen side: straight to the block
        np.testing.assert_allclose(at(0.0, 0.1 * side, side), np.zeros(3), atol=1e-7)
        np.testing.assert_allclose(at(0.001, -0.01 * side, side), np.zeros(3), atol=1e-7)
    # At a right angle the aim is 45 degrees ahead on the circle of 10 cm.
    half = 0.1 / np.sqrt(2)
    np.testing.assert_allclose(at(0.15, 0.0, up), [half, half, 0.0], atol=1e-6)
    np.testing.assert_allclose(at(-0.15, 0.0, up), [-half, half, 0.0], atol=1e-6)
    np.testing.assert_allclose(at(0.15, 0.0, down), [half, -half, 0.0], atol=1e-6)
    # From behind: 135 degrees.
    np.testing.assert_allclose(at(1e-4, -0.15, up), [half, -half, 0.0], atol=1e-3)


def test_sides_are_drawn_for_each_episode():
    state = jax.vmap(envs.make("PointMass").reset)(jax.random.split(KEY, 400))
    both = np.asarray(fetch_sides.make_two_sides().start(KEY, state))
    assert set(both) == {-1.0, 1.0} and 0.4 < (both > 0).mean() < 0.6
    assert set(np.asarray(fetch_sides.make_one_side().start(KEY, state))) == {1.0}


@pytest.mark.slow
def test_block_is_picked_from_both_sides_and_from_one():
    two = scores(PICK, experts.load_actor(PICK, kind="scripted-two-sides"), 200)
    assert two["success_final"].mean() >= 0.95
    assert entropy(two, PICK) > 0.97
    one = scores(PICK, experts.load_actor(PICK, kind="scripted-one-side"), 100)
    assert one["success_final"].mean() >= 0.95
    assert entropy(one, PICK) == 0.0


def test_a_pause_begins_above_the_block_and_ends():
    """Far, above, still above after the pause, then below: two steps of waiting."""
    far, above, below = (0.1, 0.0, 0.1), (0.01, 0.0, 0.05), (0.0, 0.0, 0.0)
    memory: Any = (jnp.array([2]), jnp.array([False]))
    waited = []
    for offset in (far, above, above, above, below):
        obs = jnp.zeros((1, 28)).at[0, 0:3].set(jnp.array(offset))
        waits, memory = fetch_paused.wait(memory, obs)
        waited.append(bool(waits[0]))
    assert waited == [False, True, True, False, False]
    # The pause goes on where the gripper drifts away.
    waits, _ = fetch_paused.wait((jnp.array([1]), jnp.array([True])), jnp.ones((1, 28)))
    assert bool(waits[0])


@pytest.mark.slow
def test_the_expert_that_pauses_picks_as_well():
    env = envs.make(PICK)
    expert = experts.load_actor(PICK, kind="scripted-paused")
    steps = rollout.episodes(env, expert, KEY, 100)
    assert rollout.summarise(steps)["success_final"].mean() >= 0.95
    still = np.all(np.asarray(steps.action[..., :3]) == 0, axis=-1) & (np.asarray(steps.weight) > 0)
    assert 6 <= still.sum(axis=0).min() and still.sum(axis=0).max() <= 14


def test_kinds_of_experts():
    kinds = [e.kind for e in experts.experts_of(PICK) if e.grade == "expert"]
    named = ["scripted-two-sides", "scripted-one-side", "scripted-paused"]
    assert kinds == ["scripted", "learned", *named]
    assert experts.find_expert(PICK).kind == "scripted"
    with pytest.raises(
        UserError, match="'Hopper' has no scripted-two-sides expert; tasks with one"
    ):
        experts.find_expert("Hopper", kind="scripted-two-sides")
    with pytest.raises(UserError, match="the scripted-one-side expert of .* has a memory: take"):
        experts.load(PICK, kind="scripted-one-side")
    with pytest.raises(UserError, match="the scripted expert of Forks has a memory"):
        experts.load("Forks")
    with pytest.raises(UserError, match="expert of Hopper-no-velocity sees .* of Hopper"):
        experts.load("Hopper-no-velocity")


def test_a_source_names_the_kind_and_dagger_asks_it():
    source = DemoSource(pool=2, expert="scripted-two-sides")
    assert source.identity()["expert"] == "scripted-two-sides"
    asked = find_asked_expert(PICK, source)
    assert asked.label == asked.identity == "scripted-two-sides"
    actor: Any = asked.load(envs.make(PICK).spec)
    assert isinstance(actor, Actor)
    demos = data.collect_from(envs.make("Forks"), DemoSource(pool=3))
    assert demos.header.expert == "scripted"
    kind = find_asked_expert("Forks", DemoSource(dataset=DatasetInMemory.of(demos)))
    assert kind.label == "scripted" and kind.identity is None


@pytest.fixture(scope="module")
def hopper() -> Any:
    return envs.make("Hopper-no-velocity")


def test_expert_sees_what_the_task_hides(hopper):
    """The same actions as the expert of Hopper on the full observation."""
    states = jax.vmap(hopper.reset)(jax.random.split(KEY, 4))
    expert = experts.load_actor("Hopper-no-velocity", spec=hopper.spec)
    action, _ = expert.act(KEY, expert.start(KEY, states), states)
    expected = experts.load("Hopper")(KEY, states.info[FULL_OBS])
    np.testing.assert_allclose(action, expected, atol=1e-6)
    assert states.obs.shape == (4, 5) and states.info[FULL_OBS].shape == (4, 11)
    medium = experts.load_actor("Hopper-no-velocity", "medium")
    assert not np.allclose(medium.act(KEY, (), states)[0], action)


def test_dagger_labels_come_from_the_full_observation(hopper):
    expert = experts.load_actor("Hopper-no-velocity")
    learner = from_policy(lambda key, obs: jnp.zeros((*obs.shape[:-1], 3)))
    actor = dagger.mixture(jnp.float32(0.0), expert, learner)
    steps, full = rollout.recorded_episodes(
        hopper, actor, KEY, 2, lambda state: state.info[FULL_OBS], horizon=8
    )
    np.testing.assert_array_equal(steps.action, np.zeros((8, 2, 3)))
    np.testing.assert_allclose(
        steps.intended_action, experts.load("Hopper")(KEY, full[:-1]), atol=1e-5
    )
    np.testing.assert_array_equal(steps.obs, full[:-1, :, :5])


def test_demonstrations_hold_the_short_observation(hopper):
    demos = data.collect(hopper, experts.load_actor("Hopper-no-velocity"), 1, only_success=False)
    assert demos.rows.obs.shape[1:] == (5,) and demos.header.mean_return > 1000


def test_file_of_the_full_task_demonstrates_where_a_part_is_hidden(hopper):
    path = learned.weights_path("Hopper", "expert")
    states = jax.vmap(hopper.reset)(jax.random.split(KEY, 4))
    bound = bind(load_name(str(path)), hopper)
    expected = experts.load("Hopper")(KEY, states.info[FULL_OBS])
    np.testing.assert_allclose(bound.actor.act(KEY, (), states)[0], expected, atol=1e-6)
    with pytest.raises(UserError, match="is an expert of Hopper: expected one of HalfCheetah"):
        bind(load_name(str(path)), envs.make("HalfCheetah-no-velocity"))
