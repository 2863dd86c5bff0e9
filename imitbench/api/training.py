"""Training methods, from the public face."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from imitbench import algos, envs
from imitbench.api.environments import engine_of, require_known
from imitbench.api.run import Run
from imitbench.core.types import Env
from imitbench.data import compatibility
from imitbench.data.demonstrations import hold_out
from imitbench.data.rows import Demos
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.data.user_demos import check_own
from imitbench.envs.recorded import NO_TASK
from imitbench.experts import learned
from imitbench.runs import finished, plan, runner
from imitbench.suites import overrides
from imitbench.suites.checks import check_config
from imitbench.suites.schema import Cell
from imitbench.utils import runtime
from imitbench.utils.errors import UserError, pick, whole_number
from imitbench.utils.files import user_path


def list_methods() -> pd.DataFrame:
    """Lists the methods.

    Returns:
        A row for each method: what it is, what it needs, and the version of its numbers.

    Example:
        >>> import imitbench as ib
        >>> ib.list_methods().loc["dagger", "needs"]
        'demonstrations, environment, expert'
    """
    rows = {}
    for name, module in algos.ALGOS.items():
        rows[name] = {
            "about": (module.__doc__ or "").strip().splitlines()[0],
            "needs": ", ".join(_needs(name)),
            "version": algos.traits(name).version,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def train(
    method: str,
    env: Env | None,
    demos: Demos | None = None,
    *,
    extra: Demos | None = None,
    expert: Any = "auto",
    num_demos: int | None = None,
    seeds: int = 5,
    grad_steps: int = 0,
    env_steps: int = 0,
    evals: int = 5,
    eval_episodes: int = 50,
    obs_noise: float = 0.0,
    same_subset: bool = False,
    stride: int = 1,
    stream: bool = False,
    other_task: bool = False,
    config: Any = None,
    label: str = "",
    folder: str | Path | None = None,
    **settings: Any,
) -> Run:
    """Trains a method over several seeds and evaluates it on the way.

    It runs by the same code as `imitbench train`, and makes the same files.

    Args:
        method: a name that `list_methods` shows.
        env: an environment of `make_env`. None for data of an unknown task, as
            `load_data(path, task="none")` gives them: a tenth of the episodes is held out, and the
            return is minus the error of the policy's actions there, in percent of their range.
        demos: the data set; leave it out for methods that learn without.
        extra: further data of unknown quality, all episodes of which each seed gets, for methods
            that tell them from demonstrations.
        expert: whom a method asks that asks an expert (`list_methods` shows which do): as for
            `collect`. By default whoever demonstrated, where that is an expert of the task.
        num_demos: episodes given to each seed, which draws its own; by default all.
        seeds: how many training seeds: 0, 1, ..., seeds - 1.
        grad_steps: gradient steps of each seed; 10,000 where no budget is given.
        env_steps: the budget in environment steps of each seed instead.
        evals: evaluations at equal distances, and one before training if there are several;
            the last one counts.
        eval_episodes: episodes of each evaluation and seed.
        obs_noise: Gaussian noise on what the policies see in evaluations, in standard deviations of
            the demonstrated observations; demonstrations and training have none.
        same_subset: give all seeds the same demonstrations.
        stride: keep one step in so many of each episode.
        stream: leave the demonstrations in files, from which minibatches are read: for data that
            are larger than the device's memory. Methods that learn offline can.
        other_task: demonstrations and extra data may be those of another task with the same
            observation, such as the same robot with another body. Where its actions have another
            size, they are left out.
        config: the method's settings, its `Config`; by default the method's own.
        label: the name in tables; by default the method and the changed settings.
        folder: keep results and checkpoints there: cut off, the same call goes on from the last
            evaluation. By default nothing is kept until `Run.save`.
        settings: settings to change, such as lr=3e-4 or hidden=(256, 256); a setting in a group
            has two underscores: `clone__lr=1e-3`.

    Returns:
        The finished run: it prints as a table.

    Raises:
        UserError: whatever is wrong with the request; nothing has been trained then.

    Example:
        >>> import imitbench as ib
        >>> env = ib.make_env("PointMass")
        >>> demos = ib.collect(env, episodes=6)
        >>> run = ib.train(
        ...     "bc", env, demos, seeds=2, grad_steps=20, evals=2, eval_episodes=4,
        ...     hidden=(16,), steps=10, validation=0.0,
        ... )
        >>> run.frame()[["method", "seed", "evaluation"]].shape
        (6, 3)
    """
    runtime.setup()
    if env is not None:
        require_known(env)
    pick("method", method, algos.ALGOS)
    demos, held_out = None if demos is None else check_own(demos), None
    extra = None if extra is None else check_own(extra)
    if env is None:
        demos, held_out = _unknown_task(demos)
    config = algos.ALGOS[method].Config() if config is None else config
    check_config(method, config)
    words = [f"{name.replace('__', '.')}={_word(value)}" for name, value in settings.items()]
    cell = Cell(
        task=NO_TASK if env is None else env.name,
        demos=_count(method, demos, num_demos),
        method=method,
        config=overrides.apply(config, words),
        grad_steps=10_000 if grad_steps == 0 == env_steps else grad_steps,
        env_steps=env_steps,
        seeds=seeds,
        num_evals=evals,
        eval_episodes=eval_episodes,
        obs_noise=obs_noise,
        source=_with_extra(
            _source(env, demos, held_out, same_subset, stride, stream, expert, other_task),
            env,
            extra,
            other_task,
        ),
        engine="auto" if env is None else engine_of(env),
        label=label or overrides.label(method, words, obs_noise),
    )
    root = None if folder is None else user_path(folder)
    with runtime.device_errors():
        (job,) = plan.prepare("train", "cpu", [cell])
    root = Path(tempfile.mkdtemp(prefix="imitbench-")) if root is None else root
    try:
        with runtime.device_errors():
            warnings = runner.run([job], root)
        results = finished.results_of([job], root)
        if not results:
            raise UserError(f"{root}: {'; '.join(warnings)}: wait until it ends")
    except BaseException:
        if folder is None:
            shutil.rmtree(root, ignore_errors=True)
        raise
    return Run(root, results, warnings, temporary=folder is None)


def _needs(method: str) -> list[str]:
    """What a method needs beside its settings, in words."""
    traits, touched = algos.traits(method), algos.needs(method)
    demonstrations = "demonstrations"
    if traits.needs_actions is False:
        demonstrations += " without actions"
    if traits.needs_rewards:
        demonstrations += " with rewards"
    if traits.needs_goals_reached:
        demonstrations += " that reach the goal"
    if traits.uses_extra:
        demonstrations += " and extra data"
    words = [demonstrations] * traits.needs_demos
    return words + [{"env": "environment"}.get(x, x) for x in touched]


def _count(method: str, demos: Demos | None, num_demos: int | None) -> int:
    """Episodes for each seed."""
    if demos is None:
        if algos.traits(method).needs_demos:
            raise UserError(
                f"{method} learns from demonstrations: give demos, such as "
                "imitbench.collect(env, episodes=100)"
            )
        return 0
    total = len(demos)
    return total if num_demos is None else whole_number("num_demos", num_demos, 1, total)


def _unknown_task(demos: Demos | None) -> tuple[Demos, Demos]:
    """The episodes to learn from and those held out, of data without an environment."""
    if demos is None or demos.header.task != NO_TASK:
        have = "no data" if demos is None else f"demonstrations of {demos.header.task!r}"
        raise UserError(
            f"env=None with {have}: expected data of an unknown task, such as "
            "load_data('my_demos.hdf5', task='none'); else give the environment"
        )
    return hold_out(demos)


def _source(
    env: Env | None,
    demos: Demos | None,
    held_out: Demos | None,
    same_subset: bool,
    stride: int,
    stream: bool,
    expert: Any,
    other_task: bool,
) -> DemoSource:
    if demos is None:
        if expert != "auto":
            raise UserError(f"expert={expert!r} without demos: no expert is asked; leave it out")
        return DemoSource()
    demos = _of_task(demos, env, other_task, "demonstrations")
    return DemoSource(
        pool=len(demos),
        same_subset=same_subset,
        stride=stride,
        stream=stream,
        dataset=DatasetInMemory.of(demos, held_out),
        expert=expert,
    )


def _of_task(demos: Demos, env: Env | None, other_task: bool, what: str) -> Demos:
    """Data of the environment's task; or of another one, if that is allowed and its observations
    are the same."""
    task = demos.header.task
    if env is None or env.name in (task, *_relatives(task)):
        return demos
    if not other_task:
        raise UserError(
            f"the {what} are of {task!r}, the environment is {env.name!r}: give {what} of the same "
            "task, or set other_task=True if that is what you mean"
        )
    other = envs.make(task).spec
    compatibility.check_observations(task, other, env.name, env.spec)
    if compatibility.same_actions(other, env.spec):
        return demos
    return demos.without_actions()


def _with_extra(
    source: DemoSource, env: Env | None, extra: Demos | None, other_task: bool
) -> DemoSource:
    if extra is None:
        return source
    extra = _of_task(extra, env, other_task, "extra data")
    further = DemoSource(pool=len(extra), dataset=DatasetInMemory.of(extra))
    return dataclasses.replace(source, extra=further, extra_episodes=len(extra))


def _relatives(task: str) -> tuple[str, ...]:
    """Tasks with the same observations, actions and dynamics."""
    base = learned.base_task(task)
    return base, f"{base}-fh"


def _word(value: Any) -> str:
    """A setting as `imitbench train --set` takes it."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        raise UserError(f"settings {dict(value)}: name each one, as group__field=value")
    return str(value)
