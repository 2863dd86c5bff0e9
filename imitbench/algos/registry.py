"""The methods by name, and what the rest of the package asks about them.

A method is a module with a frozen dataclass `Config` and a function `make`. The parameters of
`make` declare what the method may touch: `(config, spec)`, then `env` and `expert` where it needs
them. A module may also have `TRAITS`, `warnings(config, spec) -> list[str]`, and
`episode_warnings(config, lengths, stride, spec) -> list[str]` about the lengths of demonstrated
episodes, which raises a `UserError` where it cannot use them.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from imitbench.algos.adversarial import airl, dac, dac_sac, gail, gail_trpo, sqil
from imitbench.algos.cloning import bc, bco, dagger, dart
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.algos.goal import gcbc, gcsl, offline_gcsl, random_actions, wgcsl
from imitbench.algos.inverse import demodice, iq_learn, ls_iq, offline_iq, pwil, smodice
from imitbench.algos.model_based import ccil, ccil_true, vins, vins_rl, vins_true
from imitbench.algos.model_based.slbo import slbo
from imitbench.algos.offline import (
    bcq,
    iql,
    marwil,
    offline_awr,
    offline_ddpg,
    offline_rwr,
    offline_td3,
    td3_bc,
)
from imitbench.algos.rl import awr, ddpg, ddpg_demos, ppo, rwr, sac, sil, td3, trpo
from imitbench.core.types import Actor, Algorithm, Env, Policy, Spec, Traits
from imitbench.utils.errors import UserError

FAMILIES = {
    "cloning": "Cloning",
    "adversarial": "Adversarial imitation",
    "inverse": "Inverse, without an adversary",
    "model_based": "Model-based",
    "goal": "Goals from what was reached",
    "offline": "Offline, from fixed data with rewards",
    "rl": "Reinforcement learning",
}
"""The titles of the packages of methods."""
ALGOS: dict[str, ModuleType | SimpleNamespace] = {
    "bc": bc,
    "bco": bco,
    "dagger": dagger,
    "dart": dart,
    "ccil": ccil,
    "ccil_true": ccil_true,
    "gail": gail,
    "gail_trpo": gail_trpo,
    "airl": airl,
    "dac": dac,
    "dac_sac": dac_sac,
    "sqil": sqil,
    # Inverse, without an adversary.
    "iq_learn": iq_learn,
    "ls_iq": ls_iq,
    "pwil": pwil,
    "offline_iq": offline_iq,
    # From demonstrations and extra data.
    "demodice": demodice,
    "smodice": smodice,
    "vins": vins,
    "vins_true": vins_true,
    "vins_rl": vins_rl,
    "slbo": slbo,
    # Goals from what was reached.
    "gcbc": gcbc,
    "gcsl": gcsl,
    "offline_gcsl": offline_gcsl,
    "wgcsl": wgcsl,
    "random_actions": random_actions,  # a control
    # Offline, from fixed data with rewards.
    "bcq": bcq,
    "td3_bc": td3_bc,
    "iql": iql,
    "marwil": marwil,
    "offline_awr": offline_awr,
    "offline_rwr": offline_rwr,
    "offline_td3": offline_td3,
    "offline_ddpg": offline_ddpg,
    # Reinforcement learning.
    "ppo": ppo,
    "trpo": trpo,
    "sac": sac,
    "td3": td3,
    "ddpg": ddpg,
    "ddpg_demos": ddpg_demos,  # from demonstrations, too
    "awr": awr,
    "rwr": rwr,
    "sil": sil,
}


def register(
    name: str,
    config: type,
    make: Callable[..., Algorithm],
    about: str,
    traits: Traits = Traits(),  # noqa: B008 (an immutable value)
) -> None:
    """Adds a method to this process, so that every command and function knows it by its name.

    A complete method, which always does the mean of the demonstrated actions:

        from dataclasses import dataclass

        import jax.numpy as jnp

        from imitbench import algos
        from imitbench.core.types import Algorithm, Cost


        @dataclass(frozen=True)
        class Config:
            scale: float = 1.0


        def make(config, spec):
            def init(key, demos):
                return jnp.zeros(spec.action_size)

            def update(key, state, demos):
                state = config.scale * jnp.mean(demos.intended_action, axis=0)
                return state, {"size": jnp.linalg.norm(state)}

            def act(key, state, obs):
                return jnp.broadcast_to(state, (*obs.shape[:-1], spec.action_size))

            return Algorithm(init, update, act, Cost(grad_steps=1))


        algos.register("mean_action", Config, make, "The mean of the demonstrated actions.")

    Args:
        name: a new name.
        config: a frozen dataclass, every field of which has a default. A field `resets`, in it or
            in a nested dataclass, is the share of episodes that begin at demonstrated states;
            demonstrations then come with their poses.
        make: builds the method. Its parameters are `(config, spec)`, then `env` and `expert` where
            it needs them; it gets nothing else.
        about: one sentence that describes it.
        traits: what it requires of its demonstrations, and the version of its numbers. By default
            it needs demonstrations, without rewards.

    Raises:
        UserError: the name is taken, or `make` has other parameters.
    """
    if name in ALGOS:
        raise UserError(f"method {name!r} exists already: take another name")
    parameters = list(inspect.signature(make).parameters)
    if parameters[:2] != ["config", "spec"] or not set(parameters[2:]) <= {"env", "expert"}:
        raise UserError(
            f"make({', '.join(parameters)}) of {name}: expected (config, spec), then env and "
            "expert where it needs them"
        )
    ALGOS[name] = SimpleNamespace(Config=config, make=make, __doc__=about, TRAITS=traits)


def needs(name: str) -> tuple[str, ...]:
    """What a method gets besides settings, task and demonstrations: `env`, `expert`, both or
    neither."""
    return tuple(inspect.signature(ALGOS[name].make).parameters)[2:]


def traits(name: str) -> Traits:
    """What a method requires of its demonstrations, and the version of its numbers.

    The defaults of `Traits` hold for a module without `TRAITS`: it needs demonstrations, but
    neither their rewards nor that they reach a goal, and its version is 1.
    """
    return getattr(ALGOS[name], "TRAITS", Traits())


def needs_actions(name: str, config: Any) -> bool:
    """Returns whether a method learns from demonstrated actions.

    Args:
        name: of the method.
        config: its settings.
    """
    trait = traits(name).needs_actions
    return traits(name).needs_demos and (trait(config) if callable(trait) else trait)


def reset_share(config: Any) -> float | None:
    """The share of episodes that begin at demonstrated states.

    Args:
        config: settings of a method; nested dataclasses are searched, too.

    Returns:
        The largest value of a field `resets`, in [0, 1]; None where there is no such field.
    """
    return _largest(config, "resets")


def relabelled_share(config: Any) -> float:
    """The share of demonstrated rows that get goals which their episode achieved later.

    Args:
        config: settings of a method; nested dataclasses are searched, too.

    Returns:
        The largest value of a field `relabel` or `critic_relabel`, in [0, 1]; 0 where there is
        none.
    """
    return max(_largest(config, name) or 0.0 for name in ("relabel", "critic_relabel"))


def stored_rows(config: Any) -> int:
    """The rows of experience that a method keeps for each seed, at most.

    Args:
        config: settings of a method; nested dataclasses are searched, too.

    Returns:
        The largest value of a field `capacity`; 0 where there is none.
    """
    return int(_largest(config, "capacity") or 0)


def _largest(config: Any, name: str) -> float | None:
    """The largest value of the fields with a name, in nested dataclasses too; None for none."""
    values = [getattr(config, f.name) for f in dataclasses.fields(config)]
    groups = [_largest(v, name) for v in values if dataclasses.is_dataclass(v)]
    found = [getattr(config, name, None), *groups]
    return max((x for x in found if x is not None), default=None)


def remembers(config: Any) -> bool:
    """Whether a policy with these settings has a memory; nested dataclasses are searched, too."""
    if isinstance(config, memory_config.Config):
        return config.used
    groups = [getattr(config, f.name) for f in dataclasses.fields(config)]
    return any(remembers(group) for group in groups if dataclasses.is_dataclass(group))


def needs_poses(config: Any) -> bool:
    """Whether a method with these settings uses the poses of its demonstrations.

    Args:
        config: settings of a method; its class says so with `needs_poses = True`, or it resets
            episodes to demonstrated states.
    """
    return bool(getattr(config, "needs_poses", False) or reset_share(config))


def family(name: str) -> str:
    """The title of a method's family; `""` for a method that does not come with the package."""
    parts = getattr(ALGOS[name], "__name__", "").split(".")
    return FAMILIES.get(parts[2], "") if parts[:2] == ["imitbench", "algos"] else ""


