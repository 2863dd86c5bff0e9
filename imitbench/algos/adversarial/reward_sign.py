"""Warnings about the sign of a discriminator's reward on tasks whose episodes can end early.

A reward of constant sign teaches a policy to prolong or to end episodes, whatever the expert does.
"""

from __future__ import annotations

from typing import Literal, Protocol

from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.core.types import Spec

Sign = Literal["positive", "negative", "either"]


class AdversarialConfig(Protocol):
    """The settings that matter here, of `gail_loop.Config`."""

    @property
    def discriminator(self) -> DiscriminatorConfig: ...
    @property
    def imitation(self) -> float: ...
    @property
    def constant(self) -> bool: ...


def reward_sign(config: DiscriminatorConfig) -> Sign:
    """The sign of the rewards that a discriminator with these settings makes."""
    if config.divergence:
        return "positive" if config.divergence == "kl" and not config.centred else "either"
    return "either" if config.reward == "logit" else config.reward


def warnings(config: AdversarialConfig, spec: Spec) -> list[str]:
    """Warns of rewards whose sign alone teaches the wrong behaviour on this task.

    Args:
        config: settings of the method.
        spec: the task; `spec.ends` says what ends its episodes early.

    Returns:
        One line for each warning; none where the discriminator's reward is not used.
    """
    if config.constant or config.imitation == 0:
        return []
    sign = reward_sign(config.discriminator)
    setting = "divergence=kl" if config.discriminator.divergence else "reward=positive"
    setting += " with centred=false" if config.discriminator.centred else ""
    remedy = (
        "take the task's form that does not end early (-fh), where it has one, or "
        f"discriminator.{setting}"
    )
    consequences = {
        ("negative", "failure"): f"a policy gains by failing early; {remedy}",
        ("either", "failure"): "a policy gains by failing early once the discriminator recognises "
        f"its steps; {remedy}",
        ("positive", "success"): "a policy gains by delaying success; take "
        "discriminator.reward=negative",
    }
    rewards = "rewards of either sign" if sign == "either" else f"{sign} rewards"
    return [
        f"{rewards} where episodes end with {end}: {consequences[sign, end]}"
        for end in spec.ends.split(" or ")
        if (sign, end) in consequences
    ]
