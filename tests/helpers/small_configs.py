"""Settings that cost time, made small: every method in an instant."""

from __future__ import annotations

import dataclasses
from typing import Any

SMALL = {
    "batch": 16,
    "hidden": (16,),
    "steps": 3,
    "fits": 2,
    "start_fits": 2,
    "episodes": 2,
    "capacity": 400,
    "validation": 0.25,
    "envs": 2,
    "length": 4,
    "epochs": 2,
    "minibatches": 2,
    "rounds": 3,
    "warmup": 10,
    "grad_steps": 2,
    "her": 0.0,
    "demo_batch": 8,
    "vae_hidden": (16,),
    "model_hidden": (16,),
    "model_steps": 5,
    "model_batch": 16,
    "states": 8,
    "k": 5,
    "pretrain": 6,
    "policy_steps": 3,
    "value_steps": 3,
    "explore": 20,
    "learn_after": 20,
    "queue": 40,
    "prefill": 8,
}


def shrink(config: Any, **more: Any) -> Any:
    """The config with every setting that costs time made small, and with `more` where it has such
    a setting, in nested groups too."""
    small, changes = SMALL | more, {}
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            changes[f.name] = shrink(value, **more)
        elif f.name in small:
            changes[f.name] = small[f.name]
    return dataclasses.replace(config, **changes)