def settings_warnings(name: str, config: Any, spec: Spec) -> list[str]:
    """The method's own warnings about these settings on this task, one line each."""
    warnings = getattr(ALGOS[name], "warnings", None)
    return warnings(config, spec) if warnings else []


def episode_warnings(
    name: str, config: Any, lengths: Sequence[int], stride: int, spec: Spec
) -> list[str]:
    """The method's own warnings about the lengths of demonstrated episodes, one line each.

    Args:
        name: of the method.
        config: its settings.
        lengths: the steps of each episode.
        stride: one step in so many of each episode is kept.
        spec: the task.

    Raises:
        UserError: the method cannot use such episodes.
    """
    warnings = getattr(ALGOS[name], "episode_warnings", None)
    return warnings(config, lengths, stride, spec) if warnings else []


def build(name: str, config: Any, spec: Spec, env: Env, expert: Actor | Policy | None) -> Algorithm:
    """Builds a method, and passes on only what it declares.

    Args:
        name: of the method.
        config: its settings.
        spec: the task.
        env: the environment.
        expert: the expert; None where there is none and the method needs none.

    Returns:
        The method, with its version.

    Raises:
        UserError: the task observes images, and the method cannot see them.
    """
    if spec.image is not None and not traits(name).sees_images:
        able = ", ".join(k for k in ALGOS if traits(k).sees_images)
        raise UserError(
            f"{name} cannot learn from images, which {env.name} observes: use one of {able}, or "
            "the task that observes positions"
        )
    resources = {"env": env, "expert": expert}
    algo = ALGOS[name].make(config, spec, **{k: resources[k] for k in needs(name)})
    return algo._replace(version=traits(name).version)
