"""A program that test_native runs: the engine from two threads and on four devices, under load.

It prints OK if every result equals that of one seed at a time.
"""

from __future__ import annotations

import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from imitbench import envs
from imitbench.core import rollout

BATCH = int(sys.argv[1])  # 8,192 environments of 4 seeds pass more than 256 kB at a time


def main() -> None:
    env = envs.make("PointMass")

    def policy(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (*obs.shape[:-1], 2), minval=-1.0)

    def run(seed: jax.Array) -> jax.Array:
        steps = rollout.episodes(env, policy, jax.random.key(seed), BATCH, horizon=3)
        return jnp.sum(steps.obs * steps.weight[..., None], axis=(0, 1))

    seeds = jnp.arange(4)
    expected = np.stack([np.asarray(jax.jit(run)(s)) for s in seeds])

    def check(result: jax.Array, name: str) -> None:
        np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-5, atol=1e-2, err_msg=name)

    check(jax.jit(jax.vmap(run))(seeds), "vmap over seeds")

    failures: list[BaseException] = []

    def worker() -> None:
        try:
            for _ in range(2):
                check(jax.jit(jax.vmap(run))(seeds), "two threads")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]

    if len(jax.devices()) == 4:
        mesh = jax.make_mesh((4,), ("seeds",))
        sharded = jax.jit(
            jax.shard_map(
                jax.vmap(run),
                mesh=mesh,
                in_specs=P("seeds"),
                out_specs=P("seeds"),
                check_vma=False,
            )
        )
        placed = jax.device_put(seeds, jax.sharding.NamedSharding(mesh, P("seeds")))
        for _ in range(2):
            check(sharded(placed), "seeds sharded over four devices")
    print("OK")


if __name__ == "__main__":
    main()
