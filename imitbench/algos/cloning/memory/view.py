"""What a policy sees: observations with features, normalised; with a memory, windows of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.algos.cloning.bc_config import Config
from imitbench.algos.cloning.memory import windows
from imitbench.algos.cloning.memory.windows import Pairs, Windows
from imitbench.algos.common.goal_features import FeatureMap, make_feature_map
from imitbench.core import buffer, ops, rollout
from imitbench.core.observations import images
from imitbench.core.streamed import StreamedRows
from imitbench.core.types import Key, Spec, Transition
from imitbench.utils.errors import UserError

CHANGE_FLOOR = 1e-3
"""Lower bound of the standard deviation of changes from step to step: a tenth of that of
observations."""


@dataclass(frozen=True, eq=False)
class View:
    """From pairs to the inputs of a policy's network; all methods are pure functions."""

    config: Config
    spec: Spec
    features: FeatureMap | None  # what the policy sees besides the observation

    @property
    def size(self) -> int:
        """The size of what the network sees of a step: of a token, where there is a memory."""
        image = self.spec.image
        obs_size = image.numbers + image.size if image else self.spec.obs_size
        size = obs_size + (self.features.size if self.features else 0)
        size *= 1 + self.config.memory.differences
        return size + (self.spec.action_size if self.config.memory.past_actions else 0)

    @property
    def clip(self) -> float:
        """The bound of the network's inputs."""
        return self.config.clip if self.config.normalise_obs else float("inf")

    def see(self, obs: jax.Array) -> jax.Array:
        """What the policy sees [..., O + F] of observations [..., O]."""
        if self.features is None:
            return obs
        seen = self.features.features(self.features.state(obs), self.features.desired(obs))
        return jnp.concatenate([obs, seen], axis=-1)

    def inputs(self, norm: ops.Normaliser, obs: jax.Array) -> jax.Array:
        """The network's inputs [..., O + F]: what the policy sees, normalised and bounded.

        Of observations with images: the numbers beside them, normalised and bounded, then the
        image's bytes as numbers.
        """
        if self.spec.image is not None:
            numbers, pixels = images.split(self.spec.image, obs)
            seen = norm(numbers, self.clip)
            return jnp.concatenate([seen, pixels.astype(jnp.float32)], axis=-1)
        return norm(self.see(obs), self.clip)

    def inputs_of(self, norm: ops.Normaliser, rows: Pairs | Windows) -> jax.Array:
        """The network's inputs [N, .] at rows; with a memory the tokens [N, H, .] of windows."""
        if isinstance(rows, Windows):
            return self.tokens(norm, rows.obs, rows.previous)
        return self.inputs(norm, rows.obs)

    def tokens(self, norm: ops.Normaliser, obs: jax.Array, previous: jax.Array) -> jax.Array:
        """The tokens [..., H, .] of observations [..., H, O] and the actions before them."""
        if self.config.memory.differences:
            seen = self.see(obs)
            before = jnp.concatenate([seen[..., :1, :], seen[..., :-1, :]], axis=-2)
            seen = norm(jnp.concatenate([seen, seen - before], axis=-1), self.clip)
        else:
            seen = self.inputs(norm, obs)
        return jnp.concatenate([seen, previous], -1) if self.config.memory.past_actions else seen

    def examples(self, pairs: Pairs) -> Pairs | Windows:
        """All pairs [N] as the policy sees them."""
        if not self.config.memory.used:
            return pairs
        return windows.gather(self.config.memory, self.spec, pairs, jnp.arange(len(pairs.weight)))

    def sampler(self, pairs: Pairs) -> Callable[[Key, int], Any]:
        """A function (key, batch) -> examples drawn from the pairs of positive weight."""
        if not self.config.memory.used:
            return buffer.real_row_sampler(pairs, pairs.weight)
        return windows.sampler(self.config.memory, self.spec, pairs)

    def augment(self, key: Key, rows: Pairs | Windows) -> Pairs | Windows:
        """Examples [N] for training, whose images are shifted at random."""
        most = self.config.images.shift
        if self.spec.image is None or not most:
            return rows
        return rows.replace(obs=images.shift_at_random(key, self.spec.image, rows.obs, most))

    def pairs_of_rollout(self, steps: Transition) -> Pairs:
        """The pairs [B * T] of a rollout's episodes [T, B]: observations and intended actions."""
        flat = rollout.flatten(steps)
        places = windows.steps_of_rollout(steps) if self.config.memory.used else None
        return Pairs(flat.obs, flat.intended_action, flat.weight, places)

    def fit_normaliser(self, pairs: Pairs) -> ops.Normaliser:
        """Fits the normaliser to what the policy sees of the pairs [N], differences included;
        images have none. It changes nothing where the settings say so."""
        norm = self._fitted(pairs)
        if self.config.normalise_obs:
            return norm
        return ops.Normaliser(jnp.zeros_like(norm.mean), jnp.ones_like(norm.std))

    def _fitted(self, pairs: Pairs) -> ops.Normaliser:
        if self.spec.image is not None:
            numbers, _ = images.split(self.spec.image, pairs.obs)
            return ops.fit_normaliser(numbers, pairs.weight)
        if self.features is not None and isinstance(pairs.obs, StreamedRows):
            raise UserError(
                f"features={list(self.config.features)}: cannot be computed of data that stay in "
                "files; leave stream or features out"
            )
        seen = self.see(pairs.obs)
        norm = ops.fit_normaliser(seen, pairs.weight)
        if not self.config.memory.differences:
            return norm
        assert pairs.steps is not None
        before = (jnp.arange(len(seen)) - jnp.minimum(pairs.steps.past, 1)) % len(seen)
        changes = ops.fit_normaliser(seen - seen[before], pairs.weight, floor=CHANGE_FLOOR)
        return jax.tree.map(lambda *x: jnp.concatenate(x), norm, changes)


def make_view(config: Config, spec: Spec) -> View:
    """Builds the view.

    Raises:
        UserError: features of another task, or of one with images; differences of images.
    """
    if spec.image is not None and config.memory.differences:
        raise UserError(
            "memory.differences=True: the task's observations are images; expected False, and "
            "memory.history alone"
        )
    if spec.image is not None and config.features:
        raise UserError(
            f"features={list(config.features)}: the task's observations are images, which have no "
            "such fields; leave features out"
        )
    features = make_feature_map(spec, config.features, "features") if config.features else None
    return View(config, spec, features)
