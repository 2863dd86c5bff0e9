"""`imitbench.wrap`: environments of imitbench for programs that expect Gymnasium's."""

from __future__ import annotations

from typing import Literal, overload

from gymnasium.envs.registration import EnvSpec

from imitbench.api.environments import engine_of, make_env, require_known
from imitbench.api.to_gymnasium.env import GymnasiumEnv
from imitbench.api.to_gymnasium.vector_env import GymnasiumVectorEnv
from imitbench.core.types import Env
from imitbench.utils.errors import UserError

AutoresetName = Literal["NextStep", "SameStep", "Disabled"]


@overload
def wrap(
    env: Env, num_envs: None = None, *, flat: bool = False, render_mode: str | None = None
) -> GymnasiumEnv: ...


@overload
def wrap(
    env: Env,
    num_envs: int,
    *,
    flat: bool = False,
    autoreset_mode: AutoresetName = "NextStep",
    render_mode: str | None = None,
) -> GymnasiumVectorEnv: ...


def wrap(
    env: Env,
    num_envs: int | None = None,
    *,
    flat: bool = False,
    autoreset_mode: AutoresetName = "NextStep",
    render_mode: str | None = None,
) -> GymnasiumEnv | GymnasiumVectorEnv:
    """Wraps an environment for programs that expect one of Gymnasium.

    Observations are float32. A goal task, such as FetchPush, has a dictionary of `observation`,
    `achieved_goal` and `desired_goal`, and `compute_reward`, as in Gymnasium-Robotics. Actions are
    those of imitbench, in [-1, 1] or choices, also where the original environment has other bounds.
    An episode is truncated at the task's time limit. `info["is_success"]` says whether the task is
    solved, where the task says it.

    Args:
        env: an environment of `make_env`.
        num_envs: how many copies a vector environment steps together; None for a single
            environment.
        flat: observations of a goal task are flat arrays, with the desired goal at its place.
        autoreset_mode: of a vector environment, what follows the end of an episode: "NextStep"
            (the next step resets), "SameStep" (the same step resets, and its infos have `final_obs`
            and `final_info`) or "Disabled" (`reset` with the option `reset_mask` does).
        render_mode: "rgb_array", for tasks with MuJoCo models, or None.

    Returns:
        A `gymnasium.Env`, or a `gymnasium.vector.VectorEnv`.

    Raises:
        UserError: the environment is not one of `make_env`, an argument does not fit, or the
            machine cannot render.

    Example:
        >>> import imitbench as ib
        >>> env = ib.wrap(ib.make_env("PointMass"))
        >>> obs, info = env.reset(seed=0)
        >>> sorted(obs)
        ['achieved_goal', 'desired_goal', 'observation']
        >>> ib.wrap(ib.make_env("Hopper"), num_envs=8).observation_space.shape
        (8, 11)
    """
    require_known(env)
    if num_envs is None:
        if autoreset_mode != "NextStep":
            raise UserError(f"autoreset_mode={autoreset_mode!r}: give num_envs, too")
        wrapped = GymnasiumEnv(env, flat=flat, render_mode=render_mode)
    else:
        wrapped = GymnasiumVectorEnv(
            env, num_envs, flat=flat, autoreset_mode=autoreset_mode, render_mode=render_mode
        )
    wrapped.spec = spec_of(env, flat)
    return wrapped


def spec_of(env: Env, flat: bool) -> EnvSpec:
    """Describes a wrapped environment, so that `gymnasium.make` can make it again.

    Args:
        env: an environment of `make_env`.
        flat: see `wrap`.
    """
    return EnvSpec(
        id="imitbench/" + env.name.replace("/", "-"),
        entry_point=f"{__name__}:make_wrapped",
        max_episode_steps=env.spec.horizon,
        kwargs={"task": env.name, "engine": engine_of(env), "flat": flat},
    )


def make_wrapped(
    task: str, engine: str = "auto", flat: bool = False, render_mode: str | None = None
) -> GymnasiumEnv:
    """Makes a wrapped environment by its task's name.

    Args:
        task: see `make_env`.
        engine: see `make_env`.
        flat: see `wrap`.
        render_mode: see `wrap`.
    """
    return wrap(make_env(task, engine), flat=flat, render_mode=render_mode)
