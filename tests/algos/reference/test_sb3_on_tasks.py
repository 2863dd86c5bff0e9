"""Stable-Baselines3 learns on tasks of imitbench that `imitbench.wrap` gives it.

Needs the extra `reference`: `make test-reference` installs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import imitbench as ib

MISSING = "needs the extra `reference`: run `make test-reference`"
torch: Any = pytest.importorskip("torch", reason=MISSING)
sb3: Any = pytest.importorskip("stable_baselines3", reason=MISSING)


@pytest.fixture(autouse=True)
def one_thread():
    """These networks are too small for more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def returns(env: Any, act: Any, episodes: int) -> tuple[float, float]:
    """Mean return of whole episodes, and the share that ended in success."""
    rewards, successes = [], []
    for episode in range(episodes):
        obs, _ = env.reset(seed=1000 + episode)
        total, ended, info = 0.0, False, {}
        while not ended:
            obs, reward, terminated, truncated, info = env.step(act(obs))
            total, ended = total + reward, terminated or truncated
        rewards.append(total)
        successes.append(info["is_success"])
    return float(np.mean(rewards)), float(np.mean(successes))


def learned(model: Any, env: Any, episodes: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """The scores of the trained policy, and those of random actions."""
    trained = returns(env, lambda obs: model.predict(obs, deterministic=True)[0], episodes)
    env.action_space.seed(0)
    return trained, returns(env, lambda obs: env.action_space.sample(), episodes)


def test_ppo_learns_a_probe():
    """Rewards of ProbeTarget are at most 0; those of random actions are -4/3 on average."""
    base = ib.make_env("ProbeTarget")
    vec = sb3.common.vec_env.DummyVecEnv([lambda: ib.wrap(base)] * 4)
    model = sb3.PPO(
        "MlpPolicy", vec, 1e-3, n_steps=128, batch_size=128, gamma=0.9, seed=0, device="cpu"
    )
    model.learn(12_000)
    trained, random = learned(model, ib.wrap(base), 100)
    assert random[0] < -1.0 and trained[0] > -0.25


@pytest.mark.slow
def test_sac_with_hindsight_learns_a_goal_task():
    """The replay buffer asks the environment for the rewards of other goals."""
    base = ib.make_env("PointMass")
    model = sb3.SAC(
        "MultiInputPolicy", ib.wrap(base), 1e-3, gamma=0.95, learning_starts=400, batch_size=128,
        replay_buffer_class=sb3.HerReplayBuffer, replay_buffer_kwargs={"n_sampled_goal": 4},
        policy_kwargs={"net_arch": [64, 64]}, seed=0, device="cpu",
    )  # fmt: skip
    model.learn(2_500)
    trained, random = learned(model, ib.wrap(base), 50)
    assert random[1] < 0.1 and trained[1] > 0.8 and trained[0] > random[0] + 4
