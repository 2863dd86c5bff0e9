"""VINS against BC, and its ablations, on Fetch tasks with few demonstrations.

The learned experts and their numbers of demonstrations are those of the paper's tables; the
scripted experts, and 25 demonstrations on FetchPickAndPlace, have the numbers at which BC leaves
room for improvement. The settings for a task and an expert are the same at all numbers of
demonstrations. The suite `vins_settings` chooses them on validation seeds. BC is the prior of VINS,
with the same settings. `vins-no-ns` is VINS without negative samples at the same settings,
`vins-no-ns-tuned` with an alpha of its own. Published numbers and claims:
`imitbench/suites/published/vins.py`.
"""

from dataclasses import fields, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins, vins_true
from imitbench.data.sources.source import DemoSource
from imitbench.experts import Kind
from imitbench.suites.schema import Cell, Suite

HAND, BOTH, FINGERS = ("grip_pos",), ("grip_pos", "object_pos"), ("gripper_state",)
PUSH: dict[str, Any] = {"negatives": (BOTH, HAND, HAND)}  # its fingers stay shut
PICK: dict[str, Any] = {"negatives": (BOTH, HAND, FINGERS)}
_OBJECT = ("desired_goal - object_pos", "object_pos - grip_pos")
RELATIVE: dict[str, tuple[str, ...]] = {
    "FetchReach": ("desired_goal - grip_pos",), "FetchPush": _OBJECT, "FetchPickAndPlace": _OBJECT,
}  # fmt: skip
"""What a clone can see besides the observation, by task."""
ABLATED = ("FetchPush", "FetchPickAndPlace")
"""Tasks of the ablations."""
# The suite `vins_settings` chooses the settings below. These are of BC and the prior: arguments of
# `clone`.
CLONES: dict[tuple[str, Kind], dict[str, Any]] = {
    ("FetchReach", "learned"): {"features": RELATIVE["FetchReach"]},
    ("FetchPush", "learned"): {"decay": True, "features": _OBJECT},
    ("FetchPickAndPlace", "learned"): {"features": _OBJECT},
    ("FetchPush", "scripted"): {"features": _OBJECT},
    ("FetchPickAndPlace", "scripted"): {"features": _OBJECT},
}
# Of VINS.
SETTINGS: dict[tuple[str, Kind], dict[str, Any]] = {
    ("FetchReach", "learned"): {"slope": 5.0, "alpha": 0.05},
    ("FetchPush", "learned"): PUSH | {"slope": 10.0, "alpha": 0.05},
    ("FetchPickAndPlace", "learned"): PICK | {"slope": 5.0, "alpha": 0.1},
    ("FetchPush", "scripted"): PUSH | {"slope": 10.0, "alpha": 0.2},
    ("FetchPickAndPlace", "scripted"): PICK | {"slope": 5.0, "alpha": 0.1},
}
# Alpha of VINS without negative samples.
NO_NEGATIVES: dict[tuple[str, Kind], float] = {
    ("FetchPush", "learned"): 0.1, ("FetchPickAndPlace", "learned"): 0.05,
    ("FetchPush", "scripted"): 0.05, ("FetchPickAndPlace", "scripted"): 0.05,
}  # fmt: skip
Places = tuple[tuple[str, Kind, tuple[int, ...]], ...]
"""Task, kind of expert, numbers of demonstrations."""
PLACES: Places = (
    ("FetchReach", "learned", (10,)),
    ("FetchPickAndPlace", "learned", (25, 100)),
    ("FetchPush", "learned", (100,)),
    ("FetchPickAndPlace", "scripted", (10, 25)),
    ("FetchPush", "scripted", (50, 100)),
    ("FetchPickAndPlace", "learned", (200,)),
    ("FetchPush", "learned", (200,)),
)
# Task and demonstrations (of learned experts) of the rows with the true dynamics.
TRUE_DYNAMICS = (("FetchPickAndPlace", 100), ("FetchPush", 100))


def clone(
    steps: int, steps_per_update: int = 500, *, decay: bool = False, features: tuple[str, ...] = ()
) -> bc.Config:
    """Returns settings of BC.

    Args:
        steps: gradient steps in all.
        steps_per_update: gradient steps of an update, at most `steps`.
        decay: whether the learning rate falls to 0.
        features: what the policy sees besides the observation.
    """
    return bc.Config(
        hidden=(256, 256, 256),
        lr=3e-4,
        validation=0.0,
        steps=min(steps_per_update, steps),
        lr_decay_steps=steps if decay else 0,
        features=features,
    )


