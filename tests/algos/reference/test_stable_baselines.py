"""Updates of PPO, SAC, TD3 and DDPG against Stable-Baselines3's own `train()`.

Both start from the same parameters and see the same steps and the same noise. Needs the extra
`reference`: `make test-reference` installs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.reference_updates import CLOSE, LR, jiggled, mid_run, named, td3_mid_run

from imitbench.algos.common import replay_buffer
from imitbench.algos.rl import ddpg, ppo, sac, td3
from imitbench.core import gae
from imitbench.core.types import Params, Spec, Transition

MISSING = "needs the extra `reference`: run `make test-reference`"
torch: Any = pytest.importorskip("torch", reason=MISSING)
sb3: Any = pytest.importorskip("stable_baselines3", reason=MISSING)

SPEC = Spec(obs_size=5, action_size=2, horizon=1000, fields={})
HIDDEN = (16, 16)
BATCH, STEPS = 32, 4


class Scripted(gymnasium.Env):
    """Random observations; every 7th step terminates, every 5th meets the time limit."""

    def __init__(self, seed: int = 0) -> None:
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (SPEC.obs_size,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (SPEC.action_size,), np.float32)
        # obs, action, reward, next_obs, terminated, truncated
        self.seen: list[tuple[Any, ...]] = []
        self._random = np.random.default_rng(seed)

    def _draw(self) -> np.ndarray:
        self._obs = self._random.normal(size=SPEC.obs_size).astype(np.float32)
        return self._obs

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        return self._draw(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        t = len(self.seen) + 1
        ends = t % 7 == 0, t % 5 == 0
        obs, next_obs = self._obs, self._draw()
        reward = float(next_obs[0] + np.sum(action * obs[:2]))
        self.seen.append((obs, action, reward, next_obs, ends[0], ends[1] and not ends[0]))
        return next_obs, reward, *ends, {}


def critics_named(nets: list[Params]) -> dict[str, np.ndarray]:
    parts = [named([f"qf{i}.{j}" for j in (0, 2, 4)], net) for i, net in enumerate(nets)]
    return {k: v for part in parts for k, v in part.items()}


def copy(ours: dict[str, np.ndarray], module: Any) -> None:
    """Ours into theirs: every parameter, and no more."""
    theirs = dict(module.named_parameters())
    assert set(theirs) == set(ours)
    for name, p in theirs.items():
        p.data.copy_(torch.tensor(ours[name]))


def assert_same(ours: dict[str, np.ndarray], module: Any) -> None:
    for name, p in module.named_parameters():
        np.testing.assert_allclose(ours[name], p.detach().numpy(), err_msg=name, **CLOSE)


def copy_adam(opt_state: Any, names: Callable[[Params], dict[str, np.ndarray]], net: Any) -> None:
    """Adam's state of ours into that of a network over there."""
    adam = opt_state[0]
    mean, square = names(adam.mu), names(adam.nu)
    for name, p in net.named_parameters():
        net.optimizer.state[p] = {
            "step": torch.tensor(float(adam.count)),
            "exp_avg": torch.tensor(mean[name]),
            "exp_avg_sq": torch.tensor(square[name]),
        }


def logged(model: Any, name: str) -> float:
    return model.logger.name_to_value[f"train/{name}"]


def test_advantages_are_those_of_sb3():
    """SB3 adds the discounted value of the last observation to the reward at a time limit."""
    random = np.random.default_rng(0)
    steps, envs, discount, lam = 30, 3, 0.9, 0.8
    reward, value, last = (random.normal(size=(steps, envs)).astype(np.float32) for _ in range(3))
    t = np.arange(1, steps + 1)[:, None] + np.arange(envs)
    terminated = t % 7 == 0
    truncated = (t % 5 == 0) & ~terminated
    done = terminated | truncated
    assert done[-1].any() and not done[-1].all()  # both ways to end the stretch
    after = random.normal(size=envs).astype(np.float32)
    box = Scripted()
    buffer = sb3.common.buffers.RolloutBuffer(
        steps, box.observation_space, box.action_space, "cpu", lam, discount, envs
    )
    buffer.values[:], buffer.rewards[:] = value, reward + discount * last * truncated
    buffer.episode_starts[1:] = done[:-1]
    buffer.compute_returns_and_advantage(torch.tensor(after), done[-1])
    follows = np.concatenate([value[1:], after[None]])
    # Where an episode ended, what follows belongs to another one, and `last` is the successor's.
    next_value = np.where(done, last, follows)
    given = [jnp.asarray(x) for x in (reward, value, next_value, terminated, truncated)]
    ours = gae.advantages(given[0], given[1], given[2], given[3], given[4], discount, lam)
    np.testing.assert_allclose(ours, buffer.advantages, rtol=1e-5, atol=1e-5)


