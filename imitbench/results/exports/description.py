"""The description of an exported policy: what it is, and what its numbers mean."""

from __future__ import annotations

from typing import Any

from imitbench.results.cells.policies import StoredPolicy, original_bounds
from imitbench.utils import machine

SCHEMA = 1


def describe(policy: StoredPolicy) -> dict[str, Any]:
    """Describes a policy.

    Args:
        policy: a stored policy.

    Returns:
        JSON data: the task, the method, the training seed, the checksum of the stored policy, the
        fields of an observation, the meaning of an action, and versions.
    """
    card, spec = policy.card, policy.env.spec
    return {
        "schema": SCHEMA,
        "task": card.task,
        "method": card.method,
        "version": card.version,
        "seed": policy.seed,
        "sha256": card.sha256.get(str(policy.seed), ""),
        "observation": {
            "size": spec.obs_size,
            "dtype": "float32",
            "units": "those of the task's observation, not normalised",
            "fields": {name: [part.start, part.stop] for name, part in spec.fields.items()},
            "desired_goal": spec.goal.desired if spec.goal else None,
        },
        "action": _action(policy),
        "versions": {k: v for k, v in machine.versions().items() if v is not None},
    }


def _action(policy: StoredPolicy) -> dict[str, Any]:
    spec = policy.env.spec
    if spec.discrete:
        return {"choices": spec.action_size, "dtype": "int32", "units": "0, 1, ..., choices - 1"}
    low, high = original_bounds(policy.env)
    return {
        "size": spec.action_size,
        "dtype": "float32",
        "range": [-1.0, 1.0],
        "original_low": low,
        "original_high": high,
        "units": "-1 and 1 are `original_low` and `original_high` in the original environment",
    }
