"""Demonstrations of the public face: collecting, reading and writing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imitbench import data
from imitbench.api.environments import engine_of, require_known
from imitbench.core.types import Env
from imitbench.data import Demos, DemoSource
from imitbench.data.recordings.opening import Format, open_demos
from imitbench.runs import own_expert
from imitbench.utils import machine
from imitbench.utils.files import require_folder_of


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
        grade: how good the demonstrator is: expert, medium, noisy, imperfect, mixed, still or
            replay.
        expert: "scripted", "learned", or "auto" (scripted where the task has a scripted one). Or
            your own: a function of observations [N, O] (numpy, float32) that returns actions [N, A]
            in [-1, 1], or choices [N]; a function act(key, obs) in JAX; an object with `predict` or
            `act`; a policy of `load_policy`; or a name: "module:function", "file.py:function", a
            zip file of Stable-Baselines3, CELL@SEED.
        noise: standard deviation of Gaussian noise on the executed actions, in units of the
            action range [-1, 1]; the intended actions stay without it. None: the grade's own.
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
    machine.setup()
    require_known(env)
    source = DemoSource(
        pool=episodes, grade=grade, expert=expert, noise=noise, seed=seed, only_success=only_success
    )
    return data.load_pool(env.name, engine_of(env), own_expert.with_expert(source, env))


def load_data(
    path: str | Path,
    task: str | None = None,
    *,
    format: Format = "auto",
    filter_key: str | None = None,
) -> Demos:
    """Reads demonstrations from a file or a folder and checks them against their task.

    Args:
        path: an npz file of imitbench, the folder of a Minari data set or its identifier (looked up
            in MINARI_DATASETS_PATH or, by default, in Minari's folder in the home directory), a
            LeRobot folder (v3.0 or v2.1), a robomimic or D4RL HDF5 file, or an OGBench npz file.
        task: the task that the data belong to; needed for data that imitbench did not write, which
            do not name it. "none" where it is not a task of imitbench.
        format: auto finds the format by looking; npz, minari, lerobot, robomimic, d4rl or ogbench
            insists on one.
        filter_key: of a robomimic file, the list of episodes to read, such as "train".

    Returns:
        The data set. Actions are scaled from the data set's action bounds, where it has them, to
        [-1, 1].

    Raises:
        UserError: there is no such data set, it is damaged, or it does not fit the task.
    """
    return open_demos(path, task, format, filter_key)


def save_data(path: str | Path, demos: Demos) -> Path:
    """Writes demonstrations to an npz file, which `load_data` reads.

    Args:
        path: the file; its folder must exist.
        demos: the data set.

    Raises:
        UserError: the file cannot be written.
    """
    file = Path(path).expanduser()
    require_folder_of(file)
    data.save(file, demos)
    return file
