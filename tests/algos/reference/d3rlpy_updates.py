"""Updates by d3rlpy, run by `test_d3rlpy.py` with an interpreter of their own.

Arguments: bcq or td3_bc, and two npz files. The first holds parameters and Adam's state by the
modules' names, each update's rows, and each update's normal draws in order; the second is written.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

d3rlpy: Any = importlib.import_module("d3rlpy")
torch: Any = importlib.import_module("torch")

UPDATES = 2
OPTIMISERS = {
    "policy": "actor_optim", "q_funcs": "critic_optim", "vae_encoder": "vae_optim",
    "vae_decoder": "vae_optim",
}  # fmt: skip


def learner(method: str, given: dict[str, np.ndarray]) -> Any:
    hidden = [int(n) for n in given["hidden"]]
    wide = d3rlpy.models.VectorEncoderFactory(hidden)
    rates = ["actor", "critic"] + ["imitator"] * (method == "bcq")
    options = {f"{k}_learning_rate": float(given["lr"]) for k in rates}
    options |= {f"{k}_encoder_factory": wide for k in rates}
    options |= {"gamma": float(given["discount"]), "tau": float(given["tau"])}
    if method == "bcq":
        make = d3rlpy.algos.BCQConfig(n_action_samples=int(given["proposals"]), **options)
    else:
        make = d3rlpy.algos.TD3PlusBCConfig(**options)
    algo = make.create(device="cpu:0")
    algo.create_impl((given["0/obs"].shape[1],), given["0/action"].shape[1])
    return algo.impl


def rows(given: dict[str, np.ndarray], i: int) -> Any:
    def column(name: str) -> Any:
        x = torch.tensor(given[f"{i}/{name}"])
        return x[:, None] if x.ndim == 1 else x

    reward = column("reward")
    return d3rlpy.torch_utility.TorchMiniBatch(
        observations=column("obs"),
        actions=column("action"),
        rewards=reward,
        next_observations=column("next_obs"),
        next_actions=torch.zeros_like(column("action")),
        returns_to_go=torch.zeros_like(reward),
        terminals=column("terminated").float(),
        intervals=torch.ones_like(reward),
        device="cpu:0",
    )


def main() -> None:
    method, before, after = sys.argv[1:]
    given = dict(np.load(before))
    impl = learner(method, given)
    modules = impl._modules
    names = [k for k in ("policy", "q_funcs", "vae_encoder", "vae_decoder") if hasattr(modules, k)]
    parts = [*names, "targ_policy", "targ_q_funcs"]
    for part in parts:
        for name, p in getattr(modules, part).named_parameters():
            p.data.copy_(torch.tensor(given.pop(f"{part}/{name}")))
            if part in OPTIMISERS:
                getattr(modules, OPTIMISERS[part]).optim.state[p] = {
                    "step": torch.tensor(5.0),
                    "exp_avg": torch.tensor(given.pop(f"mean/{part}/{name}")),
                    "exp_avg_sq": torch.tensor(given.pop(f"square/{part}/{name}")),
                }
    assert not [k for k in given if "." in k], "every parameter of ours has its place"

    def squashed(self: Any, x: Any, latent: Any, with_squash: bool = True) -> Any:
        return torch.tanh(self._fc(self._encoder(x, latent)))

    # d3rlpy's decoder leaves out the tanh of the paper's code; it is put back.
    d3rlpy.models.torch.VAEDecoder.forward = squashed
    for i in range(UPDATES):
        draws = [torch.tensor(given[f"{i}/normal/{j}"]) for j in range(int(given["draws"]))]

        def draw(*shape: Any, draws: list[Any] = draws, **_: Any) -> Any:
            return draws.pop(0)

        torch.randn = draw
        torch.distributions.normal._standard_normal = draw
        impl.inner_update(rows(given, i), i + 1)
        assert not draws, "all of the noise is used"
    out = {
        f"{part}/{name}": p.detach().numpy()
        for part in parts
        for name, p in getattr(modules, part).named_parameters()
    }
    np.savez(after, **out)


if __name__ == "__main__":
    main()