def test_ppo_learns_as_sb3(monkeypatch: pytest.MonkeyPatch):
    """Three rounds of SB3's own collecting and learning, the collected steps given to ours.

    One minibatch is the whole round, so that the order of rows does not matter.
    """
    envs, length, epochs = 2, 40, 4
    config = ppo.Config(
        envs=envs, length=length, epochs=epochs, minibatches=1, lr=LR, hidden=HIDDEN, clip=0.05,
        entropy=0.01, normalise_obs=False, normalise_reward=False,
    )  # fmt: skip
    tasks = [Scripted(s) for s in range(envs)]
    vec = sb3.common.vec_env.DummyVecEnv([lambda task=task: task for task in tasks])
    model = sb3.PPO(
        "MlpPolicy", vec, LR, n_steps=length, batch_size=envs * length, n_epochs=epochs,
        clip_range=0.05, ent_coef=0.01, policy_kwargs={"net_arch": list(HIDDEN)}, seed=0,
        device="cpu",
    )  # fmt: skip

    def params(core: ppo.Core) -> dict[str, np.ndarray]:
        def layers(part: str, last: str) -> list[str]:
            return [f"mlp_extractor.{part}_net.{i}" for i in (0, 2)] + [last]

        policy = core.params["policy"]
        head = {"log_std": np.array(policy["log_std"])}
        value = named(layers("value", "value_net"), core.params["value"])
        return head | named(layers("policy", "action_net"), policy["net"]) | value

    learner = ppo.learner(config, SPEC)
    core = learner.init(jax.random.key(0))
    core = core.replace(params=jiggled(core.params, 0))
    copy(params(core), model.policy)
    train, rounds = model.train, []

    def train_and_compare() -> None:
        nonlocal core
        label = model.rollout_buffer.actions.copy()
        seen = [zip(*task.seen[-length:], strict=True) for task in tasks]
        obs, action, reward, next_obs, terminated, truncated = (
            jnp.asarray(np.stack(x, axis=1)) for x in zip(*seen, strict=True)
        )
        flag = jnp.zeros(reward.shape, bool)
        steps = Transition(
            obs, action, jnp.asarray(label), reward, next_obs, terminated, truncated, flag, ~flag
        )
        train()
        core, metrics = jax.jit(learner.learn)(jax.random.key(1), core, steps)
        theirs = [logged(model, f"{k}_loss") for k in ("policy_gradient", "value", "entropy")]
        mine = [metrics["policy_loss"], metrics["value_loss"], -metrics["entropy"]]
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)
        assert_same(params(core), model.policy)
        rounds.append(logged(model, "clip_fraction"))

    monkeypatch.setattr(model, "train", train_and_compare)
    model.learn(3 * envs * length)
    assert len(rounds) == 3 and min(rounds) > 0.1, "the bound on the ratio must matter"


def filled(model: Any) -> list[replay_buffer.Experience]:
    """Random steps in SB3's replay buffer, and each minibatch of them for us."""
    task = Scripted(3)
    task.reset()
    for action in np.random.default_rng(4).uniform(-1, 1, (BATCH * STEPS, 2)).astype(np.float32):
        task.step(action)
        obs, _, reward, next_obs, terminated, truncated = task.seen[-1]
        infos = [{"TimeLimit.truncated": truncated}]
        done = np.array([terminated or truncated])
        model.replay_buffer.add(
            obs[None], next_obs[None], action[None], np.array([reward]), done, infos
        )
    model.set_logger(sb3.common.logger.Logger(None, []))
    columns = [np.stack(x) for x in zip(*task.seen, strict=True)]
    t = np.zeros(len(task.seen), np.int32)
    rows = [*columns[:2], columns[2].astype(np.float32), columns[3], columns[4], t]
    return [
        replay_buffer.Experience(*(jnp.asarray(x[i * BATCH : (i + 1) * BATCH]) for x in rows))
        for i in range(STEPS)
    ]


def serve(monkeypatch: pytest.MonkeyPatch, model: Any) -> Iterator[int]:
    """The numbers of the minibatches, each of which SB3's buffer then gives in turn."""
    for i in range(STEPS):
        index = np.arange(i * BATCH, (i + 1) * BATCH)
        rows = model.replay_buffer._get_samples(index)
        monkeypatch.setattr(model.replay_buffer, "sample", lambda n, env=None, rows=rows: rows)
        yield i


def off_policy(make: Callable[..., Any], **options: Any) -> Any:
    options = {"learning_rate": LR, "gamma": 0.9, "tau": 0.05, "buffer_size": 1000} | options
    kwargs = {"net_arch": list(HIDDEN)}
    return make("MlpPolicy", Scripted(), policy_kwargs=kwargs, device="cpu", seed=0, **options)


