"""robomimic's BC to be timed, in an interpreter of its own: its requirements and ours exclude each
other. Lines "name steps" on standard input are answered by the seconds that so many gradient steps
took, on one minibatch that stays the same.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

algo: Any = importlib.import_module("robomimic.algo")
config: Any = importlib.import_module("robomimic.config")
obs_utils: Any = importlib.import_module("robomimic.utils.obs_utils")
torch: Any = importlib.import_module("torch")


def learner(kind: str, words: list[int]) -> tuple[Any, Any]:
    """BC and its minibatch.

    Args:
        kind: regression, mixture or gru.
        words: size of an observation, actions, numbers in a chunk of actions, rows of a minibatch,
            observations of a history, width of the GRU, widths of the hidden layers.
    """
    obs, single, chunk, batch, history, width, *hidden = words
    actions = single if kind == "gru" else chunk
    settings = config.config_factory("bc")
    with settings.values_unlocked():
        settings.observation.modalities.obs.low_dim = ["flat"]
        settings.algo.actor_layer_dims = tuple(hidden)
        settings.algo.gmm.enabled = kind == "mixture"
        if kind == "gru":
            settings.algo.rnn.enabled = True
            settings.algo.rnn.rnn_type = "GRU"
            settings.algo.rnn.horizon = settings.train.seq_length = history
            settings.algo.rnn.hidden_dim, settings.algo.rnn.num_layers = width, 1
    obs_utils.initialize_obs_utils_with_config(settings)
    found = algo.algo_factory("bc", settings, {"flat": (obs,)}, actions, "cpu")
    found.set_train()
    shape = (batch, history) if kind == "gru" else (batch,)
    rows = {
        "obs": {"flat": torch.randn(*shape, obs)},
        "goal_obs": None,
        "actions": 2 * torch.rand(*shape, actions) - 1,
    }
    return found, rows


def main() -> None:
    words = [int(x) for x in sys.argv[1:]]
    learners = {kind: learner(kind, words) for kind in ("regression", "mixture", "gru")}
    print("ready", flush=True)
    for line in sys.stdin:
        name, steps = line.split()
        found, rows = learners[name]
        begun = time.perf_counter()
        for _ in range(int(steps)):
            found.train_on_batch(rows, 0)
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
