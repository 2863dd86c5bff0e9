"""VINS against BC, and its ablations, on Fetch with few demonstrations.

Learned experts as in the paper's tables, and scripted ones at the numbers of demonstrations that
leave something to improve on. The settings of a task and expert are frozen over its numbers of
demonstrations; `vins_settings` is the suite that they were chosen by, on other seeds. Published
numbers and claims: `targets/vins.py`.
"""

from dataclasses import fields, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins, vins_true
from imitbench.data.source import DemoSource
from imitbench.experts import Kind
from imitbench.suites.schema import Cell, Suite

HAND, BOTH, FINGERS = ("grip_pos",), ("grip_pos", "object_pos"), ("gripper_state",)
PUSH: dict[str, Any] = {"negatives": (BOTH, HAND, HAND)}  # its fingers are shut
PICK: dict[str, Any] = {"negatives": (BOTH, HAND, FINGERS)}
# Chosen by `vins_settings`.
SETTINGS: dict[tuple[str, Kind], dict[str, Any]] = {
    ("FetchReach", "learned"): {},
    ("FetchPush", "learned"): PUSH | {"slope": 5.0, "alpha": 0.05},
    ("FetchPickAndPlace", "learned"): PICK | {"slope": 5.0, "alpha": 0.05},
    ("FetchPush", "scripted"): PUSH | {"slope": 10.0, "alpha": 0.2},
    ("FetchPickAndPlace", "scripted"): PICK | {"slope": 5.0, "alpha": 0.1},
}
# task, expert, demonstrations
PLACES: tuple[tuple[str, Kind, tuple[int, ...]], ...] = (
    ("FetchReach", "learned", (10,)),
    ("FetchPickAndPlace", "learned", (100,)),
    ("FetchPush", "learned", (100,)),
    ("FetchPickAndPlace", "scripted", (10, 25)),
    ("FetchPush", "scripted", (50, 100)),
    ("FetchPickAndPlace", "learned", (200,)),
    ("FetchPush", "learned", (200,)),
)
TRUE = (("FetchPickAndPlace", 100), ("FetchPush", 100))  # learned experts; with true dynamics


def clone(steps: int, each: int = 500) -> bc.Config:
    """The BC baseline, and the prior of VINS; `steps` gradient steps in all, `each` an update."""
    return bc.Config(hidden=(256, 256, 256), lr=3e-4, validation=0.0, steps=min(each, steps))


def cell(
    task: str,
    expert: Kind,
    demos: int,
    label: str,
    method: str,
    config: Any,
    steps: int,
    **more: Any,
) -> Cell:
    return Cell(
        task=task,
        demos=demos,
        method=method,
        label=label,
        config=config,
        grad_steps=steps,
        num_evals=1,
        source=DemoSource(pool=max(500, 2 * demos), expert=expert),
        **more,
    )


def cells(
    steps: int,
    seeds: int,
    episodes: int,
    true_episodes: int,
    k_true: int,
    places: tuple[tuple[str, Kind, tuple[int, ...]], ...] = PLACES,
) -> tuple[Cell, ...]:
    """BC, VINS and its ablations; those with the true dynamics on `true_episodes` episodes with
    `k_true` candidates, because each candidate is a step of the physics."""
    out, last = [], []
    size = {"seeds": seeds, "eval_episodes": episodes}
    for task, expert, numbers in places:
        own = vins.Config(clone=clone(steps), **SETTINGS[task, expert])
        without_prior = replace(own, prior=False, alpha=1.0)
        methods: dict[str, Any] = {"vins": own}
        if task != "FetchReach":
            methods["vins-no-ns"] = replace(own, mu=0.0)
        if task != "FetchReach" and expert == "learned":
            methods["vins-no-bc"] = without_prior
        for demos in numbers:
            place = (task, expert, demos)
            out.append(cell(*place, "bc", "bc", clone(steps), steps, **size))
            out += [cell(*place, label, "vins", c, steps, **size) for label, c in methods.items()]
            if expert == "learned" and (task, demos) in TRUE:
                short = size | {"eval_episodes": true_episodes}
                for label, c in (("vins-true", own), ("vins-true-no-bc", without_prior)):
                    settings = {f.name: getattr(c, f.name) for f in fields(c)} | {"k": k_true}
                    true = replace(vins_true.Config(), **settings)
                    last.append(cell(*place, label, "vins_true", true, steps, **short))
    return (*out, *last)


SMOKE: tuple[tuple[str, Kind, tuple[int, ...]], ...] = (
    ("FetchReach", "learned", (3,)),
    ("FetchPush", "scripted", (4,)),
)
SUITE = Suite(
    name="vins",
    about="VINS, its ablations and BC on FetchReach, FetchPush and FetchPickAndPlace.",
    profiles={
        "smoke": cells(4, 2, 2, 1, 2, SMOKE),
        "cpu": cells(10_000, 10, 200, 20, 16),
        "full": cells(20_000, 10, 2_000, 2_000, 100),
    },
    trials={"vins": 4},  # the grid of `vins_settings`; the ablations have its choice
)
