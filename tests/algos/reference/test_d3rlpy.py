"""Updates of BCQ and TD3+BC against d3rlpy's own, from the same parameters, steps and noise.

d3rlpy runs in an environment of its own, for its requirements exclude ours; `make test-reference`
makes it.
"""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.reference_updates import CLOSE, LR, jiggled, mid_run, named, td3_mid_run

from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.offline import bcq, td3_bc
from imitbench.algos.rl import td3
from imitbench.core.types import Params, Spec

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".venv" / "d3rlpy" / "bin" / "python"
SPEC = Spec(obs_size=5, action_size=2, horizon=1000, fields={})
HIDDEN, BATCH, UPDATES, PROPOSALS = (16, 16), 32, 2, 7
RULE: dict[str, Any] = {"lr": LR, "hidden": HIDDEN, "discount": 0.9, "tau": 0.05}
LAYERS = ["_encoder._layers.0", "_encoder._layers.2", "_fc"]

pytestmark = pytest.mark.skipif(not PEER.exists(), reason="needs d3rlpy: run `make test-reference`")


def prefixed(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{k}": v for k, v in arrays.items()}


def critics(part: str, nets: list[Params]) -> dict[str, np.ndarray]:
    found = [named([f"{i}.{layer}" for layer in LAYERS], net) for i, net in enumerate(nets)]
    return prefixed(part, {k: v for one in found for k, v in one.items()})


def vae(params: Params) -> dict[str, np.ndarray]:
    """Theirs has a layer for the latent's mean and another for its deviation."""
    encoder = named([*LAYERS[:2], "both"], params["encoder"])
    for kind in ("weight", "bias"):
        mean, log_std = np.split(encoder.pop(f"both.{kind}"), 2)
        encoder |= {f"_mu.{kind}": mean, f"_logstd.{kind}": log_std}
    decoder = named(LAYERS, params["decoder"])
    return prefixed("vae_encoder", encoder) | prefixed("vae_decoder", decoder)


def batches() -> list[Experience]:
    random = np.random.default_rng(1)

    def normal(*shape: int) -> jax.Array:
        return jnp.asarray(random.normal(size=shape), jnp.float32)

    return [
        Experience(
            obs=normal(BATCH, 5),
            action=jnp.tanh(normal(BATCH, 2)),
            reward=normal(BATCH),
            next_obs=normal(BATCH, 5),
            terminated=jnp.arange(BATCH) % 4 == i,
            t=jnp.zeros(BATCH, jnp.int32),
        )
        for i in range(UPDATES)
    ]


def theirs(
    method: str, start: dict[str, np.ndarray], noise: list[list[np.ndarray]], folder: Path
) -> dict[str, np.ndarray]:
    """Parameters after the updates."""
    before, after = folder / "before.npz", folder / "after.npz"
    given: dict[str, Any] = dict(start)
    given |= {k: RULE[k] for k in ("lr", "hidden", "discount", "tau")}
    given |= {"proposals": PROPOSALS, "draws": len(noise[0])}
    for i, rows in enumerate(batches()):
        given |= {f"{i}/{k}": np.asarray(v) for k, v in vars(rows).items()}
        given |= {f"{i}/normal/{j}": x for j, x in enumerate(noise[i])}
    np.savez(before, **given)
    worker = Path(__file__).with_name("d3rlpy_updates.py")
    subprocess.run([str(PEER), str(worker), method, str(before), str(after)], check=True)
    return dict(np.load(after))


def draws(shapes: list[tuple[int, ...]]) -> list[list[np.ndarray]]:
    """For each update; two standard deviations, so that bounds on noise are reached."""
    random = np.random.default_rng(2)
    return [[random.normal(0, 2, s).astype(np.float32) for s in shapes] for _ in range(UPDATES)]


def served(monkeypatch: pytest.MonkeyPatch, noise: list[np.ndarray]) -> list[np.ndarray]:
    """Our draws are these; what is left of them."""
    left = list(noise)

    def normal(key: Any, shape: Any) -> jax.Array:
        x = left.pop(0)
        assert x.shape == tuple(shape)
        return jnp.asarray(x)

    monkeypatch.setattr(jax.random, "normal", normal)
    return left


def assert_same(ours: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> None:
    assert set(ours) == set(found)
    for name, x in found.items():
        np.testing.assert_allclose(ours[name], x, err_msg=name, **CLOSE)


def test_bcq_learns_as_d3rlpy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    config = bcq.Config(vae_hidden=HIDDEN, proposals=PROPOSALS, **RULE)
    learner = bcq.learner(config, SPEC)
    state = learner.init(jax.random.key(0))
    opts = {k: mid_run(v, 3 + i) for i, (k, v) in enumerate(state.opt_state.items())}
    state = state.replace(
        params=jiggled(state.params, 1), target=jiggled(state.target, 2), opt_state=opts
    )

    def theirs_of(params: Params) -> dict[str, np.ndarray]:
        out = critics("q_funcs", params["critics"]) | vae(params["vae"])
        return out | prefixed("policy", named(LAYERS, params["perturb"]))

    def all_of(state: Any) -> dict[str, np.ndarray]:
        follow = critics("targ_q_funcs", state.target["critics"])
        follow |= prefixed("targ_policy", named(LAYERS, state.target["perturb"]))
        return theirs_of(state.params) | follow

    start = all_of(state)
    for what in ("mu", "nu"):
        tree = {k: getattr(v[0], what) for k, v in opts.items()}
        start |= prefixed({"mu": "mean", "nu": "square"}[what], theirs_of(tree))
    noise = draws([(BATCH, 4), (BATCH * PROPOSALS, 4), (BATCH, 4)])
    found = theirs("bcq", start, noise, tmp_path)
    for i, rows in enumerate(batches()):
        left = served(monkeypatch, noise[i])
        state, _ = learner.learn(jax.random.key(i), state, rows)
        assert not left
    assert_same(all_of(state), found)


def test_td3_bc_learns_as_d3rlpy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    config = td3_bc.Config(**RULE)
    learner = td3.learner(config, SPEC, objective=partial(td3_bc.cloning_objective, config.alpha))
    state = learner.init(jax.random.key(0))
    state, adams = td3_mid_run(state)

    def moved(policy: Params, nets: list[Params]) -> dict[str, np.ndarray]:
        return prefixed("policy", named(LAYERS, policy)) | critics("q_funcs", nets)

    def all_of(state: Any) -> dict[str, np.ndarray]:
        out = prefixed("targ_policy", named(LAYERS, state.target["policy"]))
        out |= critics("targ_q_funcs", state.target["critics"])
        return out | moved(state.policy, state.critics)

    start = all_of(state)
    start |= prefixed("mean", moved(adams[0][0].mu, adams[1][0].mu))
    start |= prefixed("square", moved(adams[0][0].nu, adams[1][0].nu))
    noise = draws([(BATCH, 2)])
    found = theirs("td3_bc", start, noise, tmp_path)
    for i, rows in enumerate(batches()):
        left = served(monkeypatch, noise[i])
        state, _ = learner.learn(jax.random.key(i), state, rows)
        assert not left
    assert_same(all_of(state), found)
