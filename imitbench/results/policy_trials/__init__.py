"""Comparing policies, also those of others, from the outcomes of their episodes.

`reading` reads outcomes, `comparison` compares them. A comparison is about two policies as they
are: it says nothing about the methods that trained them, for which seeds are compared
(`imitbench.results.compare`).
"""

from imitbench.results.policy_trials.comparison import PolicyPair, compare_policies
from imitbench.results.policy_trials.reading import is_trials, read_trials
from imitbench.results.policy_trials.trials import Trials

__all__ = ["PolicyPair", "Trials", "compare_policies", "is_trials", "read_trials"]
