"""BC: supervised learning of the demonstrated actions from the demonstrated observations.

Source: Pomerleau 1991 (behavioural cloning). Ross et al. 2011 (arXiv:1011.0686), section 2, bound
its loss of return, which grows with the square of the horizon.

With `relabel` it learns from some rows with goals that their episode achieved later (Andrychowicz
et al. 2017, arXiv:1707.01495); `gcbc` relabels all of them.

Different from the source: the policy is a network with ReLU layers on normalised observations,
trained by Adam on the squared error or on the negative log likelihood. It learns the actions that
the demonstrator intended, before noise and clipping.

Use it as the first baseline of every comparison, and when demonstrations are many or episodes are
short.

Sensitive to: the number of gradient steps, `lr` with `lr_decay_steps`, `hidden`, and `l2` with few
demonstrations.
"""

from __future__ import annotations

from imitbench.algos.cloning.bc_config import Config
from imitbench.algos.cloning.memory.windows import Pairs
from imitbench.algos.cloning.pairs import split
from imitbench.algos.cloning.relabelling import Relabeller
from imitbench.algos.cloning.supervised import State, SupervisedLearner, supervised_learner
from imitbench.algos.common import hindsight
from imitbench.core.types import Algorithm, Cost, Key, Spec, Traits, Transition

__all__ = ["Config", "Pairs", "State", "SupervisedLearner", "make", "split", "supervised_learner"]
TRAITS = Traits(streams=True, sees_images=True)


def make(config: Config, spec: Spec) -> Algorithm:
    """BC on the intended actions of the demonstrations. State: `State`."""
    relabeller = None
    if config.relabel:
        hindsight.require_goals(spec, f"relabel={config.relabel:g}")
        relabeller = Relabeller(spec, config.relabel)
    learner = supervised_learner(config, spec, remembers=True, relabeller=relabeller)

    def init(key: Key, demos: Transition) -> State:
        return learner.init(key, learner.split(demos)[0])

    return Algorithm(
        init,
        learner.update,
        learner.act,
        Cost(grad_steps=config.steps),
        actor=learner.actor if config.memory.used else None,
        network_calls=learner.network_calls,
    )