def prior(task: str, expert: Kind, steps: int, steps_per_update: int = 500) -> bc.Config:
    """Returns the clone that was chosen for a task and an expert: BC, and the prior of VINS.

    Args:
        task: the task's name.
        expert: the kind of expert.
        steps: gradient steps in all.
        steps_per_update: gradient steps of an update, at most `steps`.
    """
    return clone(steps, steps_per_update, **CLONES[task, expert])


def make_cell(
    task: str,
    expert: Kind,
    demos: int,
    label: str,
    method: str,
    config: Any,
    steps: int,
    **fields_: Any,
) -> Cell:
    """Builds a cell with one evaluation.

    Args:
        task: the task's name.
        expert: the kind of expert.
        demos: demonstrations for each seed.
        label: the name of the cell in tables.
        method: the method's name.
        config: the settings of the method.
        steps: gradient steps in all.
        fields_: more fields of the cell.
    """
    return Cell(
        task=task,
        demos=demos,
        method=method,
        label=label,
        config=config,
        grad_steps=steps,
        num_evals=1,
        source=DemoSource(pool=max(500, 2 * demos), expert=expert),
        **fields_,
    )


def cells(
    steps: int,
    seeds: int,
    episodes: int,
    true_episodes: int,
    true_candidates: int,
    places: Places = PLACES,
) -> tuple[Cell, ...]:
    """Builds the cells of a profile: BC, VINS and its ablations; rows with true dynamics are last.

    Args:
        steps: gradient steps in all.
        seeds: training seeds.
        episodes: episodes of each seed in the evaluation.
        true_episodes: the same for rows with the true dynamics, where a candidate action costs a
            step of the physics.
        true_candidates: candidate actions with the true dynamics.
        places: tasks, experts and numbers of demonstrations.
    """
    out, last = [], []
    size = {"seeds": seeds, "eval_episodes": episodes}
    for task, expert, numbers in places:
        bc_config = prior(task, expert, steps)
        config = vins.Config(clone=bc_config, **SETTINGS[task, expert])
        without_prior = replace(config, prior=False, alpha=1.0)
        methods: dict[str, Any] = {"vins": config}
        if task in ABLATED:
            methods["vins-no-ns"] = without_negatives = replace(config, mu=0.0)
            tuned = NO_NEGATIVES[task, expert]
            methods["vins-no-ns-tuned"] = replace(without_negatives, alpha=tuned)
        if task in ABLATED and expert == "learned":
            methods["vins-no-bc"] = without_prior
        for demos in numbers:
            place = (task, expert, demos)
            out.append(make_cell(*place, "bc", "bc", bc_config, steps, **size))
            out += [
                make_cell(*place, label, "vins", c, steps, **size) for label, c in methods.items()
            ]
            if expert == "learned" and (task, demos) in TRUE_DYNAMICS:
                true_size = size | {"eval_episodes": true_episodes}
                for label, c in (("vins-true", config), ("vins-true-no-bc", without_prior)):
                    true = _with_true_dynamics(c, true_candidates)
                    last.append(make_cell(*place, label, "vins_true", true, steps, **true_size))
    return (*out, *last)


def _with_true_dynamics(config: vins.Config, candidates: int) -> vins_true.Config:
    settings = {f.name: getattr(config, f.name) for f in fields(config)} | {"k": candidates}
    return replace(vins_true.Config(), **settings)


SMOKE_PLACES: Places = (
    ("FetchReach", "learned", (3,)),
    ("FetchPush", "scripted", (4,)),
)
SUITE = Suite(
    name="vins",
    about="VINS, its ablations and BC on FetchReach, FetchPush and FetchPickAndPlace.",
    profiles={
        "smoke": cells(4, 2, 2, 1, 2, SMOKE_PLACES),
        "cpu": cells(10_000, 10, 200, 50, 16),
        "full": cells(20_000, 10, 2_000, 2_000, 100),
    },
    # Of `vins_settings`: rows of VINS have four settings on the best of BC's four clones.
    trials={"bc": 4, "vins": 8, "vins-no-ns-tuned": 8},
)
