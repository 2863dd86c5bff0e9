"""PPO and GAIL on images: who sees what, the auxiliary task by hand, and masked discriminators."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import algos, data, envs
from imitbench.algos.adversarial import gail, state_view
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.common import image_policy, on_policy
from imitbench.algos.rl import ppo
from imitbench.core import buffer, ops, unrolling
from imitbench.core.observations import image_nets, images
from imitbench.core.observations.hidden_state import WithState, full_obs, join
from imitbench.core.types import FULL_OBS, EnvState, ImageSpec, Spec, Transition
from imitbench.utils.errors import UserError

IMAGE = ImageSpec(
    height=36, width=36, channels=1, classes=0, numbers=1,
    full={"arm": slice(0, 1), "object": slice(1, 3)},
)  # fmt: skip
SPEC = Spec(
    obs_size=images.obs_size(IMAGE),
    action_size=2,
    horizon=4,
    fields={"proprioception": slice(0, 4), "image": slice(4, 4 + IMAGE.size)},
    image=IMAGE,
)
NETS = image_nets.Config(channels=(4, 4, 4), features=5, shift=0)
SEEN = 1 + IMAGE.size  # the inputs before the state


def config(**changes: Any) -> ppo.Config:
    settings = image_policy.Config(net=NETS, **changes)
    return ppo.Config(envs=2, length=8, epochs=2, minibatches=2, hidden=(8,), images=settings)


class Dot:
    """An object at a place [2] in [-1, 1] that the action moves; a bright square shows it."""

    name, engine, spec = "Dot", "none", SPEC

    def __init__(self) -> None:
        self.rendered: list[Any] = []

    def reset(self, rng: jax.Array) -> EnvState:
        return self._state(jax.random.uniform(rng, (2,), minval=-1.0))

    def reset_where(self, rng: jax.Array, needed: jax.Array) -> EnvState:
        state = self.reset(rng)
        return state.replace(obs=jnp.where(needed, state.obs, 0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        return self._state(jnp.clip(state.pipeline_state + 0.3 * action, -1.0, 1.0))

    def pose(self, state: EnvState) -> jax.Array:
        return state.pipeline_state

    def reset_to(self, pose: jax.Array) -> EnvState:
        return self._state(pose)

    def reset_to_where(self, pose: jax.Array, needed: jax.Array) -> EnvState:
        state = self._state(pose)
        return state.replace(obs=jnp.where(needed, state.obs, 0))

    def _state(self, place: jax.Array) -> EnvState:
        at = 18.0 + 14.0 * place
        grid = jnp.arange(36.0)
        bright = (abs(grid[:, None] - at[0]) <= 3) & (abs(grid - at[1]) <= 3)
        pixels = jnp.where(bright, 255, 0).astype(jnp.uint8).reshape(-1)
        full = jnp.concatenate([jnp.array([7.0]), place])
        obs = images.join(jnp.zeros(1), pixels)
        reward = -jnp.linalg.norm(place)
        return EnvState(place, obs, reward, jnp.float32(0.0), {}, {FULL_OBS: full})


def demos_of(env: Any, num: int = 8) -> Transition:
    """Single steps at the middle, as two episodes."""
    state = env.reset_to(jnp.zeros(2))
    one = lambda x: jnp.repeat(x[None], num, axis=0)  # noqa: E731
    obs, none, zeros = one(state.obs), jnp.zeros(num, bool), jnp.zeros(num)
    end = jnp.arange(num) % 4 == 3
    action = jnp.zeros((num, 2))
    rows = Transition(obs, action, action, zeros, obs, none, end, none, jnp.ones(num))
    return rows.replace(full_obs=one(state.info[FULL_OBS]), pose=jnp.zeros((num, 2)))


def test_observations_for_training_hold_both():
    env = Dot()
    state = env.reset(jax.random.key(0))
    joined = WithState(env).reset(jax.random.key(0)).obs
    assert joined.dtype == jnp.uint8 and joined.shape == (SPEC.obs_size + 12,)
    np.testing.assert_array_equal(joined, join(state.obs, state.info[FULL_OBS]))
    np.testing.assert_array_equal(full_obs(IMAGE, joined), state.info[FULL_OBS])
    np.testing.assert_array_equal(full_obs(IMAGE, state.obs), np.zeros(3))
    again = images.split(IMAGE, joined)
    for got, wanted in zip(again, images.split(IMAGE, state.obs), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_inputs_are_numbers_pixels_and_the_state():
    obs = images.join(jnp.array([3.0]), jnp.full(IMAGE.size, 9, jnp.uint8))
    joined = join(obs, jnp.array([1.0, 2.0, 4.0]))
    got = image_policy.inputs(IMAGE, joined, lambda x: 10 * x)
    np.testing.assert_array_equal(got, [30.0, *[9.0] * IMAGE.size, 10.0, 20.0, 40.0])
    np.testing.assert_array_equal(image_policy.numbers(SPEC, joined), [3.0, 1.0, 2.0, 4.0])
    assert image_policy.moments_size(SPEC) == 4


def gradients(value_sees: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where the outputs of policy and value depend on the inputs [I]."""
    net = on_policy.networks(config(value_sees=value_sees), SPEC)
    k_policy, k_value = jax.random.split(jax.random.key(0))
    policy, value = jax.jit(net.policy.init)(k_policy), jax.jit(net.value.init)(k_value)
    x = jax.random.uniform(jax.random.key(1), (SEEN + 3,)).at[1:SEEN].multiply(255.0)
    of_policy = jax.jit(jax.grad(lambda x: jnp.sum(net.policy.apply(policy, x).mode)))(x)  # type: ignore[union-attr]
    of_value = jax.jit(jax.grad(lambda x: net.value.apply(value, x)))(x)
    return np.asarray(of_policy) != 0, np.asarray(of_value) != 0


