"""Methods on fixed data with rewards: four grades of data on two locomotion tasks.

BC (squared error, likelihood, and on the tenth of the episodes with the highest returns), MARWIL,
AWR, RWR, TD3+BC, IQL and BCQ learn from the same episodes, with as many gradient steps (TD3+BC
twice as many), networks of the same widths, and standardised observations. Of the steps of AWR and
RWR five sixths are the policy's, and a sixth the value's: 25,000 and 5,000 in the cpu profile. The
policies of BC, MARWIL, AWR and RWR have a learning rate that falls to 0, and so has IQL's, as its
authors'; AWR and RWR take fewer gradient steps than in their code. The decay of BC's is ours: the
code of TD3+BC has none for either. IQL, TD3+BC and BCQ have their authors' settings and initial
weights, but for the observations of IQL and BCQ, which their codes do not standardise, and for
BCQ's networks and its 32 proposals when it acts. AWR differs from BC in its optimiser, its fixed
standard deviation and its bound on the mean, too, so that on the expert's data `awr-unweighted`
stands beside it: AWR with a temperature at which all weights are 1.

Grades: the expert under action noise of 0.1, whose executed actions are the data (a deterministic
expert's data say nothing about other actions); the medium policy, under the same noise; both, with
as many episodes of each on average; and the experience of SAC from its first step on. Hopper's
expert has noise of 0.05, alone and in the mixed data, because it falls under 0.1 and would be no
expert; with 0.05 it loses less than a tenth of its return. Medium episodes on Hopper end early, so
that 71% of the steps of its mixed data are the expert's; in D4RL's medium-expert data half of the
steps are. Each seed draws its episodes out of ten times as many, so that two seeds share a tenth of
them. The cpu profile leaves out most rows that no claim is about; medium data of Hopper, on which
seeds differ so much that no number of them that two cores can train would decide anything; and
SAC's experience on Hopper, which is hardly above the floor after 50,000 steps. Where most claims
are, it has ten seeds. SAC takes 5,000 random steps there, half of jaxrl's. Claims:
`imitbench/suites/published/offline.py`.

A cell has 25 episodes, of which a tenth would be three: there BC on the best episodes takes two
fifths, which half of the mixed episodes are good enough for, and a tenth of SAC's experience. It
counts episodes, as CORL does; Chen et al. 2021 (arXiv:2106.01345) count steps. On Hopper's mixed
data two fifths of the episodes have about 60% of the steps. After the cpu profile's 30,000 gradient
steps IQL's values have come 78% of the way to their fixed point, and so have those of TD3+BC after
60,000: its policy and targets move every other step, so that its policy has as many steps as the
others.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.offline import bcq, fixed_data, iql, marwil, offline_awr, offline_rwr, td3_bc
from imitbench.algos.rl import sac
from imitbench.data.sources.source import Behaviour, DemoSource
from imitbench.envs.locomotion import HORIZON
from imitbench.suites import awr
from imitbench.suites.schema import Cell, Suite

GRADES = ("stochastic", "stochastic-medium", "stochastic-mixed")
REPLAY = "replay of sac"
# Of AWR and RWR, whose gradient descent has several times as many steps in the official code. With
# two validation seeds on the expert's data, AWR's policy had after 30,000 gradient steps a return
# of 2,620, 3,533, 3,496 and 3,435 on Hopper with learning rates of 5e-5, 1e-3, 3e-3 and 1e-2, and
# of 500, 10,097, 10,487 and 10,568 on HalfCheetah. After 12,000, 1e-4 and 5e-4 were below 1e-3. No
# other data were tried, RWR was not tried at all, and of the value's learning rate no trial is
# recorded.
POLICY_LR, VALUE_LR = 3e-3, 0.05
EQUAL_WEIGHTS = 1e6  # a temperature at which weights differ from 1 by less than one in ten thousand
CONTROL = "awr-unweighted"  # on the expert's data alone
POOL = 10  # episodes that are collected for each one that a seed gets
UNIFORM = ("stochastic", "stochastic-medium")  # grades whose episodes are all alike
# Where the demonstrator's noise is not that of the grade.
NOISE = {("Hopper", "stochastic"): 0.05, ("Hopper", "stochastic-mixed"): 0.05}
# Of the methods that clip standardised observations at 5 by default. Those of AWR and RWR are
# clipped at 10, the others' not at all; a robot at rest may be more than 5 from the mean of a run.
NO_CLIP = 1e3
BEST, BEST_OF_FEW = 0.1, 0.4  # the share of the episodes that BC on the best takes


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    tasks: tuple[str, ...]
    """Tasks."""
    demos: int
    """Episodes of the demonstrators."""
    replay_steps: int
    """Environment steps of the SAC whose experience is the fourth grade."""
    grad_steps: int
    """Gradient steps of each method, a multiple of 1,200 if AWR is to have exactly as many, with
    those of its value."""
    steps_per_update: int
    """Gradient steps of an update."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    warmup: int = 5_000
    """Environment steps of SAC before it learns."""
    hidden: tuple[int, ...] = (256, 256)
    """Hidden layers of all networks."""
    replay_tasks: tuple[str, ...] = ()
    """Tasks of SAC's experience; by default all."""
    left_out: tuple[tuple[str, ...], ...] = ()
    """Rows that are left out: label and grade, on all tasks or on the one that follows."""
    decisive: tuple[tuple[str, str], ...] = ()
    """Rows with twice the seeds: label and grade."""
    regression: tuple[int, int] = (1_000, 200)
    """Gradient steps of policy and value in an update of AWR and RWR."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: task by task, grade by grade."""
    out = []
    for task in s.tasks:
        grades = [
            DemoSource(pool=POOL * s.demos, expert="learned", grade=g, noise=NOISE.get((task, g)))
            for g in GRADES
        ]
        for source in (*grades, DemoSource(behaviour=Behaviour("sac", _sac(s), REPLAY))):
            grade = REPLAY if source.behaviour else source.grade
            if source.behaviour and task not in (s.replay_tasks or s.tasks):
                continue
            # The experience of SAC counts in units of the time limit.
            demos = s.replay_steps // HORIZON if source.behaviour else s.demos
            best = BEST if source.behaviour else BEST_OF_FEW
            for label, (method, config, grad_steps) in methods(task, s, best).items():
                if {(label, grade), (label, grade, task)} & set(s.left_out):
                    continue
                if label == CONTROL and grade != "stochastic":
                    continue
                out.append(
                    Cell(
                        task=task,
                        demos=demos,
                        method=method,
                        label=label,
                        config=config,
                        grad_steps=grad_steps,
                        source=source,
                        seeds=s.seeds * (1 + ((label, grade) in s.decisive)),
                        num_evals=s.num_evals,
                        eval_episodes=s.eval_episodes,
                    )
                )
    return tuple(out)


