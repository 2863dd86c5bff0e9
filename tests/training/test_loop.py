"""The training loop: evaluations, checkpoints, diverged seeds, and refused input."""

from __future__ import annotations

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data
from imitbench.core import ops
from imitbench.core.types import Algorithm, Cost
from imitbench.training import checkpoint, evaluation, loop, parts, program
from imitbench.utils.errors import UserError


@pytest.fixture
def keys() -> jax.Array:
    return jnp.stack([jax.random.key(s) for s in range(3)])


def fragile(bad_seed: int, at: int) -> Algorithm:
    """A method that counts its updates; the metric of `bad_seed` is NaN from update `at` on."""
    bad_key = jax.random.key_data(ops.fold_in_name(jax.random.key(bad_seed), "init"))

    def init(key, demos):
        return {"count": jnp.int32(0), "x": jnp.float32(0), "key": jax.random.key_data(key)}

    def update(key, state, demos):
        count = state["count"] + 1
        bad = (state["key"] == bad_key).all() & (count >= at)
        x = jnp.where(bad, jnp.nan, 1.0)
        return state | {"count": count, "x": x}, {"loss": x}

    def act(key, state, obs):
        return jnp.full((*obs.shape[:-1], 2), state["x"])

    return Algorithm(init, update, act, Cost(grad_steps=1))


@pytest.mark.parametrize("seeds_by", ["threads", "vmap"])
def test_diverged_seed_is_marked_and_counts_as_failed(demos, env, keys, seeds_by):
    rows = data.subset(demos, 2, [0, 1, 2])
    _, ev = loop.train(
        fragile(1, at=3), rows, keys, env=env, num_updates=4, num_evals=2, eval_episodes=5,
        seeds_by=seeds_by,
    )  # fmt: skip
    np.testing.assert_array_equal(ev.diverged, [False, True, False])
    assert np.isnan(ev.metrics["loss"][1, 1]) and np.isfinite(ev.metrics["loss"][[0, 2]]).all()
    assert not ev.episodes["success_any"][1].any()
    assert ev.success_final[1, 1] == 0
    assert np.isfinite(ev.returns).all()


def test_evaluations_have_equal_distances(demos, env, keys, small):
    rows = data.subset(demos, 3, [0, 1, 2])
    updates = []
    _, ev = loop.train(
        small("bc"), rows, keys, env=env, num_updates=6, num_evals=3, eval_episodes=4,
        on_eval=lambda s, e: updates.append(int(s.updates)),
    )  # fmt: skip
    assert updates == [2, 4, 6] and ev.updates.tolist() == [2, 4, 6]
    assert ev.success_any.shape == (3, 3) and ev.episodes["return"].shape == (3, 4)
    np.testing.assert_allclose(ev.returns[:, -1], ev.episodes["return"].mean(1), rtol=1e-6)
    assert set(ev.seconds) == {"compile", "train", "evaluate"}
    assert (ev.success_any >= ev.success_final).all()


