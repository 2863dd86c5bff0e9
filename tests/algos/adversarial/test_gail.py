"""The discriminator by hand and at its optimum, its rewards, and what GAIL makes of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.adversarial import airl, discriminator, gail, gail_loop
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig, Pairs
from imitbench.algos.rl import ppo
from imitbench.core import buffer, nets, policy_nets
from imitbench.envs.base import make_spec
from imitbench.training import loop
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def judge_of(rule: DiscriminatorConfig, spec: Any) -> discriminator.Discriminator:
    """Of pairs."""
    sight = gail_loop.obs_action_input(rule, spec)
    return discriminator.discriminator(rule, sight.net, sight.encode)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_rewards_and_their_signs():
    """D is the probability that a step is the expert's: all rewards grow with it."""
    logit = jnp.array([-3.0, 0.0, 2.0])
    d = sigmoid(np.asarray(logit, np.float64))
    close: Any = {"rtol": 1e-5}
    made = {
        k: discriminator.rewards(DiscriminatorConfig(reward=k), logit)
        for k in ("positive", "negative", "logit")
    }
    np.testing.assert_allclose(made["positive"], -np.log(1 - d), **close)
    np.testing.assert_allclose(made["negative"], np.log(d), **close)
    np.testing.assert_allclose(made["logit"], np.log(d) - np.log(1 - d), rtol=1e-5, atol=1e-7)
    assert (made["positive"] > 0).all() and (made["negative"] < 0).all()


def test_the_loss_by_hand():
    """f = 2 x + 3 a - 1: the gradient's norm is the root of 13 everywhere."""
    w = jnp.array([2.0, 3.0])
    both = jnp.array([[[1.0, 0.5], [0.0, 0.0]], [[-1.0, 0.2], [0.5, -0.5]]])
    f = np.array([[2.5, -1.0], [-2.4, -1.5]])
    rule = DiscriminatorConfig(penalty=10.0, entropy=0.5)
    share = jnp.array([[0.3], [0.9]])
    total, metrics = discriminator.loss(rule, lambda x: x @ w - 1.0, share, both)
    d = sigmoid(f)
    fit = -np.mean(np.log(d[0])) - np.mean(np.log(1 - d[1]))
    entropy = -np.mean(d * np.log(d) + (1 - d) * np.log(1 - d))
    penalty = (13**0.5 - 1) ** 2
    assert float(metrics["discriminator_loss"]) == pytest.approx(fit, rel=1e-5)
    assert float(metrics["penalty"]) == pytest.approx(penalty, rel=1e-5)
    assert float(total) == pytest.approx(fit - 0.5 * entropy + 10 * penalty, rel=1e-5)
    assert (float(metrics["expert_told"]), float(metrics["policy_told"])) == (0.5, 1.0)


def test_the_penalty_looks_between_the_two():
    """f = x^2 has the slope 2 x: at share 0.25 between 4 and 0 it is 2, and the penalty 1."""
    both = jnp.array([[[4.0]], [[0.0]]])
    rule = DiscriminatorConfig(penalty=1.0, entropy=0.0)
    _, metrics = discriminator.loss(rule, lambda x: x[:, 0] ** 2, jnp.array([[0.25]]), both)
    assert float(metrics["penalty"]) == pytest.approx(1.0)
    flat = discriminator.loss(rule, lambda x: 0.0 * x[:, 0], jnp.array([[0.25]]), both)
    slope = jax.grad(lambda c: discriminator.loss(rule, lambda x: c * x[:, 0], share, both)[0])
    share = jnp.array([[0.25]])
    assert float(flat[1]["penalty"]) == pytest.approx(1.0, abs=1e-5) and np.isfinite(slope(0.0))


P, Q = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])


def fitted(expert: np.ndarray, policy: np.ndarray, **settings: Any) -> tuple[np.ndarray, float]:
    """The rewards of three states, visited by the two with these shares, and the last loss."""
    spec = make_spec([("state", 3)], 1, 5)
    rule = DiscriminatorConfig(
        hidden=(), lr=0.02, batch=500, steps=1500, state_only=True, penalty=0.0, entropy=0.0,
        **settings,
    )  # fmt: skip
    classifier = judge_of(rule, spec)

    def rows(share: np.ndarray) -> jax.Array:
        return jnp.asarray(np.repeat(np.eye(3), np.round(1000 * share).astype(int), axis=0), float)

    def draw(share: np.ndarray) -> discriminator.Draw:
        pairs = Pairs(rows(share), jnp.zeros((1000, 1)))
        return lambda key, n: buffer.sample(key, pairs, n)

    fit = jax.jit(lambda key, state: classifier.fit(key, state, draw(expert), draw(policy)))
    state, _ = fit(KEY, classifier.init(KEY, rows(expert), jnp.ones(1000)))
    state, last = fit(jax.random.key(1), state)
    made = classifier.reward(state, Pairs(jnp.eye(3), jnp.zeros((3, 1))))
    return np.asarray(made), float(last["discriminator_loss"])


