"""PPO: advantages and loss against hand-worked numbers, scales against numpy, and the probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.rl import ppo
from imitbench.core import buffer, distributions, gae, nets, ops, policy_nets
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

QUICK: dict[str, Any] = {
    "envs": 16, "length": 8, "epochs": 4, "minibatches": 2, "hidden": (16,), "lr": 3e-3,
    "normalise_obs": False, "normalise_reward": False,
}  # fmt: skip


def column(*x: float) -> jax.Array:
    return jnp.array(x)[:, None]


def estimate(ends: dict[str, int], next_value: Sequence[float], discount=0.5, lam=0.5):
    """Advantages of four steps with reward 1 and values 1, 2, 0, 1."""
    flags = {k: jnp.arange(4)[:, None] == ends.get(k, -1) for k in ("terminated", "truncated")}
    value, after = column(1.0, 2.0, 0.0, 1.0), column(*next_value)
    adv = gae.advantages(
        jnp.ones((4, 1)), value, after, flags["terminated"], flags["truncated"], discount, lam
    )
    return adv[:, 0].tolist()


def test_advantages_by_hand():
    # delta = 1, -1, 1.5, 1.5; a quarter of what comes after is added.
    plain = [2, 0, 1, 3]
    assert estimate({}, plain) == [0.8671875, -0.53125, 1.875, 1.5]
    assert estimate({}, plain, lam=0.0) == [1, -1, 1.5, 1.5]
    # lambda 1: the discounted return, 1 + 1/2 (1 + 1/2 (1 + 1/2 (1 + 3/2))) and so on, less V.
    assert estimate({}, plain, lam=1.0) == [1.0625, 0.125, 2.25, 1.5]
    # Undiscounted to the end: the number of steps left, less V.
    assert estimate({"terminated": 3}, plain, 1.0, 1.0) == [3, 1, 2, 0]


def test_advantages_at_ends_by_hand():
    # The step that ends leads to a state of value 8, and another episode follows.
    values = [2, 8, 1, 3]
    assert estimate({"terminated": 1}, values) == [0.75, -1, 1.875, 1.5]
    assert estimate({"truncated": 1}, values) == [1.75, 3, 1.875, 1.5]
    assert estimate({"truncated": 1}, values, lam=0.0) == [1, 3, 1.5, 1.5]
    assert estimate({"truncated": 1}, values, lam=1.0) == [2.5, 3, 2.25, 1.5]


def handmade(key: jax.Array, shape=(6, 2), size=3, *, discrete=False) -> Transition:
    k = jax.random.split(key, 5)
    obs = 3 + 2 * jax.random.normal(k[0], (*shape, size))
    label = 2 * jax.random.normal(k[1], (*shape, 2))
    if discrete:
        label = jax.random.randint(k[1], shape, 0, 2)
    ends = jax.random.uniform(k[3], shape)
    no = jnp.zeros(shape, bool)
    return Transition(
        obs, label, label, 5 * jax.random.normal(k[2], shape) + 1, obs + 1,
        ends < 0.2, (ends > 0.8), no, jnp.ones(shape),
    )  # fmt: skip


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch):
    """What `learn` hands to `advantages` and `descend`, in order."""
    seen: dict[str, list[Any]] = {"advantages": [], "gradient_step": []}

    def spy(module: Any, name: str) -> None:
        real = getattr(module, name)

        def called(*args):
            seen[name].append(args)
            return real(*args)

        monkeypatch.setattr(module, name, called)

    spy(gae, "advantages")
    spy(ops, "gradient_step")
    return seen


def learner(spec, **settings: Any):
    chosen: dict[str, Any] = {"envs": 2, "length": 6, "epochs": 1}
    config = ppo.Config(**(QUICK | chosen | settings))
    return ppo.learner(config, spec)


def test_the_objective_is_clipped_where_it_must_be(spied):
    algo = learner(make_spec([("x", 3)], 2, 5, discrete=True), value=0.25, entropy=0.1)
    core = algo.init(jax.random.key(0))
    jax.eval_shape(algo.learn, jax.random.key(0), core, handmade(jax.random.key(1), discrete=True))
    loss = spied["gradient_step"][0][0]
    policy = policy_nets.policy(
        make_spec([("x", 3)], 2, 5), (16,), "categorical", activation="tanh", out_gain=0.01
    )
    obs, action = jax.random.normal(jax.random.key(2), (2, 3)), jnp.array([0, 1])
    dist = policy.apply(core.params["policy"], obs)
    assert isinstance(dist, distributions.Categorical)

    def rows(ratio: list[float], adv: list[float]) -> dict[str, jax.Array]:
        old = dist.log_prob(action) - jnp.log(jnp.array(ratio))
        keys = {"obs": obs, "action": action, "log_prob": old, "advantage": jnp.array(adv)}
        return keys | {"return": jnp.array([5.0, -5.0])}

    def part(ratio, adv, name):
        """Value and policy gradient of one part of the loss; its metric has the same sign."""
        f = lambda p: loss(p, rows(ratio, adv))[1][name]  # noqa: E731
        value, grad = jax.value_and_grad(f)(core.params)
        return float(value), max(float(jnp.abs(g).max()) for g in jax.tree.leaves(grad["policy"]))

    unit = 0.5**0.5  # +-3 and +-1 alike, standardised with one degree of freedom less
    value, grad = part([1.5, 0.5], [3.0, -3.0], "policy_loss")
    assert value == pytest.approx(-unit * (1.2 - 0.8) / 2, rel=1e-4) and grad == 0
    value, grad = part([1.5, 0.5], [-1.0, 1.0], "policy_loss")
    assert value == pytest.approx(-unit * (0.5 - 1.5) / 2, rel=1e-4) and grad > 1e-3
    value, grad = part([1.1, 0.9], [1.0, -1.0], "policy_loss")
    assert value == pytest.approx(-unit * (1.1 - 0.9) / 2, rel=1e-4) and grad > 1e-3
    total, metrics = loss(core.params, rows([1.5, 0.5], [1.0, -1.0]))
    parts = metrics["policy_loss"] + 0.25 * metrics["value_loss"] - 0.1 * metrics["entropy"]
    assert float(total) == pytest.approx(float(parts), rel=1e-5)
    assert float(metrics["entropy"]) == pytest.approx(np.log(2), rel=1e-3)
    kl = np.mean([1.5 - 1 - np.log(1.5), 0.5 - 1 - np.log(0.5)])
    assert float(metrics["kl"]) == pytest.approx(kl, rel=1e-4)


def test_rewards_and_observations_are_scaled_as_by_a_loop(spied):
    spec = make_spec([("x", 3)], 2, 5)
    algo = learner(spec, discount=0.9, normalise_reward=True, normalise_obs=True)
    critic = nets.value(spec, (16,), "tanh")
    core = algo.init(jax.random.key(0))
    running, returns, obs = np.zeros(2), [], np.zeros((0, 3))
    for i in range(3):
        steps = handmade(jax.random.key(i))
        if i == 2:  # one that must be clipped
            steps = steps.replace(reward=steps.reward.at[0, 0].set(900.0))
        before, (core, _) = core, algo.learn(jax.random.key(9), core, steps)
        ended = np.asarray(steps.terminated | steps.truncated)
        for t, reward in enumerate(np.asarray(steps.reward, np.float64)):
            running = 0.9 * running + reward
            returns.extend(running.tolist())
            running = np.where(ended[t], 0.0, running)
        reward, value, next_value = spied["advantages"][i][:3]
        scaled = np.clip(np.asarray(steps.reward) / np.std(returns), -10, 10)
        np.testing.assert_allclose(reward, scaled, rtol=1e-4)
        # Learned from as it was seen: with the moments of the rounds before alone.
        mean, std = (obs.mean(0), obs.std(0)) if len(obs) else (0.0, 1.0)
        for seen, values in ((steps.obs, value), (steps.next_obs, next_value)):
            again = critic.apply(before.params["value"], (seen - mean) / std)
            np.testing.assert_allclose(values, again, atol=1e-4)
        obs = np.concatenate([obs, np.asarray(steps.obs).reshape(-1, 3)])
        np.testing.assert_allclose(core.obs_moments.mean, obs.mean(0), rtol=1e-5)
    np.testing.assert_allclose(core.returns, running, rtol=1e-4)


@pytest.mark.slow
def test_advantages_are_computed_anew_before_each_pass_if_asked(spied):
    """The second pass has the returns by the value after the first one, and old probabilities."""
    spec = make_spec([("x", 3)], 2, 5)
    once = {"epochs": 2, "minibatches": 1, "standardise_advantages": False}
    for recompute in (False, True):
        spied["gradient_step"].clear()
        algo = learner(spec, recompute_advantages=recompute, **once)
        assert algo.grad_steps == 2
        core, steps = algo.init(jax.random.key(0)), handmade(jax.random.key(1))
        with jax.disable_jit():
            algo.learn(jax.random.key(0), core, steps)
        first, second = (args[4] for args in spied["gradient_step"])
        order = [np.argsort(np.asarray(rows["obs"])[:, 0]) for rows in (first, second)]
        old, new = (
            {k: np.asarray(rows[k])[i] for k in ("log_prob", "advantage", "return")}
            for rows, i in zip((first, second), order, strict=True)
        )
        np.testing.assert_allclose(new["log_prob"], old["log_prob"], rtol=1e-5)
        assert np.allclose(new["advantage"], old["advantage"]) == (not recompute)
        assert np.allclose(new["return"], old["return"]) == (not recompute)


def test_advantages_are_standardised_unless_told_otherwise(spied):
    algo = learner(make_spec([("x", 3)], 2, 5), standardise_advantages=False, value=0.0)
    core, steps = algo.init(jax.random.key(0)), handmade(jax.random.key(1))
    jax.eval_shape(algo.learn, jax.random.key(0), core, steps)
    loss = spied["gradient_step"][0][0]
    rows = {"obs": jnp.zeros((2, 3)), "action": jnp.zeros((2, 2)), "return": jnp.zeros(2)}
    policy = policy_nets.policy(
        make_spec([("x", 3)], 2, 5), (16,), "normal", activation="tanh", out_gain=0.01
    )
    dist = policy.apply(core.params["policy"], rows["obs"])
    assert isinstance(dist, distributions.Gaussian)
    rows |= {"log_prob": dist.log_prob(rows["action"]), "advantage": jnp.array([3.0, 2.0])}
    assert float(loss(core.params, rows)[1]["policy_loss"]) == pytest.approx(-2.5, rel=1e-5)


def test_the_step_size_falls_to_zero():
    algo = learner(make_spec([("x", 3)], 2, 5), lr_decay_updates=2)
    core, learn = algo.init(jax.random.key(0)), jax.jit(algo.learn)
    moved = []
    for i in range(3):
        new, _ = learn(jax.random.key(i), core, handmade(jax.random.key(i)))
        gap = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), new.params, core.params)
        moved.append(max(jax.tree.leaves(gap)))
        core = new
    assert moved[0] > moved[1] > 0 and moved[2] == 0


def trained(task: str, updates: int, **settings: Any):
    env = envs.make(task)
    config = ppo.Config(**(QUICK | settings))
    algo = ppo.make(config, env.spec, env)
    empty = buffer.no_rows(env.spec)

    def run(key):
        step = lambda state, k: (algo.update(k, state, empty)[0], None)  # noqa: E731
        return jax.lax.scan(step, algo.init(key, empty), jax.random.split(key, updates))[0]

    state = jax.jit(run)(jax.random.key(0))
    critic = nets.value(env.spec, config.hidden, "tanh")
    value = lambda obs: critic.apply(state.core.params["value"], jnp.array(obs))  # noqa: E731
    return value, lambda obs: algo.act(jax.random.key(0), state, jnp.array(obs))


@pytest.mark.parametrize(
    ("task", "obs", "expected"),
    [
        pytest.param("ProbeConstant", [[0.0]], [1.0], marks=pytest.mark.slow),
        pytest.param("ProbeObservation", [[-1.0], [1.0]], [-1.0, 1.0], marks=pytest.mark.slow),
        ("ProbeDiscount", [[0.0], [1.0]], [0.8, 1.0]),
        ("ProbeTimeLimit", [[0.0]], [5.0]),  # as if for ever; with the end as an end, below 3.2
    ],
)
def test_values_on_probes(task, obs, expected):
    value, _ = trained(task, 150, discount=0.8, epochs=8)
    np.testing.assert_allclose(value(obs), expected, atol=0.08)


@pytest.mark.parametrize(
    ("task", "obs", "best"),
    [
        pytest.param("ProbeAction", [[0.0]], [1], marks=pytest.mark.slow),
        ("ProbePolicy", [[-1.0], [1.0]], [0, 1]),
    ],
)
def test_best_choices_on_probes(task, obs, best):
    value, act = trained(task, 60)
    np.testing.assert_array_equal(act(obs), best)
    assert (value(obs) > 0.7).all(), "the policy that collected chose well, too"


@pytest.mark.slow
def test_best_actions_on_a_continuous_probe():
    _, act = trained("ProbeTarget", 250, normalise_obs=True, normalise_reward=True, length=16)
    obs = [[0.5, -0.5], [-0.6, 0.2], [0.0, 0.7]]
    np.testing.assert_allclose(act(obs), obs, atol=0.15)
    assert np.abs(act([[9.0, -9.0]])).max() <= 1


def test_bad_settings():
    cases: list[dict[str, Any]] = [
        {"envs": 0}, {"length": 0}, {"epochs": 0}, {"minibatches": 0}, {"lr": 0.0}, {"clip": -0.1},
        {"max_grad_norm": 0}, {"discount": 1.5}, {"discount": -0.1}, {"gae": 2.0},
        {"lr_decay_updates": -1},
    ]  # fmt: skip
    for bad in cases:
        name, value = next(iter(bad.items()))
        with pytest.raises(UserError, match=f"^{name}={value}: expected [^\n]*$"):
            ppo.Config(**bad)
    for parts in (5, 16):  # a part of one row has no spread to standardise advantages by
        with pytest.raises(UserError, match=f"^minibatches={parts}: must divide .* = 16 into"):
            ppo.Config(envs=2, length=8, minibatches=parts)


def test_settings_can_be_traced():
    spec = make_spec([("x", 3)], 2, 5)

    def init(lr, discount, clip):
        return learner(spec, lr=lr, discount=discount, clip=clip).init(jax.random.key(0))

    jax.eval_shape(init, 1e-3, 0.9, 0.2)


def test_init_holds_no_lapack_call():
    """Two of jaxlib's batched factorisations at a time hang on two CPUs."""
    env = envs.make("PointMass")
    algo = ppo.make(ppo.Config(), env.spec, env)
    init = jax.jit(jax.vmap(algo.init, in_axes=(0, None)))
    text = init.lower(jax.random.split(jax.random.key(0), 2), buffer.no_rows(env.spec)).as_text()
    assert "lapack" not in text
