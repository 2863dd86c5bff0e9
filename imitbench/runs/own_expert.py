"""Experts of a user in a run: names are loaded, and experts meet the task, before any work."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast, get_args

import jax.numpy as jnp

from imitbench import algos, experts
from imitbench.core.actor import as_actor
from imitbench.core.types import Actor, Decision, Env, EnvState, Key
from imitbench.data.sources.grades import GRADES
from imitbench.data.sources.source import DemoSource
from imitbench.experts import external, learned
from imitbench.experts.external import ExternalExpert, Source
from imitbench.results.cells import policies, policy_files
from imitbench.utils.errors import UserError, pick
from imitbench.utils.json_schema import shorten

KINDS = get_args(experts.Kind)


def is_named(source: DemoSource, task: str) -> bool:
    """Whether a source names an expert of the user that is not loaded yet, or the task has one.

    Args:
        source: the source.
        task: the task's name.
    """
    if isinstance(source.expert, str) and source.expert in KINDS:
        is_free = source.expert == "auto" and source.behaviour is None
        takes_expert = is_free and GRADES[pick("grade", source.grade, GRADES)].parts == ("expert",)
        return takes_expert and external.expert_of_task(task) is not None
    return not isinstance(source.expert, ExternalExpert)


def with_expert(source: DemoSource, env: Env) -> DemoSource:
    """Loads the expert that a source names, and lets it meet the task.

    Args:
        source: the source. `auto` stands for the expert that was registered for the task, if there
            is one.
        env: the task's environment.

    Returns:
        The source with an `ExternalExpert`; unchanged where the expert is one of imitbench.

    Raises:
        UserError: there is no such expert, or its actions are not those of the task.
    """
    if not is_named(source, env.name):
        return source
    registered = external.expert_of_task(env.name) if source.expert == "auto" else None
    found = registered or load_expert(source.expert)
    return dataclasses.replace(source, expert=external.bind(found, env))


def load_expert(expert: Any) -> Source:
    """Loads an expert of a user.

    Args:
        expert: a name (`module:function`, `file.py:function`, a zip file of Stable-Baselines3, a
            learned expert's npz file, CELL@SEED), a trained policy, a function, or an object with
            `predict` or `act`.

    Returns:
        The expert.

    Raises:
        UserError: there is no such expert.
    """
    if isinstance(expert, Path):
        expert = str(expert)
    if isinstance(expert, str):
        folder, _, seed = expert.rpartition("@")
        if folder or (Path(expert).expanduser() / "cell.json").is_file():
            return _stored_policy(folder or expert, seed if folder else None)
        return external.load_name(expert)
    if isinstance(getattr(expert, "actor", None), Actor):
        return _trained_policy(expert)
    return external.load_object(expert)


def check_asks(method: str, source: DemoSource) -> None:
    """Checks that an expert beside the user's own data has something to do.

    Args:
        method: the method's name.
        source: the source of its demonstrations.

    Raises:
        UserError: the method asks no expert.
    """
    if source.dataset is not None and source.expert != "auto":
        if "expert" not in algos.needs(method):
            name = shorten(source.expert)
            raise UserError(
                f"expert {name} beside a data set: {method} asks no expert; leave it out"
            )


def _stored_policy(name: str, seed: str | None) -> Source:
    """The policy of a finished cell."""
    folder = Path(name).expanduser()
    if not (folder / "cell.json").is_file():
        raise UserError(
            f"expert {name}{'' if seed is None else '@' + seed}: {folder} is no finished cell: "
            "expected CELL@SEED, a folder below cells/ of a folder of results, and a training seed"
        )
    seeds = [str(s) for s in policy_files.seeds_of(folder)]
    if seed is None and len(seeds) == 1:
        seed = seeds[0]
    if seed not in seeds:
        raise UserError(
            f"expert {name}: expected CELL@SEED with one of the seeds whose policies the cell "
            f"stores: {', '.join(seeds) or 'none'}"
        )
    card = policy_files.read_card(folder)
    stored = policies.load(folder, int(seed))
    return Source(
        f"{folder.absolute().name}@{seed}",
        lambda env: _on_task(stored.actor, card.task, env, str(folder)),
        on_host=False,
        sha256=card.sha256[seed],
        complete=True,
    )


def _trained_policy(policy: Any) -> Source:
    """A policy in memory, as `imitbench.load_policy` returns it."""
    name = f"{policy.method} policy"
    return Source(
        name, lambda env: _on_task(policy.actor, policy.task, env, name), False, in_memory=True
    )


def _on_task(actor: Actor, task: str, env: Env, name: str) -> Actor:
    """The actor of a policy, whose actions are clipped as those of `imitbench.Policy` are.

    Raises:
        UserError: it is a policy of another task.
    """
    if learned.base_task(task) != learned.base_task(env.name):
        raise UserError(f"expert {name} is a policy of {task}: expected one of {env.name}")
    source = as_actor(actor)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Any, Any]:
        action, memory = source.act(key, memory, state)
        action = action.action if isinstance(action, Decision) else action
        return (action if env.spec.discrete else jnp.clip(action, -1.0, 1.0)), memory

    return Actor(cast(Any, source.start), act)
