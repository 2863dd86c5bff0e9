"""GAIL of the package imitation to be timed, in an interpreter of its own: its requirements exclude
ours. Each number on standard input is answered by the seconds that so many rounds took.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

import numpy as np

gail: Any = importlib.import_module("imitation.algorithms.adversarial.gail")
nets: Any = importlib.import_module("imitation.rewards.reward_nets")
sb3: Any = importlib.import_module("stable_baselines3")
torch: Any = importlib.import_module("torch")
types: Any = importlib.import_module("imitation.data.types")
vec: Any = importlib.import_module("stable_baselines3.common.env_util")

TASK, ROWS = "Hopper-v4", 1000
ENVS, LENGTH, MINIBATCH, EPOCHS = 8, 256, 64, 10
BATCH, STEPS, HIDDEN = 256, 8, (100, 100)  # of the discriminator


def learner() -> Any:
    """With our sizes; what is not given has its default."""
    venv = vec.make_vec_env(TASK, ENVS)
    own = sb3.PPO(
        "MlpPolicy", venv, n_steps=LENGTH, batch_size=MINIBATCH, n_epochs=EPOCHS, device="cpu"
    )
    rng = np.random.default_rng(0)
    obs = rng.normal(size=(2, ROWS, *venv.observation_space.shape)).astype(np.float32)
    demos = types.Transitions(
        obs=obs[0],
        acts=rng.uniform(-1, 1, (ROWS, *venv.action_space.shape)).astype(np.float32),
        infos=np.array([{}] * ROWS),
        next_obs=obs[1],
        dones=np.zeros(ROWS, bool),
    )
    return gail.GAIL(
        demonstrations=demos,
        demo_batch_size=BATCH,
        venv=venv,
        gen_algo=own,
        reward_net=nets.BasicRewardNet(venv.observation_space, venv.action_space, hid_sizes=HIDDEN),
        n_disc_updates_per_round=STEPS,
        allow_variable_horizon=True,
    )


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    found = learner()
    print("ready", flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        found.train(int(line) * ENVS * LENGTH)
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
