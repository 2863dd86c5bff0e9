"""What a discriminator sees of steps: some fields of the state, without the others.

Source: Zhu et al. 2018 (arXiv:1802.09564): their discriminator sees the positions and
velocities of objects and not the arm, whose movements tell the policy's steps from the expert's too
easily.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.algos.common.goal_features import parse_term, term_value
from imitbench.core.observations.hidden_state import full_obs
from imitbench.core.types import Spec, Transition
from imitbench.utils.errors import UserError


class StateView(NamedTuple):
    """What is seen."""

    spec: Spec  # with the size of what is seen
    see: Callable[[Transition], Transition]  # steps whose `obs` and `next_obs` are what is seen


def make_state_view(names: Sequence[str], spec: Spec) -> StateView:
    """Builds the view of a task's steps.

    Args:
        names: the fields that are seen, or differences "a - b" of two of them, of the observation;
            of the full task's observation where the task observes images. None: all fields.
        spec: the task.

    Returns:
        The view. On a task with images, steps of a rollout have observations for training, and
        demonstrations have `full_obs`; their `next_obs` are meaningless there.

    Raises:
        UserError: there is no such field, or the two of a difference have unequal sizes; later,
            demonstrations hold no full observations.
    """
    fields = spec.fields if spec.image is None else spec.image.full
    terms = [parse_term(name, fields, "field in compared_fields") for name in names or fields]
    size = sum(fields[term[0]].stop - fields[term[0]].start for term in terms)
    seen_spec = replace(spec, obs_size=size, image=None, goal=None)

    def view(obs: jax.Array) -> jax.Array:
        named = {name: obs[..., fields[name]] for term in terms for name in term}
        return jnp.concatenate([term_value(term, named) for term in terms], axis=-1)

    def see(steps: Transition) -> Transition:
        if spec.image is None:
            return steps.replace(obs=view(steps.obs), next_obs=view(steps.next_obs))
        if steps.full_obs is not None:
            obs = view(steps.full_obs)
        elif steps.obs.shape[-1] == spec.obs_size:
            raise UserError(
                "the demonstrations hold images without the states that the discriminator "
                "compares: take those of the task's own experts"
            )
        else:
            obs = view(full_obs(spec.image, steps.obs))
        return steps.replace(obs=obs, next_obs=obs)

    return StateView(seen_spec, see)


def check_image_settings(spec: Spec, compared: str, clone_steps: int) -> None:
    """Checks the settings of GAIL on a task with images.

    Raises:
        UserError: transitions are compared, or the policy is cloned first.
    """
    if spec.image is None:
        return
    if compared == "transition":
        raise UserError(
            "discriminator.inputs=transition: expected state or state-action on a task with "
            "images, whose demonstrations hold the states before each step alone"
        )
    if clone_steps:
        raise UserError(
            f"clone_steps={clone_steps}: expected 0 on a task with images, where this method does "
            "not clone; use bc or dagger"
        )
