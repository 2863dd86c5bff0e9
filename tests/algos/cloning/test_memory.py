"""Policies with a memory: their actor against plain Python loops, what they learn, bad input."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc, dagger, dart
from imitbench.algos.cloning.memory import actor as memory_actor
from imitbench.algos.cloning.memory import windows
from imitbench.algos.cloning.memory.config import Config
from imitbench.algos.cloning.memory.windows import Pairs
from imitbench.algos.model_based import vins
from imitbench.core import heads
from imitbench.core.streamed import HostArray, StreamedRows
from imitbench.core.types import Actor, EnvState, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec([("x", 2)], 1, 50)


def plan(config: Config) -> memory_actor.Plan:
    """Step k of a plan is 1000 k plus the sum of all that the policy sees."""

    def actions(key: Any, obs: jax.Array, previous: jax.Array) -> jax.Array:
        seen = obs.sum((1, 2)) + (previous.sum((1, 2)) / 1e6 if config.past_actions else 0.0)
        return seen[:, None, None] + 1000.0 * jnp.arange(config.chunk)[None, :, None]

    return actions


def states(obs: jax.Array) -> EnvState:
    zeros = jnp.zeros(obs.shape[0])
    return EnvState((), obs, zeros, zeros)


def acts(actor: Actor, obs: np.ndarray) -> np.ndarray:
    """The actions [T, B] of an actor at observations [T, B, O]."""
    memory, found = actor.start(KEY, states(jnp.asarray(obs[0]))), []
    for x in obs:
        action, memory = jax.jit(actor.act)(KEY, memory, states(jnp.asarray(x)))
        found.append(np.asarray(action[:, 0]))
    return np.stack(found)


OBS = np.random.default_rng(0).integers(0, 9, (7, 3, 2)).astype(np.float32)


def frames(t: int, history: int) -> np.ndarray:
    """The sums [B] of the observations that a policy sees at step t."""
    return np.sum([OBS[max(t - j, 0)].sum(-1) for j in range(history)], axis=0)


def test_chunks_equal_a_plain_loop():
    config = Config(history=3, chunk=4, execute=3)
    expected = [frames(t - t % 3, 3) + 1000 * (t % 3) for t in range(7)]
    found = acts(memory_actor.actor(config, SPEC, plan(config)), OBS)
    np.testing.assert_allclose(found, expected)


def test_averaged_predictions_equal_a_plain_loop():
    config = Config(history=2, chunk=3, ensemble=0.5)
    expected = []
    for t in range(7):
        made = range(max(t - 2, 0), t + 1)  # the oldest prediction first
        weights = np.array([np.exp(-0.5 * i) for i in range(len(made))])
        values = np.stack([frames(s, 2) + 1000 * (t - s) for s in made])
        expected.append(weights @ values / weights.sum())
    found = acts(memory_actor.actor(config, SPEC, plan(config)), OBS)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_past_actions_equal_a_plain_loop():
    config = Config(history=2, past_actions=True)
    done: list[np.ndarray] = []
    for t in range(7):
        before = sum([done[t - 1 - j] for j in range(2) if t - 1 - j >= 0], np.zeros(3))
        done.append(frames(t, 2) + before / 1e6)
    found = acts(memory_actor.actor(config, SPEC, plan(config)), OBS)
    np.testing.assert_allclose(found, done, rtol=1e-6)


def test_the_plan_leaves_out_the_past():
    config = Config(chunk=2, past_targets=1)
    spec = make_spec([("x", 1)], 2, 50)
    predicted = jnp.arange(12.0).reshape(2, 6)
    found = memory_actor.planned(config, spec, predicted)
    np.testing.assert_array_equal(found[0], [[2, 3], [4, 5]])


def delayed(kind: str) -> Transition:
    """Episodes whose action is the first observed number one step before, or the action before."""
    rng = np.random.default_rng(1)
    rows, length = 400, 20
    obs = rng.uniform(-1, 1, (rows, 2)).astype(np.float32)
    start = np.arange(rows) % length == 0
    if kind == "observation":
        action = np.where(start, obs[:, 0], np.roll(obs[:, 0], 1))[:, None]
    else:
        signs = rng.choice([-0.7, 0.7], rows // length)
        obs[start, 0], action = signs, np.repeat(signs, length)[:, None]
        obs[~start, 0] = 0
    flag, weight = jnp.zeros(rows, bool), jnp.ones(rows)
    last = jnp.asarray(np.arange(rows) % length == length - 1)
    x, a = jnp.asarray(obs), jnp.asarray(action)
    return Transition(x, a, a, jnp.zeros(rows), x, flag, last, flag, weight)


def final_loss(memory: Config, demos: Transition, **settings: Any) -> float:
    fields = {"hidden": (64,), "steps": 500, "lr": 3e-3, "validation": 0.0} | settings
    algo = bc.make(bc.Config(memory=memory, **fields), SPEC)
    state = algo.init(KEY, demos)
    for _ in range(3):
        state, metrics = jax.jit(algo.update)(KEY, state, demos)
    return float(metrics["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["stack", "gru", "transformer"])
def test_every_encoder_sees_the_past(encoder):
    """The present shows nothing of the action: its variance of a third is left (less the share of
    first steps). Two observations show all of it."""
    demos = delayed("observation")
    memory = Config(history=2, encoder=encoder, width=32, layers=1, heads=2)
    assert final_loss(memory, demos) < 0.02
    assert final_loss(Config(), demos) > 0.15


def test_differences_are_seen_and_standardised_on_their_own():
    """Two episodes, whose last and first observations are far apart."""
    obs = jnp.array([[0.0, 3], [0.25, 3], [0.75, 3], [9, 3], [9.5, 3]])
    last = jnp.array([False, False, True, False, True])
    flag, action = jnp.zeros(5, bool), jnp.zeros((5, 1))
    rows = Transition(obs, action, action, jnp.zeros(5), obs, flag, last, flag, jnp.ones(5))
    config = bc.Config(memory=Config(history=3, differences=True), validation=0.0)
    learner = bc.supervised_learner(config, SPEC, remembers=True)
    assert learner.view.size == 4
    pairs = Pairs(obs, action, jnp.ones(5), windows.steps_of_episodes(rows))
    norm = learner.view.fit_normaliser(pairs)
    changes = np.array([0, 0.25, 0.5, 0, 0.5])  # of the first component; none of the second
    np.testing.assert_allclose(norm.mean, [*obs.mean(0), changes.mean(), 0], rtol=1e-6)
    spread = np.array([np.std(obs[:, 0]), 0.01, changes.std(), 0.001])
    np.testing.assert_allclose(norm.std, spread, rtol=1e-6)
    tokens = learner.view.tokens(norm, obs[None, :3], jnp.zeros((1, 3, 1)))[0]
    seen = (np.array(changes[:3]) - changes.mean()) / changes.std()
    np.testing.assert_allclose(tokens[:, 2], seen, rtol=1e-5)
    np.testing.assert_allclose(tokens[:, 3], 0)
    np.testing.assert_allclose(tokens[:, 0], (obs[:3, 0] - norm.mean[0]) / norm.std[0], rtol=1e-5)


@pytest.mark.slow
def test_small_differences_are_learned_faster_where_they_are_seen():
    """The action is the sign of a slow and noiseless drift of what is observed."""
    rng = np.random.default_rng(0)
    speed = np.repeat(rng.choice([-1.0, 1.0], 40), 10)
    obs = np.stack([rng.uniform(-1, 1, 40).repeat(10), np.zeros(400)], -1)
    obs[:, 0] += 0.002 * speed * np.tile(np.arange(10), 40)
    last = jnp.asarray(np.arange(400) % 10 == 9)
    flag, x, a = jnp.zeros(400, bool), jnp.asarray(obs, jnp.float32), jnp.asarray(speed)[:, None]
    a = a.astype(jnp.float32)
    rows = Transition(x, a, a, jnp.zeros(400), x, flag, last, flag, jnp.ones(400))
    seen = final_loss(Config(history=2, differences=True), rows)
    assert seen < 0.15 < 0.5 < final_loss(Config(history=2), rows)


def test_the_action_before_is_seen():
    """The first observation tells the action; later ones nothing, but the action before does."""
    demos = delayed("action")
    assert final_loss(Config(past_actions=True), demos) < 0.01
    assert final_loss(Config(), demos) > 0.3


def test_a_hidden_past_teaches_to_act_without_it():
    demos = delayed("action")
    shown = final_loss(Config(past_actions=True, dropout=1.0), demos)
    assert shown == pytest.approx(final_loss(Config(), demos), abs=0.03)


@pytest.mark.slow
def test_heads_learn_chunks(demos, env):
    rows = data.subset(demos, 8, [0], same=True)
    for kind in ("kmeans", "ddim", "autoregressive"):
        head = heads.Config(kind, noise_steps=4, sample_steps=2)
        config = bc.Config(
            head=head, memory=Config(history=2, chunk=4, execute=2), hidden=(32,), validation=0.0
        )
        algo = bc.make(config, env.spec)
        state = jax.jit(algo.init)(KEY, rows)
        state, first = jax.jit(algo.update)(KEY, state, rows)
        for _ in range(5):
            state, last = jax.jit(algo.update)(KEY, state, rows)
        assert last["loss"] < first["loss"]
        assert algo.network_calls == {"kmeans": 0.5, "ddim": 1.0, "autoregressive": 4.0}[kind]


@pytest.mark.parametrize(
    "settings",
    [
        {"chunk": 0},
        {"history": 0},
        {"chunk": 2, "execute": 3},
        {"ensemble": 0.1},
        {"chunk": 4, "execute": 2, "ensemble": 0.1},
        {"dropout": 0.5},
        {"history": 2, "dropout": 1.5},
        {"encoder": "gru"},
        {"differences": True},
        {"history": 2, "width": 10, "heads": 4},
        {"past_targets": -1},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(UserError):
        Config(**settings)


def test_a_memory_that_does_not_fit_is_named(demos, env):
    def clone(**settings: Any) -> bc.Config:
        return bc.Config(memory=Config(**settings), validation=0.0)

    expert, horizon = experts.load("PointMass"), env.spec.horizon
    with pytest.raises(UserError, match=rf"memory.chunk={horizon + 1}: expected at most {horizon}"):
        bc.make(clone(chunk=horizon + 1), env.spec)
    rows = data.subset(demos, 8, [0], same=True)
    assert rows.sizes is not None
    short = rows.replace(sizes=rows.sizes._replace(longest=5))
    with pytest.raises(UserError, match="at most 5, the steps of the longest demonstration"):
        bc.make(clone(history=6), env.spec).init(KEY, short)
    choices = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="memory.chunk=2.*because the task has discrete actions"):
        bc.make(clone(chunk=2), choices.spec)
    on_disk: Any = StreamedRows(jnp.arange(4), HostArray(np.zeros((4, 2), np.float32)))
    learner = bc.supervised_learner(clone(chunk=2), env.spec, remembers=True)
    with pytest.raises(UserError, match="memory: windows of data that stay in files"):
        learner.init(KEY, bc.Pairs(jnp.zeros((4, 6)), on_disk, jnp.ones(4)))
    with pytest.raises(UserError, match="beta=linear: expected zero beside clone.memory.past_act"):
        config = dagger.Config(clone=clone(past_actions=True), beta="linear")
        dagger.make(config, env.spec, env, expert)
    with pytest.raises(UserError, match="this method's policy cannot remember"):
        dart.make(dart.Config(clone=clone(chunk=2)), env.spec, env, expert)
    with pytest.raises(UserError, match="this method's policy cannot remember"):
        vins.make(vins.Config(clone=clone(history=2)), env.spec)
