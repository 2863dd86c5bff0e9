"""DDPG with demonstrations: DDPG that replays demonstrated steps and clones them behind a Q filter.

Source: Nair et al. 2018 (arXiv:1709.10089), sections IV and V. Each minibatch holds demonstrated
steps beside the agent's, both with hindsight goals. The policy is drawn to a demonstrated action
where the critic prefers it to the policy's. `replay.resets` begins episodes at demonstrated states.

Different from the source: `clone` is one number in place of the paper's two loss weights and the
number of demonstrated rows; a third of a minibatch is demonstrated, where the authors' has an
eighth (128 of 1,024 rows). As in the buffer of demonstrations of openai/baselines, the running
moments begin with the demonstrated observations. Episodes that begin at a demonstrated state have
the goal of its demonstration; the paper resets to any demonstrated state and takes the state that
its demonstration ends in as the goal.

Use it when the reward is sparse, goals can be relabelled and a few demonstrations reach them.

Sensitive to: `clone`, `q_filter`, `replay.her`, `replay.resets`, and the quality of the
demonstrations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp

from imitbench.algos.common import off_policy, off_policy_loop
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.rl import ddpg, td3, td3_losses
from imitbench.core import ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Env, Key, Spec, Traits, Transition

TRAITS = Traits(needs_rewards=True, version=2)  # 2: the moments begin with the demonstrations
export = ddpg.export


@dataclass(frozen=True)
class Config(ddpg.Config):
    """Settings of DDPG with demonstrations."""

    replay: off_policy.Config = field(default_factory=lambda: off_policy.Config(her=4.0))
    """Settings of collecting and replay; demonstrated steps get hindsight goals too."""
    demo_batch: int = 128
    """Demonstrated steps in a minibatch, beside the `replay.batch` others."""
    clone: float = 1000.0
    """Weight of the cloning loss relative to the values: lambda_2 N_D / lambda_1 in the paper."""
    q_filter: bool = True
    """Clone only where the critic prefers the demonstrated action to the policy's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.demo_batch >= 1, self, "demo_batch", "1 or more; for none there is ddpg")
        require(self.clone >= 0, self, "clone", "0 or more")


def cloning_objective(
    config: Config, value: td3_losses.Value, action: jax.Array, rows: Experience
) -> jax.Array:
    """`clone` times the cloning loss, minus the mean value of the policy's actions (section IV).

    Args:
        config: of the method.
        value: the first critic.
        action: the policy's, [N, A].
        rows: steps [N], the last `demo_batch` of which are demonstrated.

    Returns:
        The loss []. The cloning loss is the squared distance from the demonstrated actions, summed
        over components and averaged over the demonstrated rows; a filtered row counts as 0.
    """
    q = value(rows.obs, action)
    demos = slice(-config.demo_batch, None)
    demo_action = rows.action[demos]
    distance = jnp.sum((action[demos] - demo_action) ** 2, axis=-1)
    if config.q_filter:
        demo_is_better = value(rows.obs[demos], demo_action) > q[demos]
        distance = jnp.where(demo_is_better, distance, 0.0)
    return config.clone * jnp.mean(distance) - jnp.mean(q)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """DDPG on the task's reward and on demonstrated whole episodes with their rewards; set
    `replay.her` to 0 on a task without goals.

    The state is an `off_policy.State` whose `learner` is a `td3.State`.
    """
    objective = partial(cloning_objective, config)
    learner = td3.learner(
        config, spec, noise=config.noise, uniform=config.uniform, objective=objective
    )
    algo = off_policy_loop.make(config.replay, spec, env, learner, demo_batch=config.demo_batch)

    def init(key: Key, demos: Transition) -> off_policy.State:
        state = algo.init(key, demos)
        demos = off_policy.demos_until_goal(config.replay, demos)
        return state.replace(moments=ops.weighted_moments(demos.obs, demos.weight))

    return algo._replace(init=init)
