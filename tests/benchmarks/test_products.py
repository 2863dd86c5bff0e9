"""Operations of matrix products, by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from benchmarks.perf.engines import products
from benchmarks.perf.products import product_flops
from imitbench.core import nets


def test_operations_by_hand():
    a, b = jnp.ones((3, 4)), jnp.ones((4, 5))
    assert product_flops(lambda a, b: a @ b, a, b) == 2 * 3 * 4 * 5
    assert product_flops(lambda a: jnp.tanh(a) + 1, a) == 0
    batched = jax.vmap(lambda a: a @ b)
    assert product_flops(batched, jnp.ones((7, 3, 4))) == 7 * 2 * 3 * 4 * 5


def test_loops_and_branches():
    square = jnp.ones((4, 4))

    def loop(x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda x, _: (jax.jit(jnp.matmul)(x, square), None), x, None, 6)[0]

    assert product_flops(loop, square) == 6 * 2 * 4**3

    def branch(x: jax.Array) -> jax.Array:
        return jax.lax.cond(x[0, 0] > 0, lambda x: x @ square @ square, lambda x: x @ square, x)

    assert product_flops(branch, square) == 2 * 2 * 4**3


def test_a_gradient_step_of_a_network():
    """The formula of the other measurements."""
    net, x = nets.MLP((16, 8), 3), jnp.ones((32, 5))
    params = net.init(jax.random.key(0), x)
    gradient = jax.grad(lambda p: jnp.sum(jnp.asarray(net.apply(p, x)) ** 2))
    assert product_flops(gradient, params) == products((5, 16, 8, 3), 32)
