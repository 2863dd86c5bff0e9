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
    labels = ["gail", "gail-no-penalty", "gail-logit", "airl"]
    labels += ["f-vim-rkl"] if profile == "full" else []
    rows = {label: row(task, label, profile=profile) for label in labels}
    found: Any = {label: cell.config.discriminator for label, cell in rows.items()}
    assert found["gail"] == DiscriminatorConfig()
    assert found["gail-no-penalty"] == DiscriminatorConfig(penalty=0.0)
    assert found["gail-logit"] == DiscriminatorConfig(reward="logit")
    assert found["airl"].penalty == 0
    ppo = [rows[label].config.ppo for label in ("gail", "gail-no-penalty", "gail-logit")]
    assert ppo[0] == ppo[1] == ppo[2] and (ppo[0].envs == 2) == task.endswith("-fh")
    assert rows["airl"].config.ppo == dataclasses.replace(ppo[0], entropy=0.01)
    if profile == "full":
        assert found["f-vim-rkl"] == DiscriminatorConfig(divergence="reverse-kl", centred=True)
        assert rows["f-vim-rkl"].config.ppo == ppo[0]
    assert {cell.env_steps for cell in rows.values()} == {rows["gail"].env_steps}


@pytest.mark.parametrize("profile", ["cpu", "full"])
def test_trpo_has_no_penalty_and_the_budget_of_gail(profile):
    trpo, gail = (row("Hopper", label, profile=profile) for label in ("gail_trpo", "gail"))
    config: Any = trpo.config
    assert config.discriminator == DiscriminatorConfig(penalty=0.0)
    assert (trpo.env_steps, trpo.seeds) == (gail.env_steps, gail.seeds)


def test_rows_that_most_claims_compare_have_ten_seeds_and_the_others_five():
    seeds = {(c.task, c.name): c.seeds for c in SUITE.profiles["cpu"] if c.source.grade == "expert"}
    ten = {place for place, number in seeds.items() if number == 10}
    of_hopper = ("gail", "gail-no-penalty", "gail_trpo", "dac", "bc", "dagger")
    cloned = {(t, m) for t in ("HalfCheetah", "Walker2d", "Ant-27") for m in ("bc", "dagger")}
    cloned &= set(seeds)
    assert ten == {("Hopper", label) for label in of_hopper} | cloned | {("Reacher", "bc")}
    assert set(seeds.values()) == {5, 10}


@pytest.mark.parametrize("profile", ["cpu", "full"])
def test_every_claim_has_its_cells(profile):
    cells = {(c.task, c.demos, c.name) for c in SUITE.profiles[profile]}
    for claim in published.claims_of("gail"):
        sides = [(claim.places, claim.better), (claim.worse_at or claim.places, claim.worse)]
        sides += [(pair, label) for pair in claim.shrinks for label in (claim.better, claim.worse)]
        for places, label in sides:
            assert {(task, demos, label) for task, demos, _ in places} <= cells, claim.text


def test_random_steps_of_dac_are_those_of_its_code_in_the_full_profile():
    found: Any = {c.task: c.config for c in SUITE.profiles["full"] if c.name == "dac"}
    assert {task: config.td3.replay.warmup for task, config in found.items()} == {
        "Hopper": 1_000, "Walker2d": 1_000, "HalfCheetah": 10_000, "Ant-27": 10_000, "Ant": 10_000,
    }  # fmt: skip


def test_the_claim_about_a_fifth_of_the_steps_compares_evaluations():
    (claim,) = (c for c in published.claims_of("gail") if "after a fifth" in c.text)
    assert claim.after is not None and 5 * claim.after[0] == claim.after[1]
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
        ("gail", "gail-logit"), ("gail-no-penalty", "airl"),
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
