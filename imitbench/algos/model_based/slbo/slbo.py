"""SLBO: a model and a policy that learn in turns, the policy by TRPO in the model.

A stage collects real steps. Then rounds follow: the model learns from all real steps to predict
changes over several unrolled steps, and TRPO improves the policy on virtual steps, which the model
predicts from real initial states on. Reward and ends are known functions of the task.

The source bounds the return from below: V(policy, true) >= V(policy, model) - D(model, policy),
where D is the mean length of the model's error times discount / (1 - discount) and a Lipschitz
constant of the value, plus a term for the states of the old policy. It maximises the right side
over policy and model together, and therefore the loss is the length of an error and not its square,
and model and policy take turns.

With `sequence.tasks` above 0 the model comes from earlier tasks with other rewards, and the policy
is warmed up in it before the first real step.

Source: Luo et al. 2018 (arXiv:1807.03858), algorithm 2, with the settings of the authors' code
(github.com/facebookresearch/slbo); earlier tasks: Landolfi et al. 2019 (arXiv:1907.04964).

Different from the source: the noise on actions begins anew in each episode; only the model's output
layer begins near 0; the entropy bonus does not end, theirs after 50 stages; policies begin
orthogonal; virtual episodes begin in one of 512 initial states that are drawn in each stage; real
steps come from several environments. No code of Landolfi et al. was found: that the policy of a new
task begins anew is our reading.

Use it when real steps are expensive, the reward is known, and the observation is the whole state.

Sensitive to: `noise`, `rounds` * `policy_steps` (too many exploit the model), `model_horizon`, and
the real steps of a stage.
"""

from __future__ import annotations

import jax

from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.model_based.slbo import model, sequence, stages
from imitbench.algos.model_based.slbo.config import Config
from imitbench.algos.model_based.slbo.stages import State
from imitbench.algos.model_based.slbo.virtual_env import require_known_reward
from imitbench.core import policy_nets
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition

__all__ = ["TRAITS", "Config", "State", "export", "make", "warnings"]

TRAITS = Traits(needs_demos=False, version=3)  # 3: the entropy bonus is that of the authors' code


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """SLBO; one update is a stage. State: `State`.

    Raises:
        UserError: the actions are discrete, the reward is not known, or there are earlier tasks and
            the task is not one of a family.
    """
    reject_discrete(spec, env.name)
    require_known_reward(env)
    setup = stages.make_setup(config, spec)
    earlier = config.sequence
    if earlier.tasks:
        sequence.require_targets(env)

    def init(key: Key, demos: Transition) -> State:
        k_state, k_tasks = jax.random.split(key)
        state = stages.initial_state(setup, env, k_state)
        if earlier.tasks:
            state = sequence.learn_earlier_tasks(setup, env, k_tasks, state)
        return state

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        return stages.run(setup, env, key, state)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return setup.learner.act(key, state.core, stages.standardise(state.moments, obs))

    per_task = earlier.stages * setup.grad_steps + earlier.warm_up * setup.policy_grad_steps
    cost = Cost(
        env_steps=setup.env_steps,
        grad_steps=setup.grad_steps,
        grad_step_offset=-earlier.tasks * per_task,
    )
    return Algorithm(init, update, act, cost)


def export(config: Config, spec: Spec, state: State) -> policy_nets.MLPPolicy:
    """One seed's policy network with its normaliser, to be saved alone.

    Args:
        config: of the method.
        spec: of the task.
        state: of one seed.
    """
    params, norm = state.core.params["policy"]["net"], state.moments.obs.normaliser()
    return policy_nets.export_mlp(params, norm, model.CLIP, activation="tanh", head="clip")


def warnings(config: Config, spec: Spec) -> list[str]:
    """Says what the cost does not count."""
    earlier = config.sequence
    if not earlier.tasks:
        return []
    steps = earlier.tasks * earlier.stages * config.envs * config.length
    return [
        f"sequence.tasks={earlier.tasks}: {steps:,} real steps of earlier tasks come before the "
        "first update and are not counted"
    ]