def test_an_evaluation_before_training_changes_nothing_else(demos, env, keys, small):
    rows = data.subset(demos, 3, [0, 1, 2])
    options: Any = {"env": env, "num_updates": 4, "num_evals": 2, "eval_episodes": 4}
    plain_state, plain = loop.train(small("bc"), rows, keys, **options)
    calls = []
    state, ev = loop.train(
        small("bc"), rows, keys, evaluate_first=True,
        on_eval=lambda s, e: calls.append((int(s.updates), s)), **options
    )  # fmt: skip
    jax.tree.map(np.testing.assert_array_equal, state, plain_state)
    assert ev.updates.tolist() == [0, 2, 4] and ev.metric_updates.tolist() == [2, 4]
    np.testing.assert_array_equal(ev.returns[:, 1:], plain.returns)
    assert [updates for updates, _ in calls] == [0, 2, 4]
    untrained = jax.vmap(small("bc").init, in_axes=(0, 0))(
        jax.vmap(lambda k: ops.fold_in_name(k, "init"))(keys), rows
    )
    chex.assert_trees_all_close(calls[0][1].algo, untrained, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seeds_by", ["threads", "vmap"])
def test_parts_of_a_chunk_equal_the_whole(demos, env, keys, small, seeds_by, monkeypatch):
    rows = data.subset(demos, 3, [0, 1, 2])
    options: Any = {"env": env, "num_updates": 12, "num_evals": 2, "eval_episodes": 4}
    whole, one = loop.train(small("dagger"), rows, keys, seeds_by=seeds_by, **options)
    monkeypatch.setattr(parts, "PART_STEPS", 1)
    shares: list[float] = []
    divided, ev = loop.train(
        small("dagger"), rows, keys, seeds_by=seeds_by, on_part=shares.append, **options
    )
    jax.tree.map(np.testing.assert_array_equal, divided, whole)
    np.testing.assert_array_equal(ev.returns, one.returns)
    assert one.metric_updates.tolist() == [6, 12]
    assert ev.metric_updates.tolist() == [2, 4, 6, 8, 10, 12]
    for name, values in ev.metrics.items():
        means = values.reshape(3, 2, 3).mean(-1)
        np.testing.assert_allclose(means, one.metrics[name], rtol=1e-5, atol=1e-6)
    calls = 2 * 3 * (3 if seeds_by == "threads" else 1)
    assert sum(shares) == pytest.approx(2) and len(shares) == calls


@pytest.mark.parametrize(
    ("steps", "updates", "count"),
    [(10, 100, 1), (3_000, 100, 1), (5_000, 100, 2), (7_900, 9, 3), (10**6, 100, 5), (10**6, 7, 1)],
)
def test_parts_divide_the_updates_and_are_few_and_long(steps, updates, count):
    assert parts.part_count(Cost(grad_steps=steps), updates) == count
    assert parts.part_count(Cost(env_steps=steps), updates) == count


@pytest.mark.slow
def test_shared_demonstrations_equal_copies_for_each_seed(demos, env, keys, small):
    shared = data.subset(demos, 3, [0], same=True)
    copies = jax.tree.map(lambda x: jnp.stack([x] * 3), shared)
    options = {"env": env, "num_updates": 2, "num_evals": 1, "eval_episodes": 2}
    a, _ = loop.train(small("bc"), shared, keys, **options)
    b, _ = loop.train(small("bc"), copies, keys, **options)
    # The normaliser of one set and of three copies side by side round differently.
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5), a, b)


def test_number_of_updates_must_be_a_multiple_of_the_evaluations(demos, env, keys, small):
    rows = data.subset(demos, 2, [0, 1, 2])
    for updates, evals in ((5, 2), (0, 1), (2, 0)):
        with pytest.raises(UserError, match=f"num_updates={updates} must be a positive multiple"):
            loop.train(
                small("bc"), rows, keys, env=env, num_updates=updates, num_evals=evals,
                eval_episodes=1,
            )  # fmt: skip


def test_x64_is_refused(demos, env, keys, small):
    rows = data.subset(demos, 2, [0, 1, 2])
    jax.config.update("jax_enable_x64", True)
    try:
        with pytest.raises(UserError, match="jax_enable_x64 is True: .* unset JAX_ENABLE_X64"):
            loop.train(
                small("bc"), rows, keys, env=env, num_updates=1, num_evals=1, eval_episodes=1
            )
    finally:
        jax.config.update("jax_enable_x64", False)


@pytest.mark.parametrize("name", ["intended_action", "pose"])
def test_demonstrations_with_nan_are_refused(demos, env, keys, small, name):
    rows = data.subset(demos, 2, [0, 1, 2])
    bad = rows.replace(**{name: jnp.asarray(getattr(rows, name)).at[1, 3, 0].set(jnp.nan)})
    with pytest.raises(UserError, match="non-finite observation, intended action or pose"):
        loop.train(small("bc"), bad, keys, env=env, num_updates=1, num_evals=1, eval_episodes=1)


