"""How many demonstrations GAIL, DAC and BC need, and what GAIL learns without an expert.

As in Ho and Ermon 2016 (arXiv:1606.03476), the methods get trajectories of a learned expert, one
step in 20 of each, on tasks whose episodes end when the robot falls. The generator is PPO in place
of TRPO. On one task, and on its variant whose episodes never end early (`-fh`), GAIL with TRPO,
AIRL, GAIL with the reverse Kullback-Leibler divergence (f-VIM) and GAIL with the logit as its
reward run too, and in the full profile SQIL (`sqil-all-steps`: it gets all steps of the
trajectories, because values pass from step to step). AIRL, f-VIM and the logit have rewards of both
signs: a negative one makes it worthwhile to end an episode. The reward of f-VIM is centred, so that
a perfect imitator earns 0 a step; its source pays -1 there. On Reacher, whose episodes never end
early, the methods get all steps, and BC four times as many gradient steps as elsewhere.

Two controls run on that task and on its variant: GAIL with a constant reward of 1 a step, and GAIL
with demonstrations of all-zero actions.

The off-policy methods have fewer environment steps than GAIL: a tenth in the full profile, a fifth
in the cpu profile. DAC has no absorbing states in the row `dac-no-absorbing`. The full profile has
DAC with SAC, too; in the cpu profile it and SQIL are rows of the suite `inverse`, which has whole
trajectories. The expert acts without noise, unlike the paper's, so BC has clean actions. DAgger has
BC's number of gradient steps, a quarter of them before the first of its five rounds. In each round
the expert labels as many new trajectories as there are demonstrations, every step of them; that
makes a hundred times as many expert actions as the other methods get. Claims:
`imitbench/suites/published/gail.py`.

PPO's learning rate falls to 0 over the budget, as in PPO2 of openai/baselines, whose settings for
MuJoCo it has, with two exceptions. Eight environments collect the 2,048 steps of an update, not
one; and the value's loss is not clipped and weighs .5 times the mean squared error, not .25. Where
episodes never end early, on HalfCheetah and on tasks named `-fh`, two environments collect whole
episodes. Eight in step would collect a quarter each, and see nothing but fallen robots in three
updates of four, or the beginning of a run in one of four.

`gail_trpo` stands for the paper's pairing: it has no gradient penalty, and the discount, the lambda
and the network of the paper's code. Its critic is that of openai/baselines, five passes of Adam at
1e-3; the paper's code fits the value within a trust region. That code collects 50,000 or more steps
in an iteration and takes one step of the discriminator on all of them at a learning rate of .01.
Here an update has 2,048 steps, and 8 steps of the discriminator on minibatches at 3e-4.

AIRL's policy has an entropy bonus of .01. It is one value of the tuned AIRL settings of the package
`imitation` (.0097 on Hopper), of which nothing else is taken.

Ant is the version with 27 numbers in the observation; the full profile has the one with 105, too.
There GAIL needs more steps than the cpu profile has, which has BC and DAgger alone. The hardest
task of the paper, Humanoid, is missing.

The paper's discriminator has no gradient penalty. Here all have one but those of AIRL, `gail_trpo`,
`gail-no-penalty` and `gail-spectral`, whose kernels are spectrally normalised. `gail-no-penalty`
runs on one task, on its variant and on Reacher, and is the row that AIRL is compared with.
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
    """Environment steps of GAIL and its on-policy variants."""
    off_policy_steps: int
    """Environment steps of DAC."""
    sqil_steps: int
    """Environment steps of SQIL; 0: no SQIL."""
    dac_demos: tuple[int, ...]
    """Numbers of demonstrations for DAC and DAgger."""
    dac_tasks: tuple[str, ...]
    """The tasks of DAC."""
    dac_with_sac: bool
    """Run DAC with SAC, too."""
    reacher_demos: tuple[int, ...]
    """Numbers of demonstrations on Reacher."""
    warmup: int
    """Environment steps of DAC and SQIL before they learn."""
    grad_steps: int
    """Gradient steps of BC and DAgger."""
    steps_per_update: int
    """Gradient steps of an update of BC, and rounds of an update of DAC and SQIL."""
    seeds: int
    """Training seeds."""
    off_policy_seeds: int
    """Training seeds of DAC and SQIL; DAC has `seeds` on the task of the controls, with absorbing
    states and without."""
    more_bc_seeds: int
    """Training seeds of BC on Walker2d with more than one trajectory."""
    num_evals: int
    """Evaluations at equal distances; of DAgger at most one a round."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    stride: int = 20
    """One step in so many of each demonstration is kept."""
    length: int = 256
    """Steps of each environment in an update of PPO and TRPO."""

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

    def off_policy_common(self, env_steps: int) -> dict[str, Any]:
        """Fields that the cells of DAC and SQIL share."""
        return self.common() | {"seeds": self.off_policy_seeds, "env_steps": env_steps}

    def replay(self, batch: int) -> off_policy.Config:
        """The replay of DAC and SQIL, with `batch` steps in a minibatch."""
        return off_policy.Config(
            rounds=self.steps_per_update,
            warmup=self.warmup,
            batch=batch,
            capacity=self.off_policy_steps,
        )


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    out = []
    for task, numbers in s.columns:
        for demos in numbers:
            out.append(_bc(task, demos, s))
            out += [_gail(task, demos, s)] if task in s.gail_tasks else []
            if demos in s.dac_demos:
                out += _dac(task, demos, s) if task in s.dac_tasks else []
                out.append(_dagger(task, demos, s))
        if task == s.control_task:
            out += [*_controls(s), *_variants(s)]
    whole = replace(s.common()["source"], stride=1)
    free = _gail_config(s, discriminator=discriminator.DiscriminatorConfig(penalty=0.0))
    for demos in s.reacher_demos:
        rows = (
            _bc("Reacher", demos, s, 4 * s.grad_steps),
            _gail("Reacher", demos, s),
            _gail("Reacher", demos, s, "gail-no-penalty", free),
        )
        out += [replace(cell, source=whole) for cell in rows]
    return tuple(out)


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
    if task == "Walker2d" and demos > 1:  # where few seeds do not tell 11 from 4
        common["seeds"] = s.more_bc_seeds
    return Cell(task, demos, "bc", _clone(s, steps), grad_steps=steps, **common)


