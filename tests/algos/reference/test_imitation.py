"""Steps of our discriminator against those of the package imitation, from the same parameters and
rows.

imitation runs in an environment of its own, for its requirements exclude ours; `make
test-reference` makes it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.reference_updates import CLOSE, LR, jiggled, mid_run, named

from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.adversarial.discriminator_input import Pairs, pair_input
from imitbench.core import ops
from imitbench.core.types import Params, Spec

PEER = Path(__file__).parents[2] / ".venv" / "imitation" / "bin" / "python"
SPEC = Spec(obs_size=3, action_size=1, horizon=200, fields={})
BATCH, UPDATES = 32, 2
LAYERS = ["mlp.dense0", "mlp.dense1", "mlp.dense_final"]

pytestmark = pytest.mark.skipif(
    not PEER.exists(), reason="needs imitation: run `make test-reference`"
)


def test_the_discriminator_learns_as_imitations(tmp_path):
    config = DiscriminatorConfig(
        hidden=(16, 16), lr=LR, batch=BATCH, steps=1, penalty=0.0, entropy=0.0
    )
    net, encode, *_ = pair_input(config, SPEC)
    ours = Discriminator(config, net, encode)
    random = np.random.default_rng(0)

    def rows(shift: float) -> Pairs:
        obs = jnp.asarray(random.normal(shift, 1.0, (BATCH, 3)), jnp.float32)
        return Pairs(obs, jnp.tanh(obs[:, :1]))

    expert, policy = ([rows(s) for _ in range(UPDATES)] for s in (0.5, -0.5))
    state = ours.init(jax.random.key(0), expert[0].obs, jnp.ones(BATCH))
    # Imitation standardises nothing unless it is told to.
    state = state.replace(
        params=jiggled(state.params, 1),
        opt_state=mid_run(state.opt_state, 2),
        moments=ops.Moments(jnp.float32(1.0), jnp.zeros(3), jnp.ones(3)),
    )
    adam = state.opt_state[0]
    given: dict[str, Any] = {"lr": LR, "hidden": config.hidden} | named(LAYERS, state.params)
    # Its loss is the mean over both halves, half of ours; Adam's step is the same for both, once
    # the gradients that it remembers are halved, too.
    for name, tree, scale in (("mean", adam.mu, 0.5), ("square", adam.nu, 0.25)):
        given |= {f"{name}/{k}": scale * v for k, v in named(LAYERS, tree).items()}
    for i in range(UPDATES):
        for whose, found in (("expert", expert[i]), ("policy", policy[i])):
            given |= {f"{i}/{whose}/obs": found.obs, f"{i}/{whose}/action": found.action}
        draws = (lambda key, n, x=x[i]: x for x in (expert, policy))
        state, _ = ours.fit(jax.random.key(i), state, *draws)
    before, after = tmp_path / "before.npz", tmp_path / "after.npz"
    np.savez(before, **given)
    worker = Path(__file__).with_name("imitation_updates.py")
    subprocess.run([str(PEER), str(worker), str(before), str(after)], check=True, cwd=tmp_path)
    theirs: Params = dict(np.load(after))
    reward = theirs.pop("reward")
    mine = named(LAYERS, state.params)
    assert set(mine) == set(theirs)
    for name, x in theirs.items():
        np.testing.assert_allclose(mine[name], x, err_msg=name, **CLOSE)
        assert np.abs(x - given[name]).max() > LR  # it has moved
    # -log(1 - D), our default.
    np.testing.assert_allclose(ours.reward(state, policy[-1]), reward, rtol=1e-4, atol=1e-5)
