"""d3rlpy's IQL, TD3+BC and BC on our data, in an interpreter of their own (`serving.py`).

Observations are standardised by the data, and the rewards of IQL divided by the range of the
returns, or by their mean where that is larger, times 1,000, as in our row; its authors' code
divides by the range. Each of d3rlpy's other settings is its default; learning rates are constant.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import serving

d3rlpy: Any = importlib.import_module("d3rlpy")
torch: Any = importlib.import_module("torch")


class Offline:
    def __init__(self, words: dict[str, Any], arrays: dict[str, np.ndarray]):
        torch.set_num_threads(words["threads"])
        d3rlpy.seed(words["seed"])
        settings, method = dict(words["settings"]), words["method"]
        wide = d3rlpy.models.VectorEncoderFactory(list(settings.pop("hidden")))
        kinds = {
            "iql": (d3rlpy.algos.IQLConfig, ("actor", "critic", "value")),
            "td3_bc": (d3rlpy.algos.TD3PlusBCConfig, ("actor", "critic")),
            "bc": (d3rlpy.algos.BCConfig, ("",)),
        }
        kind, networks = kinds[method]
        encoders = {f"{n}_encoder_factory".lstrip("_"): wide for n in networks}
        # Known from the start, so that the policy can act before its first gradient step.
        obs, made = arrays["obs"], d3rlpy.preprocessing
        scalers: dict[str, Any] = {
            "observation_scaler": made.StandardObservationScaler(obs.mean(axis=0), obs.std(axis=0))
        }
        if method == "iql":
            ends = np.flatnonzero(arrays["terminated"] | arrays["truncated"])
            returns = np.diff(np.cumsum(arrays["reward"], dtype=np.float64)[ends], prepend=0.0)
            size = max(float(np.ptp(returns)), abs(float(returns.mean())))
            scalers["reward_scaler"] = made.ReturnBasedRewardScaler(
                return_max=size, return_min=0.0, multiplier=1000.0
            )
        config = kind(**encoders, **scalers, **settings)
        self._learner = config.create(device="cpu:0")
        self._data = d3rlpy.dataset.MDPDataset(
            observations=arrays["obs"],
            actions=arrays["action"],
            rewards=arrays["reward"],
            terminals=arrays["terminated"].astype(np.float32),
            timeouts=arrays["truncated"].astype(np.float32),
        )
        self._learner.build_with_dataset(self._data)

    def train(self, steps: int) -> None:
        self._learner.fit(
            self._data,
            n_steps=steps,
            n_steps_per_epoch=steps,
            logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
            show_progress=False,
        )

    def act(self, obs: np.ndarray) -> np.ndarray:
        return np.clip(self._learner.predict(obs), -1.0, 1.0)


if __name__ == "__main__":
    serving.serve("d3rlpy", Offline)
