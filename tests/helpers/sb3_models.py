"""Small models of Stable-Baselines3, and the actions that it predicts for them.

`python -m helpers.sb3_models` (with `PYTHONPATH=tests`, where Stable-Baselines3 is installed)
writes the files that `tests/experts/test_stable_baselines.py` reads.
"""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "experts" / "stable_baselines"
KEPT = ("data", "policy.pth", "_stable_baselines3_version")  # parts of a zip file
OBS = np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32)
GOAL_OBS = {"observation": OBS[:, :4], "achieved_goal": OBS[:, :2], "desired_goal": OBS[:, 4:]}
DISCRETE = ("a2c_discrete", "dqn")


def space(name: str) -> tuple[Any, Any]:
    """The spaces of observations and of actions of a model."""
    from gymnasium import spaces

    def box(size: int) -> Any:
        return spaces.Box(-np.inf, np.inf, (size,), np.float32)

    goal = {"observation": box(4), "achieved_goal": box(2), "desired_goal": box(2)}
    observations: Any = box(6)
    if name == "sac_goal":
        observations = spaces.Dict(**goal)  # in this order
    if name == "td3_goal":
        observations = spaces.Dict(goal)  # in the order of the names
    high = np.array([0.4, 3.0], np.float32)
    actions = spaces.Discrete(2) if name in DISCRETE else spaces.Box(-2.0 * high, high)
    return observations, actions


def models() -> dict[str, Any]:
    """The models, with random parameters."""
    import gymnasium

    sb3, torch = (importlib.import_module(name) for name in ("stable_baselines3", "torch"))

    class Spaces(gymnasium.Env):
        """An environment that nobody steps."""

        def __init__(self, name: str):
            self.observation_space, self.action_space = space(name)

        def reset(self, **options: Any) -> Any:
            return self.observation_space.sample(), {}

        def step(self, action: Any) -> Any:
            return self.observation_space.sample(), 0.0, False, False, {}

    def make(algorithm: Any, name: str, policy: str = "MlpPolicy", **settings: Any) -> Any:
        options = {"n_steps": 8} if algorithm in (sb3.PPO, sb3.A2C) else {"buffer_size": 10}
        options |= {"batch_size": 4} if algorithm is sb3.PPO else {}
        model = algorithm(policy, Spaces(name), device="cpu", policy_kwargs=settings, **options)
        with torch.no_grad():  # actions of untrained networks are almost 0
            for part in model.policy.parameters():
                part.normal_(0.0, 0.7)
        return model

    torch.manual_seed(3)
    arch = {"pi": [8, 4], "vf": [4]}
    return {
        "ppo": make(sb3.PPO, "ppo", net_arch=arch, log_std_init=-1.0),
        "ppo_linear": make(sb3.PPO, "ppo_linear", net_arch=[]),
        "a2c_discrete": make(sb3.A2C, "a2c_discrete", net_arch=[8], activation_fn=torch.nn.ELU),
        "sac": make(sb3.SAC, "sac", net_arch=[8, 4]),
        "sac_goal": make(sb3.SAC, "sac_goal", "MultiInputPolicy", net_arch=[8]),
        "td3": make(sb3.TD3, "td3", net_arch=[8, 4], activation_fn=torch.nn.GELU),
        "td3_goal": make(sb3.TD3, "td3_goal", "MultiInputPolicy", net_arch=[8]),
        "ddpg": make(sb3.DDPG, "ddpg", net_arch=[5]),
        "dqn": make(sb3.DQN, "dqn", net_arch=[8]),
    }


def predictions(name: str, model: Any) -> np.ndarray:
    """The actions of a model for `OBS`: choices [16], or numbers [16, 2] in [-1, 1]."""
    obs = GOAL_OBS if name.endswith("goal") else OBS
    actions = model.predict(obs, deterministic=True)[0]
    if name in DISCRETE:
        return actions
    low, high = model.action_space.low, model.action_space.high
    return 2.0 * (actions.astype(np.float64) - low) / (high - low) - 1.0


def write() -> None:
    """Writes the models and their actions."""
    FOLDER.mkdir(exist_ok=True)
    found = {}
    for name, model in models().items():
        whole, kept = FOLDER / "whole.zip", FOLDER / f"{name}.zip"
        model.save(whole)
        with zipfile.ZipFile(whole) as source, zipfile.ZipFile(kept, "w", 8) as target:
            for part in KEPT:
                target.writestr(zipfile.ZipInfo(part), source.read(part), 8)
        whole.unlink()
        found[name] = predictions(name, model)
    np.savez(FOLDER / "predictions.npz", **found)


if __name__ == "__main__":
    write()
