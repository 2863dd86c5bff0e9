"""A model and a policy that learn in turns (SLBO), on tasks whose reward is known.

HalfCheetah and Hopper with episodes of 500 steps. SLBO stands beside its ablations, after as many
real steps and as many gradient steps: with the square of the model's error (`slbo-squared`), with
an error over one step and as many transitions in a minibatch (`slbo-one-step`), with a model that
is fitted before the policy learns (`mb-trpo`; in the full profile its policy has the official
configuration's 200 iterations in a stage, and the others' has 800), without the bonus on the
policy's entropy (`slbo-no-entropy`) and without noise on real actions (`slbo-no-noise`). The cpu
profile leaves the last two out, and has the others on HalfCheetah alone, which is among the tasks
of the source. TRPO has the same number of real steps, and on the ablations' tasks SAC, too, which
takes a gradient step after each real step but those of the first stage. In the cpu profile SAC, the
ablations and all rows on Hopper have half of the real steps of SLBO and TRPO on HalfCheetah, and
are compared with SLBO after as many.

In the other part the task is a target speed of HalfCheetah. `slbo` begins with nothing;
`slbo-after-5` has learned a model on five other speeds, whose real steps its curve does not count,
and its curve begins with a policy that has been warmed up in that model. The untrained policy with
which the curve of `slbo` begins stands still, and is the control of both. Claims:
`imitbench/suites/published/model_based.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.common import off_policy
from imitbench.algos.model_based.slbo import config as slbo_config
from imitbench.algos.rl import sac, trpo
from imitbench.suites.schema import Cell, Suite

BODIES = ("HalfCheetah-known-reward", "Hopper-known-reward")
SPEEDS = ("HalfCheetah-speed-1", "HalfCheetah-speed-2")
EPISODE = 500  # steps
MB_TRPO_ITERATIONS = 200  # of a stage, at most: those of the official configuration
MAIN = ("slbo", "trpo")  # the rows of all tasks


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    tasks: tuple[str, ...]
    """Tasks without a target speed."""
    speeds: tuple[str, ...]
    """Tasks with one."""
    ablated: tuple[str, ...]
    """Tasks of the ablations and of SAC."""
    ablations: tuple[str, ...]
    """Labels of the rows that run on these alone."""
    length: int
    """Real steps of each of two environments in a stage."""
    stages: int
    """Stages of SLBO and TRPO on the ablations' tasks."""
    short_stages: int
    """Stages of the ablations and SAC, and on other tasks without a target speed."""
    speed_stages: int
    """Stages on tasks with one."""
    earlier: slbo_config.Sequence
    """The earlier speeds."""
    rounds: int
    """Rounds of SLBO in a stage."""
    model_steps: int
    """Gradient steps of the model in a round."""
    policy_steps: int
    """Iterations of TRPO in a round."""
    virtual_steps: int
    """Virtual steps of each of eight environments in an iteration of TRPO."""
    minibatches: int
    """Minibatches of the value in a pass."""
    model_hidden: tuple[int, ...]
    """Widths of the model's hidden layers."""
    sac_hidden: tuple[int, ...]
    """Widths of SAC's hidden layers."""
    seeds: int
    """Training seeds."""
    stages_per_eval: int
    """Stages between two evaluations on tasks without a target speed; on others there is one after
    each stage."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""

    @property
    def slbo(self) -> slbo_config.Config:
        """The settings of SLBO."""
        base = slbo_config.Config()
        learner = replace(base.trpo, length=self.virtual_steps, minibatches=self.minibatches)
        return replace(
            base,
            trpo=learner,
            envs=2,
            length=self.length,
            rounds=self.rounds,
            model_steps=self.model_steps,
            policy_steps=self.policy_steps,
            model_hidden=self.model_hidden,
        )


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    out = []
    for task in s.tasks:
        is_ablated = task in s.ablated
        for label, (method, config) in _methods(s).items():
            if label in MAIN or (is_ablated and label in s.ablations):
                stages = s.stages if label in MAIN and is_ablated else s.short_stages
                evals = stages // s.stages_per_eval
                out.append(_cell(task, method, label, config, stages, evals, s))
    after = replace(s.slbo, sequence=s.earlier)
    for task in s.speeds:
        for label, config in (("slbo", s.slbo), (f"slbo-after-{s.earlier.tasks}", after)):
            out.append(_cell(task, "slbo", label, config, s.speed_stages, s.speed_stages, s))
    return tuple(out)


def _cell(
    task: str, method: str, label: str, config: Any, stages: int, num_evals: int, s: Size
) -> Cell:
    return Cell(
        task, 0, method, config, env_steps=2 * s.length * stages, label=label,
        num_evals=num_evals, seeds=s.seeds, eval_episodes=s.eval_episodes,
    )  # fmt: skip


def _methods(s: Size) -> dict[str, tuple[str, Any]]:
    """Method and settings, by label."""
    base = s.slbo
    one_round = replace(
        base,
        rounds=1,
        model_steps=s.rounds * s.model_steps,
        policy_steps=min(s.rounds * s.policy_steps, MB_TRPO_ITERATIONS),
    )
    one_step = replace(base, model_horizon=1, model_batch=base.model_horizon * base.model_batch)
    no_entropy = replace(base, trpo=replace(base.trpo, entropy=0.0))
    return {
        "slbo": ("slbo", base),
        "slbo-squared": ("slbo", replace(base, loss="squared")),
        "slbo-one-step": ("slbo", one_step),
        "mb-trpo": ("slbo", one_round),
        "slbo-no-noise": ("slbo", replace(base, noise=0.0)),
        "slbo-no-entropy": ("slbo", no_entropy),
        "trpo": ("trpo", _real_trpo(s)),
        "sac": ("sac", _sac(s)),
    }


def _real_trpo(s: Size) -> trpo.Config:
    """TRPO on real steps, with the settings that it has in the model but for the limit of the
    entropy: half a stage in an update, in whole episodes where they are that long."""
    length = min(EPISODE, s.length)
    size = {"envs": s.length // length, "length": length}
    return replace(s.slbo.trpo, **size, normalise_obs=True, entropy_limit=0.0)


def _sac(s: Size) -> sac.Config:
    """SAC with a gradient step after each real step but those of the first stage."""
    replay = off_policy.Config(rounds=s.length, warmup=2 * s.length)
    return sac.Config(replay=replay, hidden=s.sac_hidden, target_entropy=-0.5, orthogonal=True)


ABLATIONS = ("slbo-squared", "slbo-one-step", "mb-trpo", "sac")
OF_THE_FULL_PROFILE = ("slbo-no-noise", "slbo-no-entropy")
SMOKE = Size(
    tasks=BODIES[:1], speeds=SPEEDS[:1], ablated=BODIES[:1],
    ablations=ABLATIONS + OF_THE_FULL_PROFILE, length=20, stages=2, short_stages=2, speed_stages=2,
    earlier=slbo_config.Sequence(tasks=2, stages=1, warm_up=1), rounds=2, model_steps=2,
    policy_steps=2, virtual_steps=10, minibatches=4, model_hidden=(16,), sac_hidden=(8,), seeds=2,
    stages_per_eval=1, eval_episodes=1,
)  # fmt: skip
CPU = Size(
    tasks=BODIES, speeds=SPEEDS[:1], ablated=BODIES[:1], ablations=ABLATIONS, length=2_500,
    stages=40, short_stages=20, speed_stages=4,
    earlier=slbo_config.Sequence(tasks=5, stages=2, warm_up=10), rounds=10, model_steps=100,
    policy_steps=20, virtual_steps=500, minibatches=50, model_hidden=(256, 256),
    sac_hidden=(256, 256), seeds=5, stages_per_eval=5, eval_episodes=20,
)  # fmt: skip
FULL = Size(
    tasks=BODIES, speeds=SPEEDS, ablated=BODIES, ablations=ABLATIONS + OF_THE_FULL_PROFILE,
    length=5_000, stages=100, short_stages=100, speed_stages=10,
    earlier=slbo_config.Sequence(tasks=5, stages=10, warm_up=20), rounds=20, model_steps=100,
    policy_steps=40, virtual_steps=500, minibatches=50, model_hidden=(500, 500),
    sac_hidden=(256, 256), seeds=10, stages_per_eval=2, eval_episodes=20,
)  # fmt: skip
SUITE = Suite(
    name="model_based",
    about="SLBO, its ablations, TRPO and SAC after the same number of real steps; a model of "
    "earlier tasks.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