def test_the_best_discriminator_is_p_over_p_plus_q():
    """Three states, which the expert visits with p and the policy with q. The loss is at its
    optimum log 4 minus twice the Jensen-Shannon divergence; log 4 where p = q."""
    found, value = fitted(P, Q, reward="logit")
    np.testing.assert_allclose(sigmoid(found), P / (P + Q), atol=0.03)
    mixed = (P + Q) / 2
    divergence = 0.5 * np.sum(P * np.log(P / mixed)) + 0.5 * np.sum(Q * np.log(Q / mixed))
    assert value == pytest.approx(np.log(4) - 2 * divergence, abs=0.03)
    assert fitted(P, P)[1] == pytest.approx(np.log(4), abs=0.01)


# Of the expert, of the policy: by definition, and the reward where the estimate is at its best.
DIVERGENCES = {
    "kl": (lambda p, q: np.sum(p * np.log(p / q)), lambda u: u),
    "reverse-kl": (lambda p, q: np.sum(q * np.log(q / p)), lambda u: np.log(u) - 1),
    "js": (
        lambda p, q: np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))),
        lambda u: np.log((1 + u) / 2),
    ),
    "tv": (lambda p, q: 0.5 * np.sum(np.abs(p - q)), None),
}


@pytest.mark.parametrize("name", DIVERGENCES)
def test_divergences_are_estimated(name):
    """The bound's best is the divergence itself, and the reward there is f*(f'(p / q)): for kl the
    ratio itself, and so on; total variation has a corner at 1 and only its ends are known."""
    by_definition, best = DIVERGENCES[name]
    made, loss = fitted(P, Q, divergence=name)
    assert -loss == pytest.approx(by_definition(P, Q), abs=0.05)
    if best is None:
        np.testing.assert_allclose(made[[0, 2]], [0.5, -0.5], atol=0.05)
    else:
        np.testing.assert_allclose(made, best(P / Q), rtol=0.1, atol=0.1)
    assert made[0] > made[1] > made[2]  # what the expert does more often pays more


def test_actions_are_seen_unless_only_states_are(demos):
    spec = envs.make("PointMass").spec
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x[0]), demos.steps)
    for state_only, same in ((False, False), (True, True)):
        classifier = judge_of(DiscriminatorConfig(hidden=(8,), state_only=state_only), spec)
        state = classifier.init(KEY, rows.obs, rows.weight)
        made = [classifier.reward(state, Pairs(rows.obs, a)) for a in (rows.action, -rows.action)]
        assert np.allclose(made[0], made[1]) == same


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that PPO is given."""
    seen: list[Any] = []
    real = ppo.learner

    def learner(config: Any, spec: Any) -> ppo.OnPolicyLearner:
        made = real(config, spec)
        return made._replace(learn=lambda k, c, s: (seen.append(s), made.learn(k, c, s))[1])

    monkeypatch.setattr(ppo, "learner", learner)
    return seen


@pytest.mark.parametrize("changes", [{}, {"imitation": 0.25}, {"constant": True}])
def test_ppo_is_paid_by_the_discriminator(demos, paid, changes):
    env = envs.make("PointMass")
    config = dataclasses.replace(shrink(gail.Config()), **changes)
    algo = gail.make(config, env.spec, env)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    state, metrics = algo.update(KEY, algo.init(KEY, rows), rows)
    (steps,) = paid
    classifier = judge_of(config.discriminator, env.spec)
    made = classifier.reward(state.discriminator, Pairs(steps.obs, steps.action))
    # The task pays 0 or -1 for a step.
    task = (np.asarray(steps.reward) - config.imitation * np.asarray(made)) / 0.75
    if config.constant:
        np.testing.assert_array_equal(steps.reward, 1.0)
    elif config.imitation == 1:
        np.testing.assert_allclose(steps.reward, made, rtol=1e-5)
    else:
        assert np.isclose(task, 0, atol=1e-4).any() or np.isclose(task, -1, atol=1e-4).any()
        assert (np.isclose(task, 0, atol=1e-4) | np.isclose(task, -1, atol=1e-4)).all()
    assert float(metrics["task_reward"]) <= 0


def test_cloning_comes_before_the_first_update(demos):
    env = envs.make("PointMass")
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)

    def error(clone_steps: int) -> float:
        config = dataclasses.replace(shrink(gail.Config()), clone_steps=clone_steps)
        algo = gail.make(config, env.spec, env)
        assert (algo.cost * 1).grad_steps == algo.cost.grad_steps + clone_steps
        state = jax.jit(algo.init)(KEY, rows)
        return float(jnp.mean((algo.act(KEY, state, rows.obs) - rows.intended_action) ** 2))

    assert error(2000) < 0.2 * error(0)


def test_the_spectral_norm_is_the_largest_singular_value():
    net = nets.function(7, (32, 16), 1)
    params: Any = net.init(KEY)
    for kernel in jax.tree.leaves(nets.spectral_norm(params)):
        if kernel.ndim == 2:
            assert np.linalg.norm(kernel, 2) == pytest.approx(1.0, abs=0.05)
    steep = nets.function(7, (32, 16), 1, spectral=True)
    x = jax.random.normal(KEY, (2, 7))
    far = jax.tree.map(lambda w: 100.0 * w if w.ndim == 2 else w, params)
    np.testing.assert_allclose(steep.apply(params, x), steep.apply(far, x), rtol=1e-3, atol=1e-5)
    assert not np.allclose(net.apply(params, x), net.apply(far, x))


def test_signs_that_teach_the_wrong_thing_are_named():
    hopper, never = envs.make("Hopper").spec, envs.make("Hopper-fh").spec
    bad = gail.Config(discriminator=DiscriminatorConfig(reward="negative"))
    (line,) = gail.warnings(bad, hopper)
    assert line.startswith("negative rewards where episodes end with failure")
    assert not gail.warnings(bad, never) and not gail.warnings(gail.Config(), hopper)
    (line,) = airl.warnings(airl.Config(), hopper)
    assert line.startswith("rewards of either sign") and "reward=positive" in line
    seeking = gail.Config(discriminator=DiscriminatorConfig(divergence="reverse-kl"))
    assert "divergence=kl" in gail.warnings(seeking, hopper)[0]
    covering = gail.Config(discriminator=DiscriminatorConfig(divergence="kl"))
    assert not gail.warnings(covering, hopper) and not airl.warnings(airl.Config(), never)
    solved = dataclasses.replace(hopper, ends="success")
    assert "gains by putting success off" in gail.warnings(gail.Config(), solved)[0]
    assert not gail.warnings(dataclasses.replace(bad, constant=True), hopper)
    assert not gail.warnings(dataclasses.replace(bad, imitation=0.0), hopper)


def test_airl_by_hand():
    """g = 2 s, h = 3 s and the policy's log probability taken away; h is 0 after an end."""
    spec = make_spec([("state", 1)], 1, 5)
    rule = dataclasses.replace(airl.Config().discriminator, hidden=(), state_only=True)
    config = airl.Config(discriminator=rule, shaping=())
    sight = airl.shaped_input(config, spec)
    params: Any = sight.net.init(KEY)
    for name, slope in (("g", 2.0), ("h", 3.0)):
        dense = params[name]["params"]["Dense_0"]
        dense["kernel"], dense["bias"] = jnp.array([[slope]]), jnp.zeros(1)
    inputs = jnp.array([[0.5, 0.5, 0.7, 1.0, -0.4], [0.5, 0.5, 0.7, 0.0, -0.4]])
    f = 2 * 0.5 + np.array([config.ppo.discount * 3 * 0.7, 0.0]) - 3 * 0.5 + 0.4
    np.testing.assert_allclose(sight.net.apply(params, inputs)[:, 0], f, rtol=1e-5)


