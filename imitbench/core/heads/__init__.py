"""Policy heads: from what a policy sees to actions, by regression or by a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from imitbench.core.config import require
from imitbench.core.heads import (
    bins,
    diffusion,
    flow,
    grid,
    kmeans,
    latent,
    mixture,
    regression,
)
from imitbench.core.heads.head import Head
from imitbench.core.heads.scaling import scaled

__all__ = ["Config", "Head", "Kind", "make"]

Kind = Literal[
    "default", "deterministic", "gaussian", "mixture", "latent", "bins", "autoregressive",
    "grid", "kmeans", "ddpm", "ddim", "flow", "two-pass",
]  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Settings of a policy head. Each kind uses its own."""

    kind: Kind = "default"
    """default: as the method's loss says. deterministic: regression. gaussian and mixture: by their
    likelihood. latent: a conditional variational autoencoder. bins and autoregressive: categorical
    over bins of each component, independent or one after the other. grid: one of a grid of actions,
    the most likely when acting. kmeans: a cluster of actions and an offset (BeT). ddpm and ddim:
    diffusion. flow: flow matching. two-pass: regression that corrects itself once (MIP)."""
    modes: int = 5
    """Gaussians of the mixture."""
    latents: int = 8
    """Size of the latent."""
    kl: float = 0.02
    """Weight of the divergence of the latent from its prior."""
    bins: int = 32
    """Bins, or levels of the grid, of each component of the action."""
    centres: int = 32
    """Clusters of kmeans."""
    offset: float = 1.0
    """Weight of the error of kmeans's offsets, whose actions are scaled to [-1, 1]."""
    noise_steps: int = 50
    """Noise steps of ddpm and ddim in training."""
    sample_steps: int = 10
    """Steps of ddim and flow when acting; ddpm takes all of its noise steps."""
    predicts: Literal["action", "noise"] = "action"
    """What the network of ddpm and ddim predicts."""

    def __post_init__(self) -> None:
        names = ("modes", "latents", "centres", "noise_steps", "sample_steps")
        for name in names:
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.bins >= 2, self, "bins", "2 or more")
        for name in ("kl", "offset"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        if self.kind == "ddim":
            expected = f"at most noise_steps={self.noise_steps}"
            require(self.sample_steps <= self.noise_steps, self, "sample_steps", expected)


def make(
    config: Config, hidden: Sequence[int], seen: int, size: int, *, full_range: bool = False
) -> Head:
    """Builds a head, around which actions are scaled to the range of the data.

    Args:
        config: a kind other than default, and its settings.
        hidden: widths of the hidden layers.
        seen: O, size of what the policy sees.
        size: A, size of an action.
        full_range: scale by the range [-1, 1] of all actions instead, for methods whose first data
            do not show what is to come.
    """
    c, sizes = config, (hidden, seen, size)
    builders = {
        "deterministic": lambda: regression.deterministic(*sizes),
        "gaussian": lambda: regression.gaussian(*sizes),
        "mixture": lambda: mixture.mixture(*sizes, c.modes),
        "latent": lambda: latent.latent(*sizes, c.latents, c.kl),
        "bins": lambda: bins.independent_bins(*sizes, c.bins),
        "autoregressive": lambda: bins.autoregressive_bins(*sizes, c.bins),
        "grid": lambda: grid.action_grid(*sizes, c.bins),
        "kmeans": lambda: kmeans.kmeans(*sizes, c.centres, c.offset),
        "ddpm": lambda: diffusion.diffusion(
            *sizes, c.noise_steps, c.sample_steps, c.predicts, ancestral=True
        ),
        "ddim": lambda: diffusion.diffusion(
            *sizes, c.noise_steps, c.sample_steps, c.predicts, ancestral=False
        ),
        "flow": lambda: flow.flow(*sizes, c.sample_steps),
        "two-pass": lambda: flow.two_pass(*sizes),
    }
    return scaled(builders[c.kind](), full_range)
