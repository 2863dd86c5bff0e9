"""The methods by name. Each is a module with a frozen `Config` and a `make` whose parameters say
what the method may touch: (config, spec), and after them `env` and `expert` where it needs them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from imitbench.algos.adversarial import airl, dac, dac_sac, gail, gail_trpo, sqil
from imitbench.algos.cloning import bc, dagger, dart
from imitbench.algos.model_based import vins, vins_rl, vins_true
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

ALGOS: dict[str, ModuleType | SimpleNamespace] = {
    "bc": bc,
    "dagger": dagger,
    "dart": dart,
    "gail": gail,
    "gail_trpo": gail_trpo,
    "airl": airl,
    "dac": dac,
    "dac_sac": dac_sac,
    "sqil": sqil,
    "vins": vins,
    "vins_true": vins_true,
    "vins_rl": vins_rl,
    # From fixed data with rewards.
    "bcq": bcq,
    "td3_bc": td3_bc,
    "iql": iql,
    "marwil": marwil,
    "offline_awr": offline_awr,
    "offline_rwr": offline_rwr,
    "offline_td3": offline_td3,
    "offline_ddpg": offline_ddpg,
    # By trial and error.
    "ppo": ppo,
    "trpo": trpo,
    "sac": sac,
    "td3": td3,
    "ddpg": ddpg,
    "ddpg_demos": ddpg_demos,  # and from demonstrations
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
    """Adds a method of the user's own, for this process.

    Args:
        config: a frozen dataclass that can be made without arguments. One with a field `resets`,
            the share of episodes that begin at demonstrated states, gets these with poses.
        make: as in the modules here: (config, spec), and after them `env` and `expert` where it
            needs them.
        about: one line.
        traits: what it needs of its demonstrations, and the version of its numbers.

    Raises:
        UserError: a name that is taken, or parameters that are not these.
    """
    if name in ALGOS:
        raise UserError(f"a method {name!r} is there already: take another name")
    parameters = list(inspect.signature(make).parameters)
    if parameters[:2] != ["config", "spec"] or not set(parameters[2:]) <= {"env", "expert"}:
        raise UserError(
            f"make({', '.join(parameters)}) of {name}: expected (config, spec), then env and "
            "expert where it needs them"
        )
    ALGOS[name] = SimpleNamespace(Config=config, make=make, __doc__=about, TRAITS=traits)


def needs(name: str) -> tuple[str, ...]:
    """What a method touches beyond the demonstrations: `env`, `expert`, both or neither."""
    return tuple(inspect.signature(ALGOS[name].make).parameters)[2:]


def traits(name: str) -> Traits:
    """What a method needs of its demonstrations, and its version."""
    return getattr(ALGOS[name], "TRAITS", Traits())


def reset_share(config: Any) -> float | None:
    """The share of episodes that begin at demonstrated states, from wherever in the settings; None
    where there is no such setting."""
    values = [getattr(config, f.name) for f in dataclasses.fields(config)]
    groups = [v for v in values if dataclasses.is_dataclass(v)]
    found = [getattr(config, "resets", None), *map(reset_share, groups)]
    return max((x for x in found if x is not None), default=None)


def settings_warnings(name: str, config: Any, spec: Spec) -> list[str]:
    """What is odd about these settings on this task: one line each."""
    look = getattr(ALGOS[name], "warnings", None)
    return look(config, spec) if look else []


def build(name: str, config: Any, spec: Spec, env: Env, expert: Actor | Policy | None) -> Algorithm:
    """The method, given what it declares and nothing else."""
    given = {"env": env, "expert": expert}
    algo = ALGOS[name].make(config, spec, **{k: given[k] for k in needs(name)})
    return algo._replace(version=traits(name).version)