def test_airl_knows_how_likely_its_policy_finds_an_action(demos):
    env = envs.make("PointMass")
    config = shrink(airl.Config())
    sight = airl.shaped_input(config, env.spec)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    core = ppo.learner(config.ppo, env.spec).init(KEY)
    policy = core.params["policy"]
    mean = policy_nets.policy(env.spec, config.ppo.hidden, "normal", activation="tanh")
    shown = sight.rows(core, rows)
    z = (rows.intended_action - mean.apply(policy, jnp.clip(rows.obs, -10, 10)).mode) ** 2
    np.testing.assert_allclose(
        shown.log_prob, np.sum(-0.5 * z - 0.5 * np.log(2 * np.pi), axis=-1), rtol=1e-4
    )


@pytest.mark.slow
def test_gail_hops_after_eleven_thin_trajectories():
    """A random policy gets about 20, the expert 3,562; in five runs of `make bench-gail` with fewer
    trajectories the mean was above 2,000 after 60 updates."""
    env = envs.make("Hopper")
    expert = experts.load("Hopper", kind="learned", spec=env.spec)
    shown = data.collect(env, expert, 11, only_success=False)
    rows = data.subset(shown, 11, [0], stride=20)
    algo = gail.make(gail.Config(), env.spec, env)
    _, ev = loop.train(algo, rows, KEY[None], env=env, num_updates=80, num_evals=4, eval_episodes=5)
    assert ev.returns.max() > 1000


def rule(**settings: Any) -> DiscriminatorConfig:
    return DiscriminatorConfig(**settings)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rule(reward="odd"), "reward=odd: expected one of positive, negative, logit"),
        (lambda: DiscriminatorConfig(penalty=-1), "penalty=-1: expected 0 or more"),
        (lambda: DiscriminatorConfig(steps=0), "steps=0: expected 1 or more"),
        (lambda: rule(divergence="odd"), "divergence=odd: expected nothing or one of kl, rev"),
        (lambda: gail.Config(clone_steps=-1), "clone_steps=-1: expected 0 or more"),
        (
            lambda: airl.Config(discriminator=DiscriminatorConfig()),
            "penalty=10.0: expected 0 in AIRL",
        ),
        (lambda: gail.Config(imitation=1.5), r"imitation=1.5: expected a number in \[0, 1\]"),
    ],
)
def test_mistakes_are_said(make, words):
    with pytest.raises(UserError, match=words):
        make()
