"""d3rlpy's learners to be timed, in an interpreter of their own: its requirements and ours exclude
each other. Lines "name steps" on standard input are answered by the seconds that so many gradient
steps took.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

import numpy as np

d3rlpy: Any = importlib.import_module("d3rlpy")
torch: Any = importlib.import_module("torch")

ROWS, OBS, ACTIONS, WIDTHS = 5000, 17, 6, [256, 256]


def learners() -> dict[str, Any]:
    """Made with our sizes; what is not given has its default."""
    wide = d3rlpy.models.VectorEncoderFactory(WIDTHS)
    both = {"actor_encoder_factory": wide, "critic_encoder_factory": wide}

    def bcq(actions: int) -> Any:
        return d3rlpy.algos.BCQConfig(
            batch_size=100, n_action_samples=actions, imitator_encoder_factory=wide, **both
        )

    configs = {
        "bcq-100": bcq(100),
        "bcq-10": bcq(10),
        "td3_bc": d3rlpy.algos.TD3PlusBCConfig(batch_size=256, **both),
        "iql": d3rlpy.algos.IQLConfig(batch_size=256, value_encoder_factory=wide, **both),
        "bc": d3rlpy.algos.BCConfig(batch_size=256, encoder_factory=wide),
    }
    return {name: config.create(device="cpu:0") for name, config in configs.items()}


def dataset() -> Any:
    """Rows of these sizes; the numbers do not matter for speed."""
    rng = np.random.default_rng(0)
    ends = np.zeros(ROWS, np.float32)
    ends[999::1000] = 1.0
    return d3rlpy.dataset.MDPDataset(
        observations=rng.normal(size=(ROWS, OBS)).astype(np.float32),
        actions=np.tanh(rng.normal(size=(ROWS, ACTIONS))).astype(np.float32),
        rewards=rng.normal(size=ROWS).astype(np.float32),
        terminals=np.zeros(ROWS, np.float32),
        timeouts=ends,
    )


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    found, data = learners(), dataset()
    silent = d3rlpy.logging.NoopAdapterFactory()
    for algo in found.values():
        algo.build_with_dataset(data)
    print("ready", flush=True)
    for line in sys.stdin:
        name, steps = line.split()
        begun = time.perf_counter()
        found[name].fit(
            data, n_steps=int(steps), n_steps_per_epoch=int(steps), logger_adapter=silent,
            show_progress=False,
        )  # fmt: skip
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
