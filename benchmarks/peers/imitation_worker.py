"""GAIL of the package imitation on our demonstrations, in an interpreter of its own (`serving.py`).

The generator is Stable-Baselines3's PPO with its defaults, and the discriminator standardises its
inputs, as in imitation's own examples. Its authors' benchmark has other settings of PPO, searched
for ten million steps, and rewards with a running normalisation.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import serving

gail: Any = importlib.import_module("imitation.algorithms.adversarial.gail")
bases: Any = importlib.import_module("imitation.policies.base")
networks: Any = importlib.import_module("imitation.util.networks")
nets: Any = importlib.import_module("imitation.rewards.reward_nets")
sb3: Any = importlib.import_module("stable_baselines3")
torch: Any = importlib.import_module("torch")
types: Any = importlib.import_module("imitation.data.types")
vec: Any = importlib.import_module("stable_baselines3.common.env_util")


class Gail:
    def __init__(self, words: dict[str, Any], arrays: dict[str, np.ndarray]):
        torch.set_num_threads(words["threads"])
        settings = dict(words["settings"])
        venv = vec.make_vec_env(words["gymnasium_id"], settings["envs"], seed=words["seed"])
        own = sb3.PPO(
            "MlpPolicy",
            venv,
            n_steps=settings["length"],
            seed=words["seed"],
            device="cpu",
            policy_kwargs={
                "features_extractor_class": bases.NormalizeFeaturesExtractor,
                "features_extractor_kwargs": {"normalize_class": networks.RunningNorm},
            },
        )
        rows = len(arrays["obs"])
        demos = types.Transitions(
            obs=arrays["obs"],
            acts=arrays["action"],
            infos=np.array([{}] * rows),
            next_obs=arrays["next_obs"],
            dones=arrays["terminated"].astype(bool),
        )
        reward = nets.BasicRewardNet(
            venv.observation_space,
            venv.action_space,
            normalize_input_layer=networks.RunningNorm,
        )
        self._policy = own
        self._learner = gail.GAIL(
            demonstrations=demos,
            demo_batch_size=settings["demo_batch"],
            gen_replay_buffer_capacity=settings["envs"] * settings["length"],
            venv=venv,
            gen_algo=own,
            reward_net=reward,
            n_disc_updates_per_round=settings["discriminator_steps"],
            allow_variable_horizon=True,
        )

    def train(self, steps: int) -> None:
        self._learner.train(steps)

    def act(self, obs: np.ndarray) -> np.ndarray:
        return np.clip(self._policy.predict(obs, deterministic=True)[0], -1.0, 1.0)


if __name__ == "__main__":
    serving.serve("imitation", Gail)
