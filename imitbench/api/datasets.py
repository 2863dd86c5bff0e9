"""Demonstrations of the public face: collecting, reading and writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imitbench import data
from imitbench.api.environments import engine_of, require_known
from imitbench.core.types import Env
from imitbench.data import Demos, DemoSource
from imitbench.data.recordings.arrays import from_arrays
from imitbench.data.recordings.conversion import to_demos
from imitbench.data.recordings.opening import Format, open_demos, task_spec
from imitbench.data.user_demos import check_own
from imitbench.envs.registry import check_task, task_name
from imitbench.runs import own_expert
from imitbench.utils import runtime
from imitbench.utils.errors import seed_number, whole_number
from imitbench.utils.files import require_folder_of, user_path


def collect(
    env: Env,
    episodes: int,
    *,
    grade: str = "expert",
    expert: Any = "auto",
    noise: float | None = None,
    seed: int = 0,
    only_success: bool | None = None,
) -> Demos:
    """Collects demonstrations with the task's own experts, or reads them from the user's cache.

    Args:
        env: an environment of `make_env`.
        episodes: how many episodes to keep.
        grade: how good the demonstrator is: expert, medium, noisy, imperfect, mixed, stochastic,
            stochastic-medium, stochastic-mixed, random, play (PointMass-rooms), still, replay, or
            clip (motion imitation).
        expert: "scripted", "learned", or "auto" (scripted where the task has a scripted one). Or
            your own: a function of observations [N, O] (numpy, float32) that returns actions [N, A]
            in [-1, 1], or choices [N]; a function act(key, obs) in JAX; an object with `predict` or
            `act`; a policy of `load_policy`; or a name: "module:function", "file.py:function", a
            zip file of Stable-Baselines3, CELL@SEED.
        noise: standard deviation of Gaussian noise on the executed actions, in units of the
            action range [-1, 1]; the intended actions stay without it, except in the
            grades imperfect and stochastic (-medium, -mixed). None: the grade's own.
        seed: of the initial states and of the noise.
        only_success: keep episodes that succeed at their last step. None: as the grade does.

    Returns:
        The data set: `steps`, a `Transition` with numpy leaves [episodes, T, ...], and `header`.

    Raises:
        UserError: a grade that does not exist or that the task does not have, an expert that fails
            or whose actions are not those of the task, or a bad argument.

    Example:
        >>> import imitbench as ib
        >>> env = ib.make_env("PointMass")
        >>> demos = ib.collect(env, episodes=4)
        >>> demos.steps.obs.shape
        (4, 20, 6)
    """
    runtime.setup()
    require_known(env)
    source = DemoSource(
        pool=whole_number("episodes", episodes),
        grade=grade,
        expert=expert,
        noise=noise,
        seed=seed_number("seed", seed),
        only_success=only_success,
    )
    with runtime.device_errors():
        return data.load_pool(env.name, engine_of(env), own_expert.with_expert(source, env))


def make_demos(
    episodes: Sequence[Mapping[str, Any]],
    task: str,
    *,
    action_low: Any = None,
    action_high: Any = None,
    expert: str = "unknown",
) -> Demos:
    """Makes a data set from arrays of your own; episodes may have different lengths.

    Args:
        episodes: a dictionary for each episode of n steps. Its arrays are `obs`, [n + 1, O] with
            the observation after the last step, or [n, O]; `action`, [n, A] or [n] whole numbers,
            or None where it is not known; and, where they are known, `next_obs` [n, O], `reward`
            [n], and `terminated` (the task itself ended), `truncated` (the time limit) and
            `success`, [n] or one truth value for the last step. `obs` and `next_obs` may be
            dictionaries of arrays. Without the observation after the last step, that step is left
            out, unless it is terminated; where nothing but `obs` has a length, it is [n + 1, O].
        task: the task that they belong to; "none" where it is not a task of imitbench.
        action_low: [A] or a number, the lower bounds of the actions, which are scaled to [-1, 1].
            None: they lie in [-1, 1].
        action_high: the upper bounds.
        expert: the name of the demonstrator.

    Returns:
        The data set.

    Raises:
        UserError: an array is missing, has another shape than the task or the other arrays ask
            for, or holds something else than finite numbers; or an action is out of bounds.

    Example:
        >>> import imitbench as ib
        >>> import numpy as np
        >>> walks = [{"obs": np.zeros((n + 1, 6)), "action": np.zeros((n, 2))} for n in (7, 20)]
        >>> demos = ib.make_demos(walks, task="PointMass")
        >>> demos.steps.weight.sum(axis=1)
        array([ 7., 20.], dtype=float32)
    """
    runtime.setup()
    task = check_task(task_name(task))
    recording = from_arrays(episodes, action_low, action_high, expert)
    return to_demos(recording, task, task_spec(recording, task))


def load_data(
    path: Any,
    task: str | None = None,
    *,
    format: Format = "auto",
    filter_key: str | None = None,
) -> Demos:
    """Reads demonstrations from a file or a folder and checks them against their task.

    Args:
        path: an npz file of imitbench, the folder of a Minari data set or its identifier (looked up
            in MINARI_DATASETS_PATH or, by default, in Minari's folder in the home directory), a
            LeRobot folder (v3.0 or v2.1), a robomimic or D4RL HDF5 file, or an OGBench npz file; or
            a `minari.MinariDataset`, also one that was filtered.
        task: the task that the data belong to, or its Gymnasium id; needed where the data set names
            neither. "none" where it is not a task of imitbench.
        format: auto finds the format by looking; npz, minari, lerobot, robomimic, d4rl or ogbench
            insists on one.
        filter_key: of a robomimic file, the list of episodes to read, such as "train".

    Returns:
        The data set. Actions are scaled from the data set's action bounds, where it has them, to
        [-1, 1].

    Raises:
        UserError: there is no such data set, it is damaged, or it does not fit the task.
    """
    runtime.setup()
    return open_demos(path, task if task is None else task_name(task), format, filter_key)


def save_data(path: str | Path, demos: Demos) -> Path:
    """Writes demonstrations to an npz file, which `load_data` reads.

    Args:
        path: the file; its folder must exist.
        demos: the data set.

    Raises:
        UserError: the file cannot be written, or the data set does not fit its task.
    """
    file = user_path(path)
    demos = check_own(demos)
    require_folder_of(file)
    data.save(file, demos)
    return file
