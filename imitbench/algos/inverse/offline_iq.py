"""Offline IQ-Learn: the soft Q function and its policy from the demonstrations alone.

Source: Garg et al. 2021 (arXiv:2106.12142), section 5.2 and the offline settings of the official
code: the policy's part of the objective and the squared reward are those of demonstrated steps.

Different from the source: the official offline runs have discrete actions, where the policy is the
softmax of Q; here it is SAC's, with the settings of `iq_learn`. Observations are standardised.

Use it when there is no environment, as an alternative to `bc`. Without the squared reward, and with
the softmax of Q as the policy, the objective is the likelihood of the demonstrated actions, so it
should score as cloning does.

Sensitive to: `temperature` and `chi2_alpha`; the number of gradient steps, because `policy_lr` is
small.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from imitbench.algos.inverse import iq_objective, soft_q
from imitbench.algos.offline import fixed_data
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(version=3, streams=True)


@dataclass(frozen=True)
class Config(iq_objective.UpdateConfig):
    """Settings of offline IQ-Learn."""

    penalised: iq_objective.Penalised = "demos"
    """The steps whose squared reward counts; all steps are demonstrated ones here."""
    data: fixed_data.Config = field(default_factory=fixed_data.Config)
    """Settings of minibatches of the demonstrations."""


def make(config: Config, spec: Spec) -> Algorithm:
    """IQ-Learn on observations and executed actions of the demonstrations alone.

    State: `fixed_data.State` whose `learner` is a `soft_q.State`.
    """
    learner = soft_q.learner(config, spec, partial(iq_objective.objective, config), 0)
    return fixed_data.make(config.data, spec, learner)
