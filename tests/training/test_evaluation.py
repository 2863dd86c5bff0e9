"""Policies are evaluated where their environment says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.algos import bc
from imitbench.api.evaluation import environment_for
from imitbench.core import rollout
from imitbench.training import evaluation

KEY = jax.random.key(0)


def test_a_variant_to_train_in_is_evaluated_in_the_environment_that_it_names():
    variant, other = envs.make("Swing"), envs.make("Swing-walls")
    config = bc.Config(hidden=(8,), steps=1, validation=0.0)
    algo = bc.make(config, variant.spec)
    demos = data.collect(variant, experts.load("Swing"), 2, only_success=False)
    state = algo.init(KEY, data.subset(demos, 2, [0], same=True))
    own = evaluation.evaluate_seed(algo, variant, 2, KEY, state)["return"]
    there = evaluation.evaluate_seed(algo, other, 2, KEY, state)["return"]
    assert np.abs(own - there).max() > 1e-3
    variant.evaluated_in = other  # type: ignore[attr-defined]
    found = evaluation.evaluate_seed(algo, variant, 2, KEY, state)["return"]
    np.testing.assert_allclose(found, there, rtol=1e-5)


@pytest.mark.parametrize("suffix", ["-fixed-start", "-fh"])
def test_ablations_of_motion_imitation_are_evaluated_in_the_task_itself(suffix):
    base = envs.make("Quadruped-trot")
    assert rollout.evaluation_env(base) is base
    variant = envs.make(f"Quadruped-trot{suffix}")
    assert rollout.evaluation_env(variant).name == "Quadruped-trot"
    assert variant.spec.obs_size == base.spec.obs_size
    policy: Any = SimpleNamespace(task=variant.name, spec=variant.spec)
    assert environment_for(policy, None).name == "Quadruped-trot"
    assert environment_for(policy, variant).name == variant.name  # the user's choice
