"""Published claims and numbers about the suites, a module for each suite."""

from __future__ import annotations

from types import ModuleType

from imitbench.suites.published import (
    awr,
    bcq,
    dagger,
    gail,
    goals,
    history,
    inverse,
    labels,
    learners,
    mix,
    model_based,
    motion,
    observations,
    offline,
    pixels,
    policies,
    vins,
    vins_rl,
)
from imitbench.suites.published.schema import Claim, Place, Published, Rate

__all__ = ["Claim", "Place", "Published", "Rate", "claims_of", "rates_of", "returns_of"]

MODULES: dict[str, ModuleType] = {
    "awr": awr, "bcq": bcq, "dagger": dagger, "gail": gail, "goals": goals, "history": history,
    "inverse": inverse, "labels": labels, "learners": learners, "mix": mix,
    "model_based": model_based, "motion": motion, "observations": observations,
    "offline": offline, "pixels": pixels, "policies": policies, "vins": vins,
    "vins_rl": vins_rl,
}  # fmt: skip


def claims_of(suite: str) -> tuple[Claim, ...]:
    """Returns the published claims about a suite; none for other suites."""
    return getattr(MODULES.get(suite), "CLAIMS", ())


def returns_of(suite: str) -> tuple[Published, ...]:
    """Returns the published returns for the tasks of a suite; none for other suites."""
    return getattr(MODULES.get(suite), "PUBLISHED", ())


def rates_of(suite: str) -> tuple[tuple[Rate, ...], str]:
    """Returns the published success rates for the tasks of a suite, and their source.

    For other suites there are no rates, and the source is empty.
    """
    module = MODULES.get(suite)
    return getattr(module, "RATES", ()), getattr(module, "RATES_SOURCE", "")
