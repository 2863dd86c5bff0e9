"""Loading trained policies and evaluating them, from the public face."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pandas as pd

from imitbench import envs
from imitbench.api.environments import engine_of, require_known
from imitbench.api.policy import Policy
from imitbench.core import rollout
from imitbench.core.types import Env, Key, Spec
from imitbench.envs.recorded import NO_TASK
from imitbench.results.cells import policies
from imitbench.results.cells.finding import one_cell
from imitbench.utils import runtime
from imitbench.utils.errors import UserError, plain_errors, seed_number, whole_number
from imitbench.utils.files import user_path


def load_policy(folder: str | Path, seed: int = 0, cell: str = "") -> Policy:
    """Loads a trained policy.

    Args:
        folder: of results, as `Run.save`, `imitbench train` and `imitbench run` write it, or of
            one cell in it.
        seed: a training seed.
        cell: which cell, where the folder has several: its folder's name, or its label.

    Raises:
        UserError: there is no such policy, or it does not fit this version.
    """
    runtime.setup()
    seed = seed_number("seed", seed)
    return Policy(policies.load(one_cell(user_path(folder), cell), seed))


@plain_errors()
def evaluate(
    policy: Policy | str | Path,
    env: Env | None = None,
    *,
    episodes: int = 500,
    seed: int = 0,
    starts: int | None = None,
) -> pd.DataFrame:
    """Evaluates a trained policy in imitbench's own environment.

    Args:
        policy: a policy, or a folder that `load_policy` takes.
        env: an environment of `make_env`; by default the one of the policy's task.
        episodes: how many; all run side by side.
        seed: the initial states depend on it and on `episodes` alone, so policies that are
            evaluated with the same two can be compared episode by episode.
        starts: how many different initial states, which repeat in turn; by default all are
            different. Then the rows have a column `start`, the number of the initial state.

    Returns:
        A row for each episode: return, length in steps, success_any and success_final (at some
        step, at the last one), where the task says when it is solved, and the mode, where the task
        tells episodes apart (-1: the episode shows none).

    Raises:
        UserError: the environment's sizes do not fit the policy, or a bad argument.
    """
    runtime.setup()
    episodes, seed = whole_number("episodes", episodes), seed_number("seed", seed)
    policy = policy if isinstance(policy, Policy) else load_policy(policy)
    env = environment_for(policy, env)
    if starts is not None:
        starts = whole_number("starts", starts, 1, episodes)

    def run_episodes(key: Key) -> dict[str, jax.Array]:
        steps = rollout.episodes(env, policy.actor, key, episodes, starts=starts)
        return rollout.summarise(steps, env.spec.modes)

    run = jax.jit(run_episodes)
    with runtime.device_errors():
        summary = {k: np.asarray(v) for k, v in run(jax.random.key(seed)).items()}
    if not rollout.has_success(env):
        summary = {k: v for k, v in summary.items() if not k.startswith("success")}
    if starts is not None:
        summary["start"] = np.arange(episodes) % starts
    return pd.DataFrame({"episode": np.arange(episodes)} | dict(sorted(summary.items())))


def environment_for(policy: Policy, env: Env | None) -> Env:
    """Makes the environment to evaluate a policy in.

    Args:
        policy: the policy.
        env: an environment of `make_env`; None for the one of the policy's task, or that in which
            its policies are evaluated.

    Raises:
        UserError: its sizes do not fit the policy, or the policy has no task.
    """
    if env is not None:
        require_known(env)
        env = envs.make(env.name, engine_of(env))
    elif policy.task == NO_TASK:
        raise UserError(
            "the policy learned from data without a task: name one by env=, or --env on the "
            "command line"
        )
    else:
        env = rollout.evaluation_env(envs.make(policy.task, "auto"))
    there, own = _sizes(env.spec), _sizes(policy.spec)
    if there != own:
        raise UserError(
            f"{env.name} has {there}, the policy of {policy.task} {own}: expected a task with the "
            "same sizes"
        )
    return env


def _sizes(spec: Spec) -> str:
    kind = "choices" if spec.discrete else "actions"
    return f"{spec.obs_size} observations and {spec.action_size} {kind}"
