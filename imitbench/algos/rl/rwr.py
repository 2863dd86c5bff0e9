"""RWR: regress the policy on replayed actions, weighted by the exponential of their return.

Source: Peters and Schaal 2007 (ICML, "Reinforcement learning by reward-weighted regression").

Different from the source: networks, replay and gradient steps are those of Peng et al. 2019
(arXiv:1910.00177), who compare AWR with it. The code is AWR's, without the baseline and on observed
returns, which go on with the value where the time limit, or the end of the replay, cuts an episode.

Use it when a study compares weighted regressions; otherwise take AWR.

Sensitive to: `temperature`, `standardise` and `max_weight` (how greedy the weights are), `std`
(exploration), `policy_lr`.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.rl import awr, awr_learner
from imitbench.core.types import Traits

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class UpdateConfig(awr_learner.UpdateConfig):
    """Settings of RWR's two regressions: AWR's without a baseline."""

    baseline: bool = False
    """Weight actions by the return minus the value; RWR weights by the return."""
    td_lambda: float = 1.0
    """Lambda of the TD(lambda) returns, in [0, 1]; RWR takes the observed returns."""


@dataclass(frozen=True)
class Config(UpdateConfig, awr.Config):
    """Settings of RWR."""


make = awr.make
