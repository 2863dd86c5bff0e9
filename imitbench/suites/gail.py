"""How many demonstrations GAIL, DAC and BC need, and what GAIL learns without an expert.

As in Ho and Ermon 2016 (arXiv:1606.03476), the methods get trajectories of a learned expert, one
step in 20 of each, on tasks whose episodes end when the robot falls. The generator is PPO in place
of TRPO; on one task it is TRPO, too. There, and on its variant whose episodes never end early
(`-fh`), AIRL and GAIL with the logit as its reward run too. Both have rewards of both signs: a
negative one makes it worthwhile to end an episode. On Reacher, whose episodes never end early, the
methods get all steps, and BC four times as many gradient steps as elsewhere.

Two controls run on that task and on its variant: GAIL with a constant reward of 1 a step, and GAIL
with demonstrations of all-zero actions.

The full profile has more rows there, which no claim is about: GAIL with the reverse
Kullback-Leibler divergence (`f-vim-rkl`, whose reward is centred, so that a perfect imitator earns
0 a step; its source pays -1 there), with spectrally normalised kernels in place of the gradient
penalty (`gail-spectral`), and SQIL (`sqil-all-steps`: it gets all steps of the trajectories,
because values pass from step to step).

The off-policy methods have fewer environment steps than GAIL: a tenth of them, in the cpu profile a
fifth, and there on the task of the controls alone. DAC has no absorbing states in the row
`dac-no-absorbing`. The full profile has DAC with SAC, too; in the cpu profile it and SQIL are rows
of the suite `inverse`, which has whole trajectories. The expert acts without noise, unlike the
paper's, so BC has clean actions. DAgger has BC's number of gradient steps, a quarter of them before
the first of its five rounds. In each round the expert labels as many new trajectories as there are
demonstrations, every step of them; that makes a hundred times as many expert actions as the other
methods get. Claims: `imitbench/suites/published/gail.py`.

PPO's learning rate falls to 0 over the budget, as in PPO2 of openai/baselines, whose settings for
MuJoCo it has, with two exceptions. Eight environments collect the 2,048 steps of an update, not
one; and the value's loss is not clipped and weighs .5 times the mean squared error, not .25. Where
episodes never end early, on HalfCheetah and on tasks named `-fh`, two environments collect whole
episodes. Eight in step would collect a quarter each, and see nothing but fallen robots in three
updates of four, or the beginning of a run in one of four.

`gail_trpo` stands for the paper's pairing: it has no gradient penalty, and the discount, the lambda
and the policy's network of the paper's code, and the largest step of its line search, twice
`max_kl`, without its demand for a tenth of the gain that the gradient promises. The discriminator
of that code has tanh layers in place of ReLU and standardises actions, too, and its rewards are not
scaled. The critic here is that of openai/baselines, five passes of Adam at 1e-3; the paper's code
fits the value within a trust region. That code collects 50,000 or more steps in an iteration and
takes one step of the discriminator on all of them at a learning rate of .01. Here an update has
2,048 steps, and 8 steps of the discriminator on minibatches at 3e-4.

AIRL's policy has an entropy bonus of .01. It is one value of the tuned AIRL settings of the package
`imitation` (.0097 on Hopper), of which nothing else is taken.

Ant is the version with 27 numbers in the observation; the full profile has the one with 105, too.
There GAIL needs more steps than the cpu profile has, which has BC and DAgger alone. The hardest
task of the paper, Humanoid, is missing.

The paper's discriminator has no gradient penalty. Here all have one but those of AIRL, `gail_trpo`,
`gail-no-penalty` and `gail-spectral`. `gail-no-penalty` runs on one task, on its variant and on
Reacher, and is the row that AIRL is compared with; its discriminator has a bonus of .001 for
entropy, which AIRL's has not, and its policy none.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import airl, dac, dac_sac, discriminator, gail, gail_trpo, sqil
from imitbench.algos.cloning import bc, dagger
from imitbench.algos.common import off_policy, on_policy
from imitbench.algos.rl import ppo, sac, trpo
from imitbench.data.sources.source import DemoSource
from imitbench.envs.locomotion import HORIZON
from imitbench.suites.rounds import share_steps
from imitbench.suites.schema import Cell, Suite

TASKS = ("Hopper", "HalfCheetah", "Walker2d", "Ant-27", "Ant")
COLUMNS: tuple[tuple[str, tuple[int, ...]], ...] = tuple((t, (1, 4, 11, 18, 25)) for t in TASKS)
NEVER_END = ("HalfCheetah",)  # episodes last until the time limit, as in the tasks named -fh
SLOW_TO_START = ("HalfCheetah", "Ant-27", "Ant")  # DAC's code has 10,000 random steps there
WARMUP = 1_000  # random steps elsewhere
STILL_DEMOS = 11  # demonstrations of all-zero actions
ROUNDS, UPDATES = 5, 10  # of DAgger; updates after the last round fit what was collected


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    columns: tuple[tuple[str, tuple[int, ...]], ...]
    """Tasks of BC and DAgger without Reacher, each with its numbers of demonstrations."""
    gail_tasks: tuple[str, ...]
    """Those of GAIL."""
    control_task: str
    """The task of the controls and of the variants of GAIL, one of those of `columns`."""
    main_demos: int
    """Demonstrations of the column that decides most claims, and for the variants of GAIL."""
    env_steps: int
    """Environment steps of GAIL and its on-policy variants, but for Reacher."""
    reacher_steps: int
    """Those on Reacher."""
    off_policy_steps: dict[str, int]
    """The tasks of DAC, and its environment steps."""
    sqil_steps: int
    """Environment steps of SQIL; 0: no SQIL."""
    dac_demos: tuple[int, ...]
    """Numbers of demonstrations for DAC and DAgger."""
    more_rows: bool
    """Run DAC with SAC, `f-vim-rkl` and `gail-spectral`, too."""
    reacher_demos: tuple[int, ...]
    """Numbers of demonstrations on Reacher."""
    warmup: int
    """Environment steps of DAC and SQIL before they learn, where the robot is slow to start."""
    grad_steps: int
    """Gradient steps of BC and DAgger."""
    steps_per_update: int
    """Gradient steps of an update of BC, and rounds of an update of DAC and SQIL."""
    seeds: int
    """Training seeds of methods that act in the environment, but for DAgger."""
    cloning_seeds: int
    """Training seeds of BC and DAgger."""
    num_evals: int
    """Evaluations at equal distances; of DAgger at most one a round."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    stride: int = 20
    """One step in so many of each demonstration is kept."""
    length: int = 256
    """Steps of each environment in an update of PPO and TRPO."""
    decisive: tuple[str, ...] = ()
    """Labels of rows that have the seeds of BC on the task of the controls: most claims compare
    them."""

    @property
    def most_demos(self) -> int:
        """The largest number of demonstrations of all tasks."""
        return max(max(demos) for _, demos in self.columns)

    def common(self) -> dict[str, Any]:
        """Fields that all cells share."""
        source = DemoSource(pool=2 * self.most_demos, expert="learned", stride=self.stride)
        return {
            "seeds": self.seeds,
            "num_evals": self.num_evals,
            "eval_episodes": self.eval_episodes,
            "source": source,
        }

    def seeds_of(self, task: str, label: str) -> int:
        """Training seeds of a row that acts in the environment."""
        decisive = task == self.control_task and label in self.decisive
        return self.cloning_seeds if decisive else self.seeds

    def replay(self, task: str, batch: int, env_steps: int) -> off_policy.Config:
        """The replay of DAC and SQIL, with `batch` steps in a minibatch."""
        return off_policy.Config(
            rounds=self.steps_per_update,
            warmup=self.warmup if task in SLOW_TO_START else min(self.warmup, WARMUP),
            batch=batch,
            capacity=env_steps,
        )


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    out = []
    for task, numbers in s.columns:
        for demos in numbers:
            out.append(_bc(task, demos, s))
            out += [_gail(task, demos, s)] if task in s.gail_tasks else []
            if demos in s.dac_demos:
                out += _dac(task, demos, s) if task in s.off_policy_steps else []
                out.append(_dagger(task, demos, s))
        if task == s.control_task:
            out += [*_controls(s), *_variants(s)]
    return (*out, *_reacher(replace(s, env_steps=s.reacher_steps)))