@pytest.mark.slow
def test_policies_never_see_the_state_and_values_see_what_the_setting_says():
    policy, value = gradients("state")
    assert policy[:SEEN].any() and not policy[SEEN:].any()
    assert not value[:SEEN].any() and value[SEEN:].all()
    policy, value = gradients("image")
    assert not policy[SEEN:].any()
    assert value[1:SEEN].any() and not value[SEEN:].any()


@pytest.mark.slow
def test_the_auxiliary_error_by_hand():
    """The mean squared error over the object's two places, of features times a kernel."""
    net = on_policy.networks(config(auxiliary=1.0, auxiliary_fields=("object",)), SPEC)
    params = jax.jit(net.policy.init)(jax.random.key(0))
    kernel = params["auxiliary"]["params"]["kernel"]
    assert kernel.shape == (5, 2)
    x = jax.random.uniform(jax.random.key(1), (3, SEEN + 3), maxval=200.0)
    encoder = image_nets.image_encoder(NETS, IMAGE, SEEN, 1)
    features = encoder.apply(params["main"]["encoder"], x[:, None, :SEEN])[:, :5]
    wanted = np.mean((np.asarray(features @ kernel) - np.asarray(x[:, SEEN + 1 :])) ** 2)
    assert net.with_auxiliary is not None
    dist, got = net.with_auxiliary(params, x)
    assert float(got) == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(dist.mode, net.policy.apply(params, x).mode, rtol=1e-6)


@pytest.mark.slow
def test_the_loss_adds_the_weighted_auxiliary_error():
    rows = {
        "obs": jax.random.uniform(jax.random.key(1), (6, SEEN + 3)),
        "action": jnp.zeros((6, 2)),
        "log_prob": jnp.zeros(6),
        "advantage": jnp.arange(6.0),
        "return": jnp.zeros(6),
    }
    losses = {}
    for weight in (0.0, 2.0):
        settings = config(auxiliary=weight, auxiliary_fields=("object",))
        net = on_policy.networks(settings, SPEC)
        params = {
            "policy": jax.jit(net.policy.init)(jax.random.key(0)),
            "value": jax.jit(net.value.init)(jax.random.key(2)),
        }
        loss, metrics = ppo.clipped_loss(net, settings, params, rows)
        losses[weight] = float(loss), metrics
    error = float(losses[2.0][1]["auxiliary_error"])
    assert error > 0 and "auxiliary_error" not in losses[0.0][1]
    assert losses[2.0][0] == pytest.approx(losses[0.0][0] + 2 * error, rel=1e-4)


def test_a_masked_discriminator_sees_the_object_alone():
    view = state_view.make_state_view(("object",), SPEC)
    demos = demos_of(Dot())
    seen = view.see(demos)
    assert view.spec.obs_size == 2 and view.spec.image is None
    np.testing.assert_array_equal(seen.obs, np.zeros((8, 2)))
    own = demos.replace(obs=join(demos.obs, demos.full_obs + 1.0), full_obs=None)  # type: ignore[operator]
    np.testing.assert_array_equal(view.see(own).obs, np.ones((8, 2)))
    everything = state_view.make_state_view((), SPEC).see(demos)
    np.testing.assert_array_equal(everything.obs[0], [7.0, 0.0, 0.0])
    with pytest.raises(UserError, match="images without the states that the discriminator"):
        view.see(demos.replace(full_obs=None))
    with pytest.raises(UserError, match="field in compared_fields 'leg'"):
        state_view.make_state_view(("leg",), SPEC)