def test_checkpoints_restore_exactly_and_survive_damage(demos, env, keys, small, tmp_path):
    rows = data.subset(demos, 3, [0, 1, 2])
    algo = small("dagger")
    saved = []

    def on_eval(state, ev):
        checkpoints.save(state, ev)
        saved.append((state, ev))

    checkpoints = checkpoint.Checkpoints(tmp_path)
    options = {"env": env, "num_updates": 3, "num_evals": 3, "eval_episodes": 2}
    straight, _ = loop.train(algo, rows, keys, on_eval=on_eval, **options)
    checkpoints.close()
    assert sorted(int(p.name) for p in tmp_path.iterdir() if p.name.isdigit()) == [2, 3]

    like = loop.abstract_state(algo, rows, keys)
    restored = checkpoint.Checkpoints(tmp_path).restore(like)
    assert restored is not None
    jax.tree.map(np.testing.assert_array_equal, restored[0], saved[-1][0])
    jax.tree.map(np.testing.assert_array_equal, restored[1]._asdict(), saved[-1][1]._asdict())
    assert restored[1].success_any.dtype == saved[-1][1].success_any.dtype

    # Damage the newest: the one before it is used, and training from there ends in the same state.
    for file in (tmp_path / "3").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    older = checkpoint.Checkpoints(tmp_path).restore(like)
    assert older is not None and int(older[0].updates) == 2
    resumed, _ = loop.train(algo, rows, keys, resume=older, **options)
    jax.tree.map(np.testing.assert_array_equal, straight, resumed)


def test_empty_folder_restores_nothing(demos, keys, small, tmp_path):
    like = loop.abstract_state(small("bc"), data.subset(demos, 3, [0, 1, 2]), keys)
    assert checkpoint.Checkpoints(tmp_path / "empty").restore(like) is None


def test_evaluations_gain_a_column_with_hand_worked_means():
    first, second = (
        evaluation.append_evaluation(
            evals, jnp.int32(updates), jnp.array([False, True]),
            {
                "return": jnp.array([[1.0, 3.0], [5.0, 5.0]]),
                "success_any": jnp.array([[True, False], [True, True]]),
                "success_final": jnp.zeros((2, 2), bool),
                "value": jnp.array([[0.0, 1.0], [2.0, 2.0]]),
            },
            {"train": 1.0},
            {"loss": jnp.array([[1.0, 3.0], [2.0, 4.0]])},
        )
        for evals, updates in ((None, 2), (_one_evaluation(), 4))
    )  # fmt: skip
    assert first.updates.tolist() == [2] and second.updates.tolist() == [3, 4]
    np.testing.assert_array_equal(first.returns, [[2.0], [5.0]])
    np.testing.assert_array_equal(second.returns, [[9.0, 2.0], [9.0, 5.0]])
    np.testing.assert_array_equal(first.success_any, [[0.5], [0.0]])  # a diverged seed failed
    np.testing.assert_array_equal(second.metrics["loss"], [[7.0, 1.0, 3.0], [7.0, 2.0, 4.0]])
    assert first.metric_updates.tolist() == [1, 2] and second.metric_updates.tolist() == [3, 3, 4]
    np.testing.assert_array_equal(first.estimates["value"], [[0.5], [2.0]])


def _one_evaluation() -> loop.Eval:
    column = np.full((2, 1), 9.0)
    return loop.Eval(
        updates=np.array([3]),
        success_any=column,
        success_final=column,
        returns=column,
        estimates={"value": np.zeros((2, 1))},
        metric_updates=np.array([3]),
        metrics={"loss": np.full((2, 1), 7.0)},
        episodes={},
        diverged=np.zeros(2, bool),
        seconds={},
    )


def test_threads_stack_the_results_of_the_seeds():
    run = program.in_threads(lambda x, shared: {"sum": x + shared}, (0, None))
    result = run(jnp.array([1.0, 2.0, 3.0]), jnp.float32(10.0))
    np.testing.assert_array_equal(result["sum"], [11.0, 12.0, 13.0])
