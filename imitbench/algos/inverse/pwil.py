"""PWIL: SAC on the reward of a greedy coupling of its steps with demonstrated ones.

Source: Dadashi et al. 2021 (arXiv:2006.04678), algorithm 1, with the official code's rewards: one
demonstrated step in 20, standardised.

Different from the source: the learner is SAC instead of D4PG, whose critic holds values within -150
and 150 (here only if `value_range` says so), and the first own steps have uniformly random actions.
The replay begins with demonstrated steps as in the later code of Acme: all of them, with their true
successors, here drawn at random. The first official code has the kept ones alone there, each with
the next kept one as its successor.

Use it when a reward that does not change while the policy learns is wanted: there is nothing to
train but SAC.

Sensitive to: early ends of episodes (no reward is negative, so long episodes pay), `decay`, the
scales of observations and actions, `value_range`, demonstrations from other initial states than the
policy's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from imitbench.algos.adversarial.discriminator import Inputs
from imitbench.algos.common import off_policy, off_policy_loop, replay_buffer
from imitbench.algos.common.off_policy import Setup
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.common.reward_model import TASK_REWARD
from imitbench.algos.common.successors import known_successors
from imitbench.algos.inverse import pwil_coupling
from imitbench.algos.inverse.pwil_coupling import Atoms, PaidEnv, Payment
from imitbench.algos.rl import sac
from imitbench.core import buffer, ops, policy_nets
from imitbench.core.config import require, require_choice
from imitbench.core.types import Algorithm, Env, Key, Metrics, Spec, Traits, Transition
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings of PWIL: those of SAC, and of the reward."""

    scale: float = 5.0
    """The largest reward of a step, above 0 (alpha in the paper)."""
    decay: float = 5.0
    """How fast the reward falls with the cost of a step, above 0 (beta in the paper)."""
    subsample: int = 20
    """Keep one step in so many of each demonstrated episode, 1 or more."""
    prefill: int = 50_000
    """Demonstrated steps, drawn with replacement from all, with which the replay begins; their
    reward is `scale`. 0 for none; nor are there any where `inputs` leaves actions out."""
    inputs: Inputs = "state-action"
    """What is compared. state-action: observations and executed actions. transition: observations
    and the next ones. state: observations alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("scale", "decay"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require(self.subsample >= 1, self, "subsample", "1 or more")
        expected = f"0 to {self.replay.capacity}, the capacity of the replay"
        require(0 <= self.prefill <= self.replay.capacity, self, "prefill", expected)
        require_choice(self, "inputs", Inputs)
        if self.replay.her:
            raise UserError(
                f"replay.her={self.replay.her:g}: expected 0, because hindsight goals have the "
                "task's reward and pwil pays another one"
            )
        if self.replay.goal_ends:
            raise UserError(
                "replay.goal_ends=True: expected False, because pwil pays for staying with the "
                "demonstrations, and an end at the goal would forgo that"
            )


def needs_actions(config: Config) -> bool:
    """Returns whether demonstrated actions are compared."""
    return config.inputs == "state-action"


TRAITS = Traits(version=4, needs_actions=needs_actions)
FEW_ATOMS = 10  # of an episode; below that there is a warning


def episode_warnings(config: Config, lengths: Sequence[int], stride: int, spec: Spec) -> list[str]:
    """Says where demonstrated episodes leave few atoms.

    Args:
        config: the settings.
        lengths: the steps of each demonstrated episode.
        stride: one step in so many of each episode is kept.
        spec: the task.

    Raises:
        UserError: the episodes cannot be coupled with those of the task.
    """
    pwil_coupling.check_longest(max(lengths), spec)
    shortest = min(lengths)
    atoms = -(-shortest // (stride * config.subsample))
    if atoms >= FEW_ATOMS or stride * config.subsample == 1:
        return []
    where = f"subsample={config.subsample}" + (f" and stride={stride}" if stride > 1 else "")
    return [
        f"{where}: a demonstrated episode of {shortest} steps leaves at most {atoms} "
        f"atom{'s' if atoms > 1 else ''} to be near, and all steps there are paid alike; keep more "
        "of its steps"
    ]


def paid_setup(setup: Setup, payment: Payment, atoms: Atoms) -> Setup:
    """The parts of the method for one seed's atoms, which its reward state keeps."""
    model = TASK_REWARD._replace(init=lambda key, demos: atoms)
    return setup._replace(env=PaidEnv(setup.env, atoms, payment), reward_model=model)


def init(
    setup: Setup, payment: Payment, stride: int, key: Key, demos: Transition
) -> off_policy.State:
    """Draws the atoms; the state before the first update."""
    pwil_coupling.check_lengths(demos, setup.spec)
    followed = known_successors(demos)
    if payment.inputs == "transition":
        demos = followed
    kept = pwil_coupling.thin(ops.fold_in_name(key, "atoms"), demos, stride)
    atoms = pwil_coupling.make_atoms(kept, demos, payment, stride)
    state = off_policy.initial_state(paid_setup(setup, payment, atoms), key, demos)
    if not setup.prefilled:
        return state
    key = ops.fold_in_name(key, "prefill")
    rows = demonstrated_rows(key, followed, setup.prefilled, setup.config.envs, payment.scale)
    return state.replace(replay=buffer.append(state.replay, rows))


def demonstrated_rows(
    key: Key, demos: Transition, count: int, envs: int, reward: float
) -> Experience:
    """Draws demonstrated steps, with replacement, with which a replay begins.

    Args:
        key: random key.
        demos: rows [N].
        count: how many, a multiple of `envs`.
        envs: parallel environments of the replay.
        reward: of each step.

    Returns:
        Leaves [count / envs, envs, ...].
    """
    rows = replay_buffer.demo_experience(demos)
    rows = rows.replace(reward=jnp.full_like(rows.reward, reward))
    drawn = buffer.real_row_sampler(rows, demos.weight)(key, count)
    return jax.tree.map(lambda x: x.reshape(-1, envs, *x.shape[1:]), drawn)


def update(
    setup: Setup, payment: Payment, key: Key, state: off_policy.State, demos: Transition
) -> tuple[off_policy.State, Metrics]:
    """One update of the off-policy loop; "imitation_reward" is the mean reward of its steps."""
    setup = paid_setup(setup, payment, state.reward_state)
    state, metrics = off_policy_loop.update(setup, key, state, demos)
    return state, metrics | {"imitation_reward": metrics.pop("reward")}


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """One seed's policy, to be saved alone."""
    return sac.export(config, spec, state)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """PWIL on what `inputs` names of the demonstrations.

    State: `off_policy.State` of a `sac.State`, whose reward state is `pwil_coupling.Atoms`.
    """
    learner, payment = (
        sac.learner(config, spec),
        Payment(config.scale, config.decay, config.inputs),
    )
    algo = off_policy_loop.make(config.replay, spec, env, learner)
    envs = config.replay.envs
    prefilled = config.prefill // envs * envs if needs_actions(config) else 0
    setup = Setup(config.replay, spec, env, learner, prefilled=prefilled)
    return algo._replace(
        init=partial(init, setup, payment, config.subsample),
        update=partial(update, setup, payment),
    )
