"""The suite gail: what its rows have in common where claims compare them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from imitbench import algos, envs
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.suites import published
from imitbench.suites.gail import SUITE
from imitbench.suites.schema import Cell, count_updates

HOPPERS = ("Hopper", "Hopper-fh")


def row(task: str, label: str, demos: int = 4, profile: Any = "cpu") -> Cell:
    """The only cell of this name there that learns from an expert."""
    (found,) = (
        c
        for c in SUITE.profiles[profile]
        if (c.task, c.name, c.demos) == (task, label, demos) and c.source.grade == "expert"
    )
    return found


@pytest.mark.parametrize("task", HOPPERS)
@pytest.mark.parametrize("profile", ["cpu", "full"])
def test_rows_that_are_compared_have_the_same_ppo_but_for_airl(task, profile):
    rows = {
        label: row(task, label, profile=profile)
        for label in ("gail", "gail-no-penalty", "gail_trpo", "f-vim-rkl", "gail-logit", "airl")
    }
    found: Any = {label: cell.config.discriminator for label, cell in rows.items()}
    assert found["gail"] == DiscriminatorConfig()
    assert found["gail-no-penalty"] == found["gail_trpo"] == DiscriminatorConfig(penalty=0.0)
    assert found["f-vim-rkl"] == DiscriminatorConfig(divergence="reverse-kl", centred=True)
    assert found["gail-logit"] == DiscriminatorConfig(reward="logit")
    assert found["airl"].penalty == 0
    ppo = [rows[label].config.ppo for label in ("gail", "gail-no-penalty", "f-vim-rkl")]
    assert ppo[0] == ppo[1] == ppo[2] and (ppo[0].envs == 2) == task.endswith("-fh")
    assert rows["airl"].config.ppo == dataclasses.replace(ppo[0], entropy=0.01)
    assert {(cell.env_steps, cell.seeds) for cell in rows.values()} == {
        (rows["gail"].env_steps, rows["gail"].seeds)
    }


def test_both_rows_of_dac_have_as_many_seeds_on_the_task_of_the_controls():
    assert row("Hopper", "dac").seeds == row("Hopper", "dac-no-absorbing").seeds == 10
    assert row("HalfCheetah", "dac").seeds == 5


def test_the_claim_about_a_tenth_of_the_steps_compares_evaluations():
    (claim,) = (c for c in published.claims_of("gail") if c.after)
    assert claim.after is not None and 10 * claim.after[0] == claim.after[1]
    for task, demos, _ in claim.places:
        for label, steps in zip((claim.better, claim.worse), claim.after, strict=True):
            cell = row(task, label, demos)
            env = envs.make(cell.task)
            cost = algos.ALGOS[cell.method].make(cell.config, env.spec, env).cost
            between = count_updates(cell, cost) // cell.num_evals * cost.env_steps
            assert steps % between == 0 and steps <= cell.env_steps


def test_leads_in_two_tasks_are_those_of_rows_with_the_same_penalty():
    """Each claim about a larger lead where episodes end early has the same pair in both tasks."""
    found = [c for c in published.claims_of("gail") if c.shrinks]
    assert [(c.better, c.worse) for c in found] == [
        ("gail", "gail-logit"), ("gail-no-penalty", "airl"), ("gail", "f-vim-rkl"),
    ]  # fmt: skip
    for claim in found:
        (pair,) = claim.shrinks
        assert tuple(place[0] for place in pair) == HOPPERS
        for task, demos, _ in pair:
            penalties = {
                row(task, label, demos).config.discriminator.penalty
                for label in (claim.better, claim.worse)
            }
            assert len(penalties) == 1
