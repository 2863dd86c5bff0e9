"""Learners of Stable-Baselines3, with the sizes of ours, as something to time."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.perf.timing import Work
from imitbench.algos.rl import ppo, sac, td3
from imitbench.utils.machine import available_cpus


def modules() -> tuple[Any, Any]:
    """The modules stable_baselines3 and torch. Ends the program where they are missing."""
    try:
        found = [importlib.import_module(x) for x in ("stable_baselines3", "torch")]
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"{error.name} is not installed: run `make perf-learners`, or "
            "pip install -c constraints.txt -e '.[reference]'"
        ) from None
    return found[0], found[1]


def peer(task: str, method: str, config: ppo.Config | sac.Config | td3.Config, steps: int) -> Work:
    """SB3's learner with our sizes; what is not given has its default, as ours does."""
    sb3, _ = modules()
    arch = {"net_arch": list(config.hidden)}
    common = {"learning_rate": config.lr, "gamma": config.discount, "policy_kwargs": arch}
    if isinstance(config, ppo.Config):
        num = config.envs
        common |= {
            "n_steps": config.length,
            "batch_size": num * config.length // config.minibatches,
            "n_epochs": config.epochs,
        }
    else:
        replay, num = config.replay, config.replay.envs
        common |= {
            "train_freq": replay.length,
            "gradient_steps": replay.grad_steps,
            "batch_size": replay.batch,
            "buffer_size": replay.capacity,
            "learning_starts": replay.warmup,
        }
    env = sb3.common.env_util.make_vec_env(task, num)
    make = getattr(sb3, method.upper())
    model = make("MlpPolicy", env, device="cpu", seed=0, **common)

    def run() -> None:
        model.learn(steps, reset_num_timesteps=False)

    return Work(run, steps)


def best_threads(work: Work) -> int:
    """Sets torch to one thread or one for each CPU, whichever is faster here."""
    _, torch = modules()
    rates: dict[int, float] = {}
    for n in sorted({1, available_cpus()}):
        torch.set_num_threads(n)
        work.rate()
        rates[n] = work.rate()
    best = max(rates, key=lambda n: rates[n])
    torch.set_num_threads(best)
    return best