def _gail(
    task: str, demos: int, s: Size, label: str = "gail", config: Any = None, method: str = "gail"
) -> Cell:
    """GAIL, or a variant of it, with GAIL's budget."""
    config = config or _gail_config(s)
    if task.endswith("-fh") or task in NEVER_END:
        learner = "trpo" if method == "gail_trpo" else "ppo"
        config = replace(config, **{learner: _whole_episodes(getattr(config, learner))})
    return Cell(task, demos, method, config, env_steps=s.env_steps, label=label, **s.common())


def _dac(task: str, demos: int, s: Size) -> list[Cell]:
    learner = replace(dac.Config().td3, replay=s.replay(batch=100), initial_weights="orthonormal")
    config = dac.Config(td3=learner)
    rows: dict[str, tuple[str, Any]] = {"dac": ("dac", config)}
    if task == s.control_task:
        rows["dac-no-absorbing"] = "dac", replace(config, absorbing=False)
    if s.dac_with_sac:
        soft = sac.Config(replay=s.replay(batch=256), temperature=0.1)
        rows["dac_sac"] = "dac_sac", dac_sac.Config(sac=soft)
    out = []
    for label, (method, settings) in rows.items():
        common = s.off_policy_common(s.off_policy_steps)
        if method == "dac" and task == s.control_task:
            common["seeds"] = s.seeds
        out.append(Cell(task, demos, method, settings, label=label, **common))
    return out


def _sqil(task: str, demos: int, s: Size) -> Cell:
    """SQIL on all steps of the trajectories."""
    common = s.off_policy_common(s.sqil_steps)
    common["source"] = replace(common["source"], stride=1)
    config = sqil.Config(replay=replace(s.replay(batch=128), capacity=s.sqil_steps))
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
    return Cell(task, demos, "dagger", config, grad_steps=in_updates, **common)


