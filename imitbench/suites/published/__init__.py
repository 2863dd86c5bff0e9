"""What the literature says of the suites: claims and numbers, a module for each suite."""

from __future__ import annotations

from types import ModuleType

from imitbench.suites.published import awr, bcq, dagger, gail, learners, mix, vins, vins_rl
from imitbench.suites.published.schema import Claim, Place, Published, Rate

__all__ = ["Claim", "Place", "Published", "Rate", "claims_of", "rates_of", "returns_of"]

MODULES: dict[str, ModuleType] = {
    "awr": awr, "bcq": bcq, "dagger": dagger, "gail": gail, "learners": learners, "mix": mix,
    "vins": vins, "vins_rl": vins_rl,
}  # fmt: skip


def claims_of(suite: str) -> tuple[Claim, ...]:
    """The literature's claims about a suite; none for other suites."""
    return getattr(MODULES.get(suite), "CLAIMS", ())


def returns_of(suite: str) -> tuple[Published, ...]:
    """The returns that others published for a suite's tasks; none for other suites."""
    return getattr(MODULES.get(suite), "PUBLISHED", ())


def rates_of(suite: str) -> tuple[tuple[Rate, ...], str]:
    """The success rates that others published for a suite's tasks, and where; none for others."""
    module = MODULES.get(suite)
    return getattr(module, "RATES", ()), getattr(module, "RATES_SOURCE", "")
