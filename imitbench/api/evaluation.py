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
from imitbench.core.types import Env
from imitbench.results.cells import policies, policy_files, store
from imitbench.utils import machine
from imitbench.utils.errors import UserError, pick, plain_errors


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
    machine.setup()
    return Policy(policies.load(_cell(Path(folder).expanduser(), cell), seed))


@plain_errors()
def evaluate(
    policy: Policy | str | Path, env: Env | None = None, *, episodes: int = 100, seed: int = 0
) -> pd.DataFrame:
    """Evaluates a trained policy in imitbench's own environment.

    Args:
        policy: a policy, or a folder that `load_policy` takes.
        env: an environment of `make_env`; by default the one of the policy's task.
        episodes: how many; all run side by side.
        seed: the initial states depend on it and on `episodes` alone, so policies that are
            evaluated with the same two can be compared episode by episode.

    Returns:
        A row for each episode: return, length in steps, and success_any and success_final (at some
        step, at the last one), where the task says when it is solved.

    Raises:
        UserError: the environment's sizes do not fit the policy, or a bad argument.
    """
    machine.setup()
    if episodes < 1:
        raise UserError(f"episodes={episodes}: expected 1 or more")
    policy = policy if isinstance(policy, Policy) else load_policy(policy)
    if env is not None:
        require_known(env)
    env = envs.make(policy.task, "auto") if env is None else envs.make(env.name, engine_of(env))
    sizes = (env.spec.obs_size, env.spec.action_size)
    if sizes != (policy.spec.obs_size, policy.spec.action_size):
        raise UserError(
            f"{env.name} has {sizes[0]} observations and {sizes[1]} actions, the policy of "
            f"{policy.task} {policy.spec.obs_size} and {policy.spec.action_size}"
        )
    run = jax.jit(lambda key: rollout.summarise(rollout.episodes(env, policy.actor, key, episodes)))
    summary = {k: np.asarray(v) for k, v in run(jax.random.key(seed)).items()}
    if not rollout.has_success(env):
        summary = {k: v for k, v in summary.items() if not k.startswith("success")}
    return pd.DataFrame({"episode": np.arange(episodes)} | dict(sorted(summary.items())))


def _cell(folder: Path, name: str) -> Path:
    """The folder of one cell."""
    if (folder / policy_files.FOLDER).is_dir():
        return folder
    if not store.cells_folder(folder).is_dir():
        raise UserError(f"{folder} is no folder of results: expected one that holds cells/")
    results = store.read_all(folder)
    names = {r.folder.name: r.folder for r in results}
    for result in results:
        names.setdefault(result.identity["label"], result.folder)
    if name:
        return names[pick(f"cell in {folder}", name, names)]
    if len(results) != 1:
        known = ", ".join(r.folder.name for r in results) or "none"
        raise UserError(f"{folder} has {len(results)} cells ({known}): name one by cell=")
    return results[0].folder
