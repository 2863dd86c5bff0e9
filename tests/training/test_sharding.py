"""Seeds on several devices give the same results as on one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imitbench.training import sharding

# Trains four seeds, resumes from the middle, prints the number of devices of the parameters.
SCRIPT = """
import sys
import jax, jax.numpy as jnp, numpy as np
from imitbench import data, envs, experts
from imitbench.algos import bc, dagger
from imitbench.training.loop import train

env = envs.make("ProbeGoal")
pool = data.collect(env, experts.load("ProbeGoal"), 12, seed=3, only_success=False)
rows = data.subset(pool, 6, [0, 1, 2, 3])
keys = jnp.stack([jax.random.key(s) for s in range(4)])
config = dagger.Config(clone=bc.Config(hidden=(16,), batch=16, steps=3, validation=0.0), fits=2)
algo = dagger.make(config, env.spec, env, experts.load("ProbeGoal"))
saved = []
options = {"env": env, "num_updates": 4, "num_evals": 2, "eval_episodes": 5, "seeds_by": "vmap"}
state, ev = train(algo, rows, keys, on_eval=lambda s, e: saved.append((s, e)), **options)
print(len(jax.tree.leaves(state.algo.clone.params)[0].sharding.device_set))
half = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), saved[0][0])
again, _ = train(algo, rows, keys, resume=(half, saved[0][1]), **options)
jax.tree.map(np.testing.assert_array_equal, state, again)
leaves = [np.asarray(x) for x in jax.tree.leaves(state.algo.clone.params)]
np.savez(sys.argv[1], *leaves, returns=ev.returns, success=ev.success_any)
"""


@pytest.mark.parametrize(
    ("seeds", "number", "expected"), [(4, 4, 4), (5, 4, 1), (6, 4, 3), (2, 8, 2), (1, 8, 1)]
)
def test_devices_get_equal_numbers_of_seeds(seeds, number, expected):
    assert sharding.device_count(seeds, number) == expected


@pytest.mark.slow
def test_four_devices_give_the_results_of_one(tmp_path: Path):
    arrays = {}
    for number in (1, 4):
        path = tmp_path / f"{number}.npz"
        flags = f"--xla_force_host_platform_device_count={number}"
        process = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path)],
            env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        assert process.stdout.strip() == str(number)
        arrays[number] = np.load(path)
    assert set(arrays[1].files) == set(arrays[4].files)
    for name in arrays[1].files:
        np.testing.assert_allclose(arrays[4][name], arrays[1][name], rtol=1e-3, atol=1e-4)
