"""GCSL: roll out with the task's goals, and clone each rollout with the goals that it reached.

Source: Ghosh et al. 2021 (arXiv:1912.06088), algorithm 1, with the settings of the official code.

Different from the source: observations are normalised by the moments of what was collected, with
the goals that were desired and those that were reached; all episodes are learned from, while the
official code holds a fifth of them out.

Use it when the environment can be stepped, goals can be read off the state, and no reward is to be
used; with rewards, hindsight experience replay (`ddpg` with `replay.her`) needs fewer steps.

Sensitive to: `explore` (the first goals that are reached are those of random actions), `head`
(three levels for each component of the action), `steps_left`, and `updates_per_step`.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from imitbench.algos.cloning import bc_config
from imitbench.algos.cloning.relabelling import Relabeller
from imitbench.algos.common import hindsight
from imitbench.algos.goal import gcsl_loop, goal_clone
from imitbench.algos.goal.gcsl_config import Config, grad_steps
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition

__all__ = ["TRAITS", "Config", "make"]
TRAITS = Traits(needs_demos=False)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """GCSL on the task's goals and without its rewards. One update is `rounds` rounds. The state is
    a `gcsl_loop.State`."""
    hindsight.require_goals(spec, "gcsl")
    relabeller = Relabeller(spec, 1.0, "pairs", config.steps_left)
    clone_config = bc_config.Config(
        lr=config.lr,
        batch=config.batch,
        hidden=config.hidden,
        clip=config.clip,
        validation=0.0,
        steps=grad_steps(config, spec),
        head=config.head,
    )
    clone = goal_clone.learner(clone_config, spec, relabeller, full_range=True)
    setup = gcsl_loop.Setup(config, spec, env, clone, relabeller)

    def update(
        key: Key, state: gcsl_loop.State, demos: Transition
    ) -> tuple[gcsl_loop.State, Metrics]:
        keys = jax.random.split(key, config.rounds)
        state, (learned, metrics) = jax.lax.scan(partial(gcsl_loop.run_round, setup), state, keys)
        share = learned / jnp.maximum(jnp.sum(learned), 1)
        means = {k: jnp.sum(share * v) for k, v in metrics.items() if k != "collected_success"}
        return state, means | {"collected_success": jnp.mean(metrics["collected_success"])}

    functions = goal_clone.acting(clone, spec, config.steps_left)
    actor = functions["actor"]
    idle_rounds = config.learn_after // setup.steps_per_round
    return Algorithm(
        partial(gcsl_loop.initial_state, setup),
        update,
        lambda key, state, obs: functions["act"](key, state.clone, obs),
        Cost(
            env_steps=config.rounds * setup.steps_per_round,
            grad_steps=config.rounds * setup.grad_steps,
            grad_step_offset=idle_rounds * setup.grad_steps,
        ),
        actor=(lambda state: actor(state.clone)) if actor else None,
    )
