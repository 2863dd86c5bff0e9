"""Stable-Baselines3's SAC in Gymnasium's environments, in a process of its own (`serving.py`)."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import serving

gymnasium: Any = importlib.import_module("gymnasium")
sb3: Any = importlib.import_module("stable_baselines3")
torch: Any = importlib.import_module("torch")


class Sac:
    def __init__(self, words: dict[str, Any], arrays: dict[str, np.ndarray]):
        torch.set_num_threads(words["threads"])
        env = gymnasium.make(words["gymnasium_id"])
        settings = dict(words["settings"])
        share = settings.pop("target_entropy_per_action")
        self._learner = sb3.SAC(
            "MlpPolicy",
            env,
            seed=words["seed"],
            device="cpu",
            target_entropy=share * env.action_space.shape[0],
            **settings,
        )

    def train(self, steps: int) -> None:
        self._learner.learn(steps, reset_num_timesteps=False)

    def act(self, obs: np.ndarray) -> np.ndarray:
        action = self._learner.predict(obs, deterministic=True)[0]
        space = self._learner.action_space  # symmetric: a component's unit is its upper bound
        return np.clip(action / space.high, -1.0, 1.0)


if __name__ == "__main__":
    serving.serve("stable_baselines3", Sac)