def _sac(s: Size) -> sac.Config:
    """SAC with the settings of jaxrl, which leave the floor soonest; see the suite `learners`."""
    replay = off_policy.Config(rounds=s.steps_per_update, warmup=s.warmup, capacity=s.replay_steps)
    return sac.Config(replay=replay, hidden=s.hidden, target_entropy=-0.5, orthogonal=True)


def methods(task: str, s: Size, best: float) -> dict[str, tuple[str, Any, int]]:
    """Method, settings and gradient steps, by label.

    Args:
        task: the task.
        s: the size of the profile.
        best: share of the episodes that BC on the best takes.
    """
    policy_steps, value_steps = s.regression
    settings: dict[str, Any] = awr.regression_settings(task) | {
        "policy_steps": policy_steps,
        "value_steps": value_steps,
        "hidden": s.hidden,
        "policy_lr": POLICY_LR,
        "value_lr": VALUE_LR,
    }
    per_update = policy_steps + value_steps
    regression_steps = max(1, s.grad_steps // per_update) * per_update
    settings["lr_decay_steps"] = regression_steps // per_update * policy_steps
    data = fixed_data.Config(steps=s.steps_per_update)
    clone = bc.Config(
        batch=256,
        validation=0.0,
        clip=NO_CLIP,
        hidden=s.hidden,
        steps=s.steps_per_update,
        lr_decay_steps=s.grad_steps,
    )
    weighted = marwil.Config(
        clip=NO_CLIP, lr_decay_steps=s.grad_steps, hidden=s.hidden, steps=s.steps_per_update
    )
    found = {
        "bc": ("bc", clone),
        f"bc-top-{100 * best:.0f}": ("bc", replace(clone, best_share=best)),
        "bc-nll": ("bc", replace(clone, loss="nll")),
        "marwil": ("marwil", weighted),
        "td3_bc": (
            "td3_bc",
            td3_bc.Config(data=data, hidden=s.hidden, initial_weights="uniform"),
        ),
        "iql": (
            "iql",
            iql.Config(
                data=replace(iql.Config().data, steps=s.steps_per_update),
                lr_decay_steps=s.grad_steps,
                hidden=s.hidden,
                initial_weights="orthogonal",
            ),
        ),
        "bcq": (
            "bcq",
            bcq.Config(
                data=replace(data, batch=100),
                hidden=s.hidden,
                vae_hidden=s.hidden,
                act_proposals=32,
                initial_weights="uniform",
            ),
        ),
        "awr": ("offline_awr", offline_awr.Config(**settings)),
        CONTROL: ("offline_awr", offline_awr.Config(**settings, temperature=EQUAL_WEIGHTS)),
        "rwr": ("offline_rwr", offline_rwr.Config(**settings)),
    }
    other_steps = {
        "td3_bc": 2 * s.grad_steps,  # its policy moves every other step
        **dict.fromkeys(("awr", CONTROL, "rwr"), regression_steps),
    }
    return {label: (*both, other_steps.get(label, s.grad_steps)) for label, both in found.items()}


SMOKE = Size(
    tasks=("Hopper",), demos=2, replay_steps=1_000, grad_steps=8, steps_per_update=4, seeds=2,
    num_evals=2, eval_episodes=1, warmup=995, hidden=(8,), regression=(3, 1),
)  # fmt: skip
CPU = Size(
    tasks=("Hopper", "HalfCheetah"), demos=25, replay_steps=50_000, grad_steps=30_000,
    steps_per_update=400, seeds=5, num_evals=5, eval_episodes=10, replay_tasks=("HalfCheetah",),
    left_out=(
        *((label, grade) for label in ("bc-top-40", "bc-nll", "marwil") for grade in UNIFORM),
        *((label, REPLAY) for label in ("bc-nll", "marwil", "awr")),
        *(("rwr", grade) for grade in (*UNIFORM, REPLAY)),
        *(("bcq", grade) for grade in (*UNIFORM, REPLAY)),
        *((label, "stochastic-mixed", "Hopper") for label in ("bcq", "awr", "rwr")),
        ("iql", "stochastic"),
        ("awr", "stochastic-medium"),
        *((label, "stochastic-medium", "Hopper") for label in ("bc", "td3_bc", "iql")),
    ),
    decisive=(
        *((label, "stochastic-mixed") for label in ("bc", "bc-top-40", "td3_bc", "iql")),
        *((label, "stochastic") for label in ("bc", "awr", CONTROL, "td3_bc")),
        *((label, "stochastic-medium") for label in ("bc", "td3_bc", "iql")),
    ),
)  # fmt: skip
FULL = Size(
    tasks=("Hopper", "HalfCheetah", "Walker2d"), demos=50, replay_steps=1_000_000,
    grad_steps=480_000, steps_per_update=1_000, seeds=10, num_evals=20, eval_episodes=50,
    warmup=10_000,
)  # fmt: skip
SUITE = Suite(
    name="offline",
    about="Methods for fixed data with rewards, on data of four grades of Hopper and HalfCheetah.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
    trials={"awr": 6},  # learning rates of its policy, on the expert's data alone
)
