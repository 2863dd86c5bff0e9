"""The suite pixels: where the claims of Zhu et al.'s ablation are judged, and from what."""

from __future__ import annotations

from imitbench.suites import pixels
from imitbench.suites.published import pixels as published

BY_ROW = {c.worse: c for c in published.CLAIMS if c.better == "mix"}


def test_the_ablation_is_judged_on_both_tasks_where_the_full_profile_has_both():
    both, push = (published.REACH, published.PUSH), (published.PUSH,)
    for row in ("symmetric", "task", "imitation", "no auxiliary"):
        assert BY_ROW[row].places == both
        assert "on FetchReach the discriminator sees the gripper" in BY_ROW[row].source
    assert BY_ROW["no resets"].places == BY_ROW["unmasked"].places == push
    rows = {(c.task, c.demos, c.name) for c in pixels.cells(pixels.FULL) if c.method == "gail"}
    for row, claim in BY_ROW.items():
        assert {(task, demos, row) for task, demos, _ in claim.places} <= rows


def test_the_arm_is_seen_on_fetch_reach_and_masked_on_fetch_push():
    seen = pixels.SEEN_BY_DISCRIMINATOR
    assert seen[pixels.REACH] == ("desired_goal - grip_pos",)
    assert seen[pixels.PUSH] == ("desired_goal - object_pos", "object_pos")


def test_clones_from_positions_and_from_depth_have_the_same_number_of_gradient_steps():
    (claim,) = (c for c in published.CLAIMS if "from positions" in c.text)
    sides = {(task, demos) for task, demos, _ in (*claim.places, *claim.worse_at)}
    found = [c for c in pixels.cells(pixels.CPU) if c.name == "bc" and (c.task, c.demos) in sides]
    assert [c.grad_steps for c in found] == [9_000] * 4