def _reacher(s: Size) -> list[Cell]:
    """The rows on Reacher."""
    whole = replace(s.common()["source"], stride=1)
    free = _gail_config(s, discriminator=discriminator.DiscriminatorConfig(penalty=0.0))
    rows = [
        cell
        for demos in s.reacher_demos
        for cell in (
            _bc("Reacher", demos, s, 4 * s.grad_steps),
            _gail("Reacher", demos, s),
            _gail("Reacher", demos, s, "gail-no-penalty", free),
        )
    ]
    return [replace(cell, source=whole) for cell in rows]


def _clone(s: Size, grad_steps: int) -> bc.Config:
    return bc.Config(
        hidden=(256, 256),
        batch=256,
        validation=0.0,
        steps=s.steps_per_update,
        lr_decay_steps=grad_steps,
    )


def _gail_config(s: Size, **settings: Any) -> gail.Config:
    collected = ppo.Config().envs * s.length
    return gail.Config(
        ppo=ppo.Config(length=s.length, lr_decay_updates=s.env_steps // collected), **settings
    )


def _whole_episodes(config: on_policy.Config) -> Any:
    """Settings that collect as many steps in a quarter of the environments."""
    return replace(config, envs=config.envs // 4, length=4 * config.length)


def _bc(task: str, demos: int, s: Size, grad_steps: int = 0) -> Cell:
    steps, common = grad_steps or s.grad_steps, s.common()
    common["seeds"] = s.cloning_seeds
    return Cell(task, demos, "bc", _clone(s, steps), grad_steps=steps, **common)


def _gail(
    task: str, demos: int, s: Size, label: str = "gail", config: Any = None, method: str = "gail"
) -> Cell:
    """GAIL, or a variant of it, with GAIL's budget."""
    config = config or _gail_config(s)
    if task.endswith("-fh") or task in NEVER_END:
        learner = "trpo" if method == "gail_trpo" else "ppo"
        config = replace(config, **{learner: _whole_episodes(getattr(config, learner))})
    common: dict[str, Any] = s.common() | {"env_steps": s.env_steps}
    common["seeds"] = s.seeds_of(task, label)
    return Cell(task, demos, method, config, label=label, **common)


def _dac(task: str, demos: int, s: Size) -> list[Cell]:
    env_steps = s.off_policy_steps[task]
    replay = s.replay(task, 100, env_steps)
    learner = replace(dac.Config().td3, replay=replay, initial_weights="orthonormal")
    config = dac.Config(td3=learner)
    rows: dict[str, tuple[str, Any]] = {"dac": ("dac", config)}
    if task == s.control_task:
        rows["dac-no-absorbing"] = "dac", replace(config, absorbing=False)
    if s.more_rows:
        soft = sac.Config(replay=s.replay(task, 256, env_steps), temperature=0.1)
        rows["dac_sac"] = "dac_sac", dac_sac.Config(sac=soft)
    common: dict[str, Any] = s.common() | {"env_steps": env_steps}
    return [
        replace(
            Cell(task, demos, method, settings, label=label, **common),
            seeds=s.seeds_of(task, label),
        )
        for label, (method, settings) in rows.items()
    ]


def _sqil(task: str, demos: int, s: Size) -> Cell:
    """SQIL on all steps of the trajectories."""
    common: dict[str, Any] = s.common() | {"env_steps": s.sqil_steps}
    common["source"] = replace(common["source"], stride=1)
    config = sqil.Config(replay=s.replay(task, 128, s.sqil_steps))
    return Cell(task, demos, "sqil", config, label="sqil-all-steps", **common)


def _dagger(task: str, demos: int, s: Size) -> Cell:
    settings, in_updates = share_steps(
        _clone(s, s.grad_steps),
        s.grad_steps,
        start_fits=s.grad_steps // s.steps_per_update // 4,
        updates=UPDATES,
        rounds=ROUNDS,
    )
    capacity = (1 + ROUNDS) * demos * HORIZON
    config = dagger.Config(episodes=demos, capacity=capacity, **settings)
    common: dict[str, Any] = s.common() | {"num_evals": min(ROUNDS, s.num_evals)}
    common["seeds"] = s.cloning_seeds
    return Cell(task, demos, "dagger", config, grad_steps=in_updates, **common)


def _controls(s: Size) -> list[Cell]:
    """GAIL without an expert, where episodes end early and where they do not."""
    task = s.control_task
    endless, still = f"{task}-fh", min(STILL_DEMOS, s.most_demos)
    constant = _gail_config(s, constant=True)
    zero_actions = DemoSource(pool=2 * s.most_demos, grade="still", stride=s.stride)
    return [
        _gail(task, s.main_demos, s, "gail-constant", constant),
        _gail(endless, s.main_demos, s),
        _gail(endless, s.main_demos, s, "gail-constant", constant),
        # Demonstrations of all-zero actions are short on the first task and whole on the second.
        *(
            replace(_gail(of, still, s), source=zero_actions, seeds=s.seeds)
            for of in (task, endless)
        ),
    ]


def _variants(s: Size) -> list[Cell]:
    """GAIL with another generator or reward, and without its penalty; and more rows."""
    demos, config = s.main_demos, _gail_config(s)
    task, endless = s.control_task, f"{s.control_task}-fh"

    def gail_with(**settings: Any) -> gail.Config:
        return replace(config, discriminator=replace(config.discriminator, **settings))

    with_bonus = replace(config.ppo, entropy=0.01)  # near imitation's for AIRL on Hopper
    learner = trpo.Config(
        length=s.length,
        discount=0.995,
        gae=0.97,
        hidden=(100, 100),
        lr=1e-3,
        epochs=5,
        kl_slack=2.0,
    )
    free = discriminator.DiscriminatorConfig(penalty=0.0)
    trpo_config = gail_trpo.Config(trpo=learner, discriminator=free)
    out = [_gail(task, demos, s, "gail_trpo", trpo_config, "gail_trpo")]
    for of in (task, endless):
        out += [
            _gail(of, demos, s, "airl", airl.Config(ppo=with_bonus), "airl"),
            _gail(of, demos, s, "gail-logit", gail_with(reward="logit")),
            _gail(of, demos, s, "gail-no-penalty", replace(config, discriminator=free)),
        ]
        if s.more_rows:
            f_vim = gail_with(divergence="reverse-kl", centred=True)
            out.append(_gail(of, demos, s, "f-vim-rkl", f_vim))
        out += [_sqil(of, demos, s)] if s.sqil_steps else []
    if s.more_rows:
        out.append(_gail(task, demos, s, "gail-spectral", gail_with(penalty=0.0, spectral=True)))
    return out


SMOKE = Size(
    columns=(("Hopper", (1,)),), gail_tasks=("Hopper",), control_task="Hopper", main_demos=1,
    env_steps=512, reacher_steps=512, off_policy_steps={"Hopper": 16}, sqil_steps=16,
    dac_demos=(1,), more_rows=True, reacher_demos=(1,), warmup=8, grad_steps=80,
    steps_per_update=4, seeds=2, cloning_seeds=2, num_evals=2, eval_episodes=1, length=32,
)  # fmt: skip
CPU = Size(
    columns=(*((task, (1, 4, 11)) for task in TASKS[:3]), ("Ant-27", (4,))), gail_tasks=TASKS[:3],
    control_task="Hopper", main_demos=4, env_steps=512_000, reacher_steps=245_760,
    off_policy_steps={"Hopper": 102_400}, sqil_steps=0, dac_demos=(4,), more_rows=False,
    reacher_demos=(4,), warmup=1_000, grad_steps=10_240, steps_per_update=256, seeds=5,
    cloning_seeds=10, num_evals=10, eval_episodes=10,
    decisive=("gail", "gail-no-penalty", "gail_trpo", "dac"),
)  # fmt: skip
FULL = Size(
    columns=COLUMNS, gail_tasks=TASKS, control_task="Hopper", main_demos=4, env_steps=3_072_000,
    reacher_steps=3_072_000, off_policy_steps=dict.fromkeys(TASKS, 300_000), sqil_steps=300_000,
    dac_demos=(1, 4, 11, 18, 25), more_rows=True, reacher_demos=(4, 11, 18), warmup=10_000,
    grad_steps=20_000, steps_per_update=500, seeds=10, cloning_seeds=10,
    num_evals=20, eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="gail",
    about="GAIL, DAC, DAgger and BC with few demonstrations, and GAIL without an expert.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
