"""The scripted experts: pure, memoryless, and good enough to demonstrate."""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.experts import hidden, scripted
from imitbench.utils.errors import UserError

FETCH = ("FetchReach", "FetchPush", "FetchPickAndPlace")


MEMORYLESS = [t for t in experts.TASKS if t != "Forks" and not hidden.full_task(t)]
FAST = ("FetchPush", "FetchPickAndPlace", "PointMass-rooms", "Swing", "Tightrope-10")


@pytest.mark.parametrize(
    "task", [t if t in FAST else pytest.param(t, marks=pytest.mark.slow) for t in MEMORYLESS]
)
def test_any_leading_axes_and_bounds(task):
    spec = envs.make(task).spec
    expert = experts.load(task)
    obs = jax.random.normal(jax.random.key(0), (2, 3, spec.obs_size))
    got = expert(jax.random.key(0), obs)
    alone = expert(jax.random.key(9), obs[1, 2])
    if task in scripted.LAWS:
        np.testing.assert_array_equal(got[1, 2], alone)
    else:  # a network's products round differently in a batch
        np.testing.assert_allclose(got[1, 2], alone, atol=1e-5)
    assert got.shape == ((2, 3) if spec.discrete else (2, 3, spec.action_size))
    if task != "ProbeTarget":
        most = spec.action_size - 1 if spec.discrete else 1
        assert np.isfinite(got).all() and np.abs(got).max() <= most


def test_no_expert_is_said():
    own = r"take data of your own \(--data; .*--expert FILE.py:FUNCTION; in Python expert=FUNC"
    with pytest.raises(UserError, match=f"'ProbeConstant' has no expert: {own}"):
        experts.load("ProbeConstant")
    with pytest.raises(UserError, match=r"take demonstrations of Ant \(--source-task Ant; in Pyth"):
        experts.load("Ant-disabled")
    with pytest.raises(UserError, match=r"take the states of its clip \(--grade clip; in Python"):
        experts.load("Humanoid-mocap-walk")


@pytest.mark.parametrize(
    ("task", "episodes"),
    [("PointMass", 100), *(pytest.param(t, 60, marks=pytest.mark.slow) for t in FETCH)],
)
def test_success_in_our_environments(task, episodes):
    check_ours(task, episodes)


@pytest.mark.slow
@pytest.mark.parametrize("task", FETCH)
def test_success_over_500_episodes(task):
    check_ours(task, 500)


@pytest.mark.slow
def test_the_law_of_slide_solves_about_half():
    """Enough to filter demonstrations from."""
    env, law = envs.make("FetchSlide"), experts.load("FetchSlide", kind="scripted")
    run = jax.jit(lambda k: rollout.summarise(rollout.episodes(env, law, k, 100)))
    assert 0.4 <= float(run(jax.random.key(5))["success_final"].mean()) <= 0.7


def check_ours(task: str, episodes: int) -> None:
    env, expert = envs.make(task), experts.load(task)
    run = jax.jit(lambda k: rollout.summarise(rollout.episodes(env, expert, k, episodes)))
    assert float(run(jax.random.key(5))["success_final"].mean()) >= 0.98


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("task", FETCH)
def test_success_in_the_original_over_500_episodes(task):
    import gymnasium_robotics

    gymnasium.register_envs(gymnasium_robotics)
    env = gymnasium.make(f"{task}-v4")
    expert = jax.jit(experts.load(task))
    key = jax.random.key(0)
    solved = 0.0
    for seed in range(500):
        obs, _ = env.reset(seed=seed)
        for _ in range(50):
            flat = np.concatenate([obs["observation"], obs["desired_goal"]])
            obs, _, _, _, info = env.step(np.asarray(expert(key, jnp.float32(flat))))
        solved += info["is_success"]
    assert solved / 500 >= 0.98