def _controls(s: Size) -> list[Cell]:
    """GAIL without an expert, where episodes end early and where they do not."""
    task, demos = s.control_task, s.most_demos
    endless = f"{task}-fh"
    constant = _gail_config(s, constant=True)
    zero_actions = DemoSource(pool=2 * demos, grade="still", stride=s.stride)
    return [
        _gail(task, demos, s, "gail-constant", constant),
        _gail(endless, demos, s),
        _gail(endless, demos, s, "gail-constant", constant),
        # Demonstrations of all-zero actions are short on the first task and whole on the second.
        replace(_gail(task, demos, s), source=zero_actions),
        replace(_gail(endless, demos, s), source=zero_actions),
    ]


def _variants(s: Size) -> list[Cell]:
    """GAIL with another generator, reward, divergence or regulariser, and SQIL."""
    demos, config = s.main_demos, _gail_config(s)

    def gail_with(**settings: Any) -> gail.Config:
        return replace(config, discriminator=replace(config.discriminator, **settings))

    with_bonus = replace(config.ppo, entropy=0.01)  # near imitation's for AIRL on Hopper
    learner = trpo.Config(
        length=s.length, discount=0.995, gae=0.97, hidden=(100, 100), lr=1e-3, epochs=5
    )
    free = discriminator.DiscriminatorConfig(penalty=0.0)
    trpo_config = gail_trpo.Config(trpo=learner, discriminator=free)
    f_vim = gail_with(divergence="reverse-kl", centred=True)
    plain = _gail(f"{s.control_task}-fh", demos, s)
    out = [plain] if demos != s.most_demos else []  # else it is one of the controls
    for task in (s.control_task, f"{s.control_task}-fh"):
        out += [
            _gail(task, demos, s, "gail_trpo", trpo_config, "gail_trpo"),
            _gail(task, demos, s, "airl", airl.Config(ppo=with_bonus), "airl"),
            _gail(task, demos, s, "f-vim-rkl", f_vim),
            _gail(task, demos, s, "gail-logit", gail_with(reward="logit")),
            _gail(task, demos, s, "gail-no-penalty", replace(config, discriminator=free)),
        ]
        out += [_sqil(task, demos, s)] if s.sqil_steps else []
    spectral = gail_with(penalty=0.0, spectral=True)
    return [*out, _gail(s.control_task, demos, s, "gail-spectral", spectral)]


SMOKE = Size(
    columns=(("Hopper", (1,)),), gail_tasks=("Hopper",), control_task="Hopper", main_demos=1,
    env_steps=512, off_policy_steps=16, sqil_steps=16, dac_demos=(1,), dac_tasks=("Hopper",),
    dac_with_sac=True, reacher_demos=(1,), warmup=8, grad_steps=80, steps_per_update=4, seeds=2,
    off_policy_seeds=2, more_bc_seeds=2, num_evals=2, eval_episodes=1, length=32,
)  # fmt: skip
CPU = Size(
    columns=(*((task, (1, 4, 11)) for task in TASKS[:3]), ("Ant-27", (4,))), gail_tasks=TASKS[:3],
    control_task="Hopper", main_demos=4, env_steps=512_000, off_policy_steps=102_400,
    sqil_steps=0, dac_demos=(4,), dac_tasks=("Hopper", "HalfCheetah"), dac_with_sac=False,
    reacher_demos=(4,), warmup=1_000, grad_steps=10_240, steps_per_update=256, seeds=10,
    off_policy_seeds=5, more_bc_seeds=30, num_evals=10, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    columns=COLUMNS, gail_tasks=TASKS, control_task="Hopper", main_demos=4, env_steps=3_072_000,
    off_policy_steps=300_000, sqil_steps=300_000, dac_demos=(1, 4, 11, 18, 25), dac_tasks=TASKS,
    dac_with_sac=True, reacher_demos=(4, 11, 18), warmup=10_000, grad_steps=20_000,
    steps_per_update=500, seeds=10, off_policy_seeds=10, more_bc_seeds=30, num_evals=20,
    eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="gail",
    about="GAIL, DAC, DAgger and BC with few demonstrations, and GAIL without an expert.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
