"""Checks of the actions of experts that demonstrate."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from imitbench.core import rollout
from imitbench.core.types import Actor, Env, Transition
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

ROUNDING = 1e-5  # of actions at the bounds


def check_shape(env: Env, demonstrator: Actor, episodes: int, expert_name: str) -> None:
    """Checks the shape of the actions by tracing the demonstrator, which runs nothing.

    Args:
        env: the task's environment.
        demonstrator: the expert, perhaps disturbed.
        episodes: B, how many run side by side.
        expert_name: its name, for messages.

    Raises:
        UserError: it cannot be traced, or its actions have another shape.
    """

    def act(key: jax.Array) -> Any:
        state = jax.vmap(env.reset)(jax.random.split(key, episodes))
        decision, _ = demonstrator.act(key, demonstrator.start(key, state), state)
        return rollout.split_decision(decision)

    who = f"the {expert_name} expert of {env.name}"
    expected = (episodes,) if env.spec.discrete else (episodes, env.spec.action_size)
    try:
        shape = jax.eval_shape(act, jax.random.key(0))[1].shape
    except UserError:
        raise
    except Exception as error:  # the user's function may raise anything
        raise UserError(
            f"{who} cannot be traced by JAX ({type(error).__name__}: {one_line(error)}): expected "
            "(key, obs) -> action in JAX; a function of numpy goes to imitbench.collect as expert"
        ) from error
    if shape != expected:
        raise UserError(f"{who} gave actions of shape {shape}: expected {expected}; mend it")


def check_actions(steps: Transition, env: Env, expert_name: str) -> None:
    """Checks the intended actions; a rollout executes those that are not finite as 0.

    Args:
        steps: episodes [K, T, ...].
        env: the task's environment.
        expert_name: the expert's name, for messages.

    Raises:
        UserError: one is not finite, or out of range.
    """
    spec, actions = env.spec, np.asarray(steps.intended_action)
    low, high = (0, spec.action_size - 1) if spec.discrete else (-1 - ROUNDING, 1 + ROUNDING)
    wrong = ~((actions >= low) & (actions <= high))
    if wrong.any():
        episode, step = np.argwhere(wrong)[0][:2]
        raise UserError(
            f"the {expert_name} expert of {env.name} gave the action {actions[wrong][0]:g} in "
            f"episode {episode}, step {step}: expected {'choices' if spec.discrete else 'numbers'} "
            f"in [{round(low)}, {round(high)}]; mend the expert"
        )
