"""VINS: greedy one-step control by a value function that falls off away from the demonstrations.

V is the value and V' its target network, M the dynamics model, and xi uniform noise in [-1, 1]^A;
lambda and mu are weights. The code refers to the equations by the numbers of this list.

    (1) L_td    = E (r + V'(s') - V(s))^2                           vins_value.td_target
    (2) s~      = s + noise                                         negative_samples.perturb
        target  = V'(s) - lambda ||s - s~||                         negative_samples.negative_target
    (3) L_ns    = E (target - V(s~))^2                              vins_value.value_loss
    (4) L       = L_td + mu L_ns, then V' <- V' + tau (V - V')      vins_value.value_loss
    (5) L_model = E ||M(s, a) - s'||                                dynamics.prediction_loss
    (6) a       = a0 + alpha xi_i with the greatest V(M(s, a))      vins_policy.candidates
        a0      = pi_BC(s) (the paper's option 1), or 0 (option 2)

`vins_learner` puts them together: `gradient_step` takes (1) to (5), and `act` takes (6). Values are
minus the number of steps to the goal: 0 at the goal, and higher is better.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), Algorithm 2.

Different from the source: its main text does not give the settings. The networks of clone and
value and their optimiser are those of jypark0/bmil; the sizes in which this differs from it stand
among the notes of the method. Where bmil differs from the equations, a setting chooses: `centre`
(its negative samples fall off from the TD target instead of V'(s)), `interpolations`, `distance`,
`goal` and `discount`. Displacements are drawn in standard deviations of the demonstrations, on
groups of fields, with sizes that are log-uniform between two bounds; the source adds Gaussian
noise, and bmil has one size.

Use it when a few hundred demonstrations that reach their goals are all there is, the observation
has named fields of low dimension, and the errors of BC accumulate.

Sensitive to: `alpha` (how far it may leave BC), `slope` with `noise`, `features`, and `goal`.
"""

from __future__ import annotations

from imitbench.algos.model_based.vins_config import Config
from imitbench.algos.model_based.vins_learner import State, VINSLearner, learner
from imitbench.core.types import Algorithm, Cost, Spec, Traits

__all__ = ["TRAITS", "Config", "State", "VINSLearner", "learner", "make"]

TRAITS = Traits(needs_goals_reached=True)


def make(config: Config, spec: Spec) -> Algorithm:
    """VINS on the demonstrations of a goal task, whole episodes. State: `State`."""
    vins = learner(config, spec)
    return Algorithm(vins.init, vins.update, vins.act, Cost(grad_steps=config.clone.steps))