def test_sac_learns_as_sb3(monkeypatch: pytest.MonkeyPatch):
    config = sac.Config(lr=LR, hidden=HIDDEN, discount=0.9, tau=0.05, temperature=0.7)
    model = off_policy(sb3.SAC, ent_coef="auto_0.7")
    learner = sac.learner(config, SPEC)
    state = learner.init(jax.random.key(0))
    nets = {k: jiggled(state.params[k], 1) for k in ("policy", "critics")}
    adams = {k: mid_run(state.opt_state[k], 3) for k in nets}
    state = state.replace(
        params=state.params | nets,
        target=jiggled(state.target, 2),
        opt_state=state.opt_state | adams,
    )

    def policy(params: Params) -> dict[str, np.ndarray]:
        out = named(["latent_pi.0", "latent_pi.2", "both"], params)
        for kind in ("weight", "bias"):
            both = out.pop(f"both.{kind}")
            out[f"mu.{kind}"], out[f"log_std.{kind}"] = np.split(both, 2)
        return out

    copy(policy(state.params["policy"]), model.actor)
    copy(critics_named(state.params["critics"]), model.critic)
    copy(critics_named(state.target), model.critic_target)
    copy_adam(adams["policy"], policy, model.actor)
    copy_adam(adams["critics"], critics_named, model.critic)
    # SB3 adds this inside the logarithm of tanh's slope; ours needs no such guard.
    model.actor.action_dist.epsilon = 0.0
    batches = filled(model)
    for i in serve(monkeypatch, model):
        # Ours draws for the target first, SB3 for the policy.
        noise = np.random.default_rng(i).normal(0, 0.7, (2, BATCH, 2)).astype(np.float32)
        ours, theirs = iter(noise), iter(noise[::-1])
        monkeypatch.setattr(jax.random, "normal", lambda *_, x=ours: jnp.asarray(next(x)))
        monkeypatch.setattr(
            torch.distributions.normal,
            "_standard_normal",
            lambda *_, x=theirs, **__: torch.tensor(next(x).copy()),
        )
        model.train(gradient_steps=1, batch_size=BATCH)
        state, metrics = learner.learn(jax.random.key(i), state, batches[i])
        assert not [*ours, *theirs], "both have used all of the noise"
        np.testing.assert_allclose(metrics["critic_loss"], logged(model, "critic_loss"), rtol=1e-3)
        np.testing.assert_allclose(metrics["alpha"], logged(model, "ent_coef"), rtol=1e-5)
        log_alpha = model.log_ent_coef.detach().numpy()[0]
        np.testing.assert_allclose(state.params["log_alpha"], log_alpha, rtol=1e-5)
        assert_same(policy(state.params["policy"]), model.actor)
        assert_same(critics_named(state.params["critics"]), model.critic)
        assert_same(critics_named(state.target), model.critic_target)


@pytest.mark.parametrize("method", ["td3", "ddpg"])
def test_td3_and_ddpg_learn_as_sb3(method: str, monkeypatch: pytest.MonkeyPatch):
    algo, theirs = {"td3": (td3, sb3.TD3), "ddpg": (ddpg, sb3.DDPG)}[method]
    learner = algo.learner(algo.Config(lr=LR, hidden=HIDDEN, discount=0.9, tau=0.05), SPEC)
    model = off_policy(theirs)
    state = learner.init(jax.random.key(0))
    state, adams = td3_mid_run(state)
    layers = ["mu.0", "mu.2", "mu.4"]

    def pairs() -> list[tuple[dict[str, np.ndarray], Any]]:
        return [
            (named(layers, state.policy), model.actor),
            (critics_named(state.critics), model.critic),
            (named(layers, state.target["policy"]), model.actor_target),
            (critics_named(state.target["critics"]), model.critic_target),
        ]

    for ours, module in pairs():
        copy(ours, module)
    copy_adam(adams[0], lambda net: named(layers, net), model.actor)
    copy_adam(adams[1], critics_named, model.critic)
    batches = filled(model)
    for i in serve(monkeypatch, model):
        # Three standard deviations reach the bound on TD3's noise; DDPG must not draw any.
        noise = np.random.default_rng(i).normal(0, 2, (BATCH, 2)).astype(np.float32)
        draws = []
        monkeypatch.setattr(
            jax.random, "normal", lambda *_, x=noise, d=draws: d.append(1) or jnp.asarray(x)
        )
        monkeypatch.setattr(
            torch.Tensor, "normal_", lambda t, m, s, x=noise: t.copy_(torch.tensor(s * x))
        )
        model.train(gradient_steps=1, batch_size=BATCH)
        state, metrics = learner.learn(jax.random.key(i), state, batches[i])
        assert len(draws) == (method == "td3")
        np.testing.assert_allclose(metrics["critic_loss"], logged(model, "critic_loss"), rtol=1e-3)
        for ours, module in pairs():
            assert_same(ours, module)
