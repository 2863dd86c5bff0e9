"""IQ-Learn: a soft Q function whose implicit reward is high on demonstrated steps; SAC's policy.

Source: Garg et al. 2021 (arXiv:2106.12142), algorithm 1, with the settings of the official code for
locomotion: half of each minibatch is demonstrated, one Q function, a fixed temperature, targets
from slowly moving parameters, the chi-squared divergence on both halves.

Different from the source: the steps before learning have uniformly random actions instead of the
untrained policy's. As in the official code, `v0` counts V in demonstrated states, not in initial
ones. Later versions of that code replace the replayed actions in the squared reward by the
policy's; here they are replayed.
A demonstration that the time limit ended goes on in its last state's value; in the official code
it is worth 0 from there.

Use it when environment steps are available and a discriminator is not wanted.

Sensitive to: `temperature`, `second_term` and `chi2_alpha`. The end of an episode is worth 0, so
that ends are learned to be avoided or sought by the sign of Q. Q may leave the range of its
rewards: look at `log_q` among the metrics. Theory says that online steps add nothing to cloning
(Xu et al. 2026, arXiv:2603.22713).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from imitbench.algos.common import off_policy, off_policy_loop
from imitbench.algos.inverse import iq_objective, soft_q
from imitbench.core import policy_nets
from imitbench.core.types import Algorithm, Env, Spec, Traits

TRAITS = Traits(version=3)


@dataclass(frozen=True)
class Config(iq_objective.UpdateConfig):
    """Settings of IQ-Learn."""

    replay: off_policy.Config = field(default_factory=lambda: off_policy.Config(warmup=1280))
    """Settings of collecting and replay. To each minibatch of `replay.batch` own steps, as many
    demonstrated ones are added."""


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """One seed's policy, to be saved alone."""
    return off_policy.export(config.replay, spec, state, state.learner.params["policy"])


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """IQ-Learn on observations and executed actions of the demonstrations.

    State: `off_policy.State` of a `soft_q.State`.
    """
    batch = config.replay.batch
    learner = soft_q.learner(config, spec, partial(iq_objective.objective, config), batch)
    return off_policy_loop.make(config.replay, spec, env, learner, demo_batch=batch)
