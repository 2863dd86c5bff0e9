"""The contract that every registered method fulfils. `test_contract_actor` is about its actor."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.contract import (
    METHODS,
    TASK,
    equal,
    has_memory,
    methods_with_memory,
    one,
)
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.core import buffer
from imitbench.core.types import Algorithm, Env, Transition
from imitbench.training import loop
from imitbench.utils.errors import UserError

assert methods_with_memory  # a fixture
pytestmark = [
    pytest.mark.parametrize("method", METHODS),
    pytest.mark.usefixtures("methods_with_memory"),
]


def left_to_slow_tests(request: pytest.FixtureRequest, method: str, fast: Collection[str]) -> None:
    """Skips a method in the fast tests, unless it is one of those that stand for the others."""
    if method not in fast and request.config.option.markexpr == "not slow":
        pytest.skip("another method with the same loop stands for it: runs in `make test-all`")


@pytest.fixture(scope="module")
def env() -> Env:
    return envs.make(TASK)


@pytest.fixture(scope="module")
def demos(env: Env) -> data.Demos:
    return data.collect(env, experts.load(TASK), 12, seed=3, only_success=False)


@pytest.fixture
def rows(demos: data.Demos) -> Transition:
    return data.subset(demos, 6, [0, 1, 2])


@pytest.fixture
def keys() -> jax.Array:
    return jnp.stack([jax.random.key(s) for s in range(3)])


def test_same_seed_same_result_and_acts_on_any_leading_axes(method, small, rows, env):
    algo: Algorithm = small(method, TASK)
    init, key = jax.jit(algo.init), jax.random.key(0)
    state, again, other = (init(jax.random.key(k), one(rows)) for k in (0, 0, 1))
    equal(state, again)
    differs = jax.tree.map(lambda x, y: bool((np.asarray(x) != np.asarray(y)).any()), state, other)
    assert any(jax.tree.leaves(differs))
    if has_memory(algo, state, env):
        pytest.skip("acts by its actor alone")
    obs = one(rows).obs[:6]
    flat = jax.jit(algo.act)(key, state, obs)
    assert flat.shape == (6, 2)
    assert np.all(np.abs(flat) <= 1)
    for lead in ((), (2, 3)):
        shaped = jax.eval_shape(algo.act, key, state, jnp.zeros((*lead, env.spec.obs_size)))
        assert shaped.shape == (*lead, 2)


def test_acts_on_discrete_choices(method, small, request):
    """Or refuses them before anything runs."""
    try:
        algo: Algorithm = small(method, "ProbePolicy", lr=3e-3)
    except UserError as error:
        reasons = ("has discrete actions", "needs a task with goals")
        assert any(reason in str(error) for reason in reasons) and "\n" not in str(error)
        return
    if not algos.needs_actions(method, algos.ALGOS[method].Config()) and (
        algos.traits(method).needs_demos
    ):
        pytest.skip("learns from observations, in which the choices of the probe leave no trace")
    left_to_slow_tests(request, method, ("bc", "dagger", "ppo"))
    env = envs.make("ProbePolicy")
    demos = data.collect(env, experts.load("ProbePolicy"), 40)
    rows = data.subset(demos, 20, [0], same=True)
    key = jax.random.key(0)
    state = algo.init(key, rows)
    for i in range(100):
        state, _ = jax.jit(algo.update)(jax.random.fold_in(key, i), state, rows)
    choice = algo.act(key, state, jnp.array([[-1.0], [1.0]]))
    np.testing.assert_array_equal(choice, [0, 1])


# A method without environment steps and one with them; the others resume in the slow tests.
RESUMED_FAST = ("bc", "ppo")
OPTIONS: dict[str, Any] = {"num_updates": 4, "num_evals": 4, "eval_episodes": 2}


def test_seeds_trained_alone_and_a_resumed_run_equal_one_run(
    method, small, rows, keys, env, request
):
    left_to_slow_tests(request, method, RESUMED_FAST)
    algo = small(method, TASK)
    checkpoints = []
    whole, ev = loop.train(
        algo, rows, keys, env=env, on_eval=lambda s, e: checkpoints.append((s, e)), **OPTIONS
    )
    assert not whole.diverged.any()
    resumed, ev2 = loop.train(algo, rows, keys, env=env, resume=checkpoints[1], **OPTIONS)
    equal(whole, resumed)
    equal(ev._replace(seconds={}), ev2._replace(seconds={}))
    rows_of_seed = jax.tree.map(lambda x: x[1:2], rows)
    alone, _ = loop.train(algo, rows_of_seed, keys[1:2], env=env, seeds_by="threads", **OPTIONS)
    equal(jax.tree.map(lambda x: x[1:2], whole.algo), alone.algo)


# Natural steps from few rows, in which rounding grows: one update is compared, and how closely.
ROUNDING_GROWS = {"gail_trpo": 1e-4, "slbo": 1e-3}
# Attention does not depend on it, so that Adam makes steps of a gradient that is rounding alone.
NO_GRADIENT = "['key']['bias']"


@pytest.mark.slow
def test_seeds_in_one_program_nearly_equal_seeds_in_threads(method, small, rows, keys, env):
    """As on an accelerator: batched products round differently."""
    algo = small(method, TASK)
    grows = method in ROUNDING_GROWS
    options: dict[str, Any] = OPTIONS | ({"num_updates": 1, "num_evals": 1} if grows else {})
    threads, vmap = (
        loop.train(algo, rows, keys, env=env, seeds_by=by, **options)[0].algo
        for by in ("threads", "vmap")
    )
    atol = ROUNDING_GROWS.get(method, 1e-4)
    for (path, a), b in zip(jax.tree.leaves_with_path(vmap), jax.tree.leaves(threads), strict=True):
        if not jax.tree_util.keystr(path).endswith(NO_GRADIENT):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=atol)


def test_touches_only_what_it_declares_and_keeps_the_type_of_its_state(method, rows):
    class Poison:
        def __getattr__(self, name):
            raise AssertionError(f"an undeclared part was touched: {name}")

        def __call__(self, *args):
            raise AssertionError("an undeclared expert was called")

    needs = algos.needs(method)
    assert set(needs) <= {"env", "expert"}
    parameters = list(inspect.signature(algos.ALGOS[method].make).parameters)
    assert parameters[:2] == ["config", "spec"]
    env = envs.make(TASK)
    algo = algos.build(
        method,
        shrink(algos.ALGOS[method].Config()),
        env.spec,
        env if "env" in needs else cast(Any, Poison()),
        experts.load(TASK) if "expert" in needs else cast(Any, Poison()),
    )
    key = jax.random.key(0)
    state = jax.eval_shape(algo.init, key, one(rows))
    new, metrics = jax.eval_shape(algo.update, key, state, one(rows))
    assert jax.tree.structure(new) == jax.tree.structure(state)
    same = jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype), state, new)
    assert all(jax.tree.leaves(same))
    assert metrics and all(m.shape == () for m in metrics.values())
    # An environment is there to train in, or to act by; a method with memory can act without it.
    uses_env = algo.cost.env_steps > 0 or algo.actor is not None
    if "env" not in needs and algo.actor is not None:
        uses_env = not has_memory(algo, algo.init(key, one(rows)), env)
    assert ("env" in needs) == uses_env
    assert ("expert" in needs) == (algo.cost.expert_queries > 0)
    assert algo.cost.grad_steps > 0


def test_online_methods_need_no_demonstrations(method, small, rows, keys, env, request):
    """They learn from the task's reward: the same with demonstrations, and with no rows at all."""
    if algos.traits(method).needs_demos:
        pytest.skip("learns from demonstrations")
    left_to_slow_tests(request, method, ("ppo",))
    algo = small(method, TASK)
    options = {"env": env, "num_updates": 1, "num_evals": 1, "eval_episodes": 2}
    without, ev = loop.train(algo, buffer.no_rows(env.spec), keys[:1], **options)
    rows_of_seed = jax.tree.map(lambda x: x[:1], rows)
    with_rows, _ = loop.train(algo, rows_of_seed, keys[:1], **options)
    equal(without, with_rows)
    assert not ev.diverged.any() and np.isfinite(ev.returns).all()