def test_a_discriminator_sees_differences_of_fields():
    spec = envs.make("FetchReach").spec
    view = state_view.make_state_view(("desired_goal - grip_pos", "gripper_state"), spec)
    obs = jnp.arange(2.0 * spec.obs_size).reshape(2, -1)
    rows = buffer.no_rows(spec).replace(obs=obs, next_obs=obs + 1.0)
    goal, hand = (np.asarray(obs)[:, spec.fields[k]] for k in ("desired_goal", "grip_pos"))
    seen = view.see(rows)
    assert view.spec.obs_size == 5
    np.testing.assert_array_equal(np.asarray(seen.obs)[:, :3], goal - hand)
    np.testing.assert_array_equal(seen.obs[:, 3:], obs[:, spec.fields["gripper_state"]])
    np.testing.assert_array_equal(seen.next_obs[:, 3:], seen.obs[:, 3:] + 1.0)
    with pytest.raises(UserError, match="'a - b' of two equal sizes"):
        state_view.make_state_view(("desired_goal - gripper_state",), spec)


def test_a_mask_without_images(small, env, demos):
    """On PointMass, whose discriminator then sees two numbers of the observation."""
    rows = data.subset(demos, 4, [0], same=True)
    masked = dataclasses.replace(algos.gail.Config(), compared_fields=("pos",))
    assert "pos" in env.spec.fields, env.spec.fields
    algo = gail.make(masked, env.spec, env)
    state = jax.eval_shape(algo.init, jax.random.key(0), rows)
    assert state.discriminator.moments.mean.shape == (2,)


def gail_config(**changes: Any) -> gail.Config:
    inputs: Any = "state"
    compared = DiscriminatorConfig(hidden=(8,), batch=8, steps=2, inputs=inputs)
    settings = config(auxiliary=0.1, auxiliary_fields=("object",))
    return gail.Config(discriminator=compared, ppo=settings, **changes)


@pytest.mark.slow
def test_gail_runs_on_images_with_resets_and_acts_without_the_state():
    env: Any = Dot()
    demos = demos_of(env)
    algo = gail.make(gail_config(imitation=0.5, resets=0.5, compared_fields=("object",)), SPEC, env)
    state = jax.jit(algo.init)(jax.random.key(0), demos)
    before = jax.tree.map(lambda x: (x.shape, x.dtype), state)
    state, metrics = jax.jit(algo.update)(jax.random.key(1), state, demos)
    assert before == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    assert all(np.isfinite(float(x)) for x in metrics.values())
    assert "auxiliary_error" in metrics and state.running.env.obs.dtype == jnp.uint8
    act = jax.jit(algo.act)
    action = act(jax.random.key(0), state, demos.obs)
    joined = join(demos.obs, demos.full_obs + 5.0)  # type: ignore[operator]
    np.testing.assert_array_equal(act(jax.random.key(0), state, joined), action)


def test_resets_to_demonstrations_are_rendered_where_they_are_needed():
    env: Any = WithState(Dot())
    starts = unrolling.demo_resets(env, demos_of(Dot()), 1.0)
    needed = jnp.array([True, False])
    fresh = unrolling.start_episodes(env, jax.random.key(0), 2, starts, needed=needed)
    pixels = images.split(IMAGE, fresh.env.obs)[1]
    assert pixels[0].any() and not pixels[1].any()


@pytest.mark.slow
def test_ppo_sees_images_and_its_moments_are_of_numbers_and_state():
    env: Any = Dot()
    algo = ppo.make(config(), SPEC, env)
    empty = demos_of(env, 4)
    state = jax.jit(algo.init)(jax.random.key(0), empty)
    state, metrics = jax.jit(algo.update)(jax.random.key(1), state, empty)
    assert np.isfinite(float(metrics["value_loss"]))
    moments = state.core.obs_moments
    assert float(moments.count) == 16 and moments.mean.shape == (4,)
    np.testing.assert_allclose(moments.mean[:2], [0.0, 7.0])
    assert isinstance(moments, ops.Moments)


def test_impossible_settings_are_refused():
    with pytest.raises(UserError, match="value_sees=both: expected state or image"):
        config(value_sees="both")
    with pytest.raises(UserError, match=r"auxiliary_fields=\(\): expected one field or more"):
        config(auxiliary=1.0)
    with pytest.raises(UserError, match="field in auxiliary_fields 'leg'"):
        on_policy.networks(config(auxiliary=1.0, auxiliary_fields=("leg",)), SPEC)
    env: Any = Dot()
    transitions = dataclasses.replace(
        gail_config(), discriminator=DiscriminatorConfig(inputs="transition")
    )
    with pytest.raises(UserError, match=r"discriminator.inputs=transition: expected state"):
        gail.make(transitions, SPEC, env)
    with pytest.raises(UserError, match="clone_steps=5: expected 0 on a task with images"):
        gail.make(gail_config(clone_steps=5), SPEC, env)
