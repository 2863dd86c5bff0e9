"""Discriminator steps by the package imitation, run by `test_imitation.py` with an interpreter of
their own.

Arguments: two npz files. The first holds the network's parameters and Adam's state by their names,
and for each update the rows of the expert and of the policy; the second is written: the parameters
afterwards, and the rewards of GAIL for the last policy rows.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

gail: Any = importlib.import_module("imitation.algorithms.adversarial.gail")
nets: Any = importlib.import_module("imitation.rewards.reward_nets")
sb3: Any = importlib.import_module("stable_baselines3")
types: Any = importlib.import_module("imitation.data.types")
torch: Any = importlib.import_module("torch")
vec: Any = importlib.import_module("stable_baselines3.common.env_util")

UPDATES, TASK = 2, "Pendulum-v1"  # sizes 3 and 1; its dynamics are not asked


def rows(given: dict[str, np.ndarray], i: int, whose: str) -> dict[str, np.ndarray]:
    obs = given[f"{i}/{whose}/obs"]
    dones = np.zeros(len(obs), bool)
    return {"obs": obs, "acts": given[f"{i}/{whose}/action"], "next_obs": obs, "dones": dones}


def main() -> None:
    given = dict(np.load(sys.argv[1]))
    hidden = tuple(int(n) for n in given["hidden"])
    venv = vec.make_vec_env(TASK, 1)
    net = nets.BasicRewardNet(venv.observation_space, venv.action_space, hid_sizes=hidden)
    expert = rows(given, 0, "expert")
    trainer = gail.GAIL(
        demonstrations=types.Transitions(**expert, infos=np.array([{}] * len(expert["obs"]))),
        demo_batch_size=len(expert["obs"]),
        venv=venv,
        gen_algo=sb3.PPO("MlpPolicy", venv, device="cpu"),
        reward_net=net,
        disc_opt_kwargs={"lr": float(given["lr"])},
        allow_variable_horizon=True,
    )
    parts = dict(net.named_parameters())
    with torch.no_grad():
        for name, p in parts.items():
            p.copy_(torch.tensor(given[name]))
    for name, p in parts.items():
        trainer._disc_opt.state[p] = {
            "step": torch.tensor(5.0),
            "exp_avg": torch.tensor(given[f"mean/{name}"]),
            "exp_avg_sq": torch.tensor(given[f"square/{name}"]),
        }
    for i in range(UPDATES):
        expert, policy = (rows(given, i, whose) for whose in ("expert", "policy"))
        trainer.train_disc(expert_samples=expert, gen_samples=policy)
    out = {name: p.detach().numpy() for name, p in parts.items()}
    reward = trainer.reward_train.predict(
        policy["obs"], policy["acts"], policy["next_obs"], policy["dones"]
    )
    np.savez(sys.argv[2], reward=reward, **out)


if __name__ == "__main__":
    main()
