"""Negative samples of VINS: what is displaced, how far, and the targets, by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.line_task import HAND, LINE

from imitbench.algos.common import goal_features
from imitbench.algos.model_based import negative_samples
from imitbench.core.types import Spec

KEY = jax.random.key(0)


def test_targets_fall_by_the_slope_per_unit_of_distance():
    """Equation (2)."""
    centre, distance = jnp.array([-3.0, 0.0]), jnp.array([0.5, 2.0])
    target = negative_samples.negative_target(centre, distance, 4.0)
    np.testing.assert_array_equal(target, [-5.0, -8.0])


def test_fields_are_displaced_together_or_alone():
    feature_map = goal_features.make_feature_map(HAND, (), "VINS")
    assert (
        feature_map.fields == ("object_pos", "grip_pos", "gripper_state") and feature_map.size == 7
    )
    groups = negative_samples.make_groups(feature_map, ())
    rng = np.random.default_rng(0)
    before = {
        k: jnp.asarray(rng.normal(size=(9000, n)))
        for k, n in zip(feature_map.fields, feature_map.sizes, strict=True)
    }
    std = {
        "object_pos": jnp.array([9.0, 9.0]),
        "grip_pos": jnp.array([1.0, 2.0]),
        "gripper_state": jnp.array([4.0]),
    }
    after, far = negative_samples.perturb(KEY, groups, before, std, (0.1, 0.4), "std")
    step = {k: np.asarray(after[k] - before[k]) for k in before}
    moved = np.stack([np.abs(step[k]).sum(axis=1) > 0 for k in feature_map.fields], axis=1)
    kinds, counts = np.unique(moved, axis=0, return_counts=True)
    assert kinds.tolist() == [[False, False, True], [False, True, False], [True, True, False]]
    np.testing.assert_allclose(counts / 9000, 1 / 3, atol=0.03)
    both = moved[:, 0]
    np.testing.assert_allclose(step["object_pos"][both], step["grip_pos"][both], atol=1e-5)
    hand = step["grip_pos"] / np.array([1.0, 2.0])
    length = np.where(
        moved[:, 2], np.abs(step["gripper_state"][:, 0]) / 4, np.linalg.norm(hand, axis=1)
    )
    np.testing.assert_allclose(far, length, atol=1e-5)
    # Sizes are log-uniform: half of them below the root of 0.1 * 0.4.
    spread = np.abs(hand[moved[:, 1]]).mean()
    mean_size = (0.4 - 0.1) / np.log(4)
    assert spread == pytest.approx(mean_size * (2 / np.pi) ** 0.5, rel=0.05)
    raw = np.linalg.norm(step["grip_pos"], axis=1) + np.abs(step["gripper_state"][:, 0])
    rms = length / np.where(moved[:, 2], 1, 2**0.5)
    same, far_rms = negative_samples.perturb(KEY, groups, before, std, (0.1, 0.4), "rms")
    jax.tree.map(np.testing.assert_array_equal, after, same)
    far_raw = negative_samples.perturb(KEY, groups, before, std, (0.1, 0.4), "raw")[1]
    np.testing.assert_allclose(far_rms, rms, atol=1e-5)
    np.testing.assert_allclose(far_raw, raw, atol=1e-5)


def test_fields_that_no_feature_uses_are_not_displaced():
    def default(spec: Spec, *features: str) -> negative_samples.Groups:
        feature_map = goal_features.make_feature_map(spec, features, "VINS")
        return negative_samples.make_groups(feature_map, ())

    assert default(HAND, "goal - object_pos", "object_pos - grip_pos") == (
        ("grip_pos", "object_pos"),
        ("grip_pos",),
    )
    assert default(HAND, "goal - object_pos") == (("object_pos",),)
    assert default(LINE) == (("at",),)
