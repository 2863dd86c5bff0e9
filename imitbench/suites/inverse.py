"""How do the non-adversarial imitators do beside DAC, SQIL and BC, with one trajectory or few?

IQ-Learn, LS-IQ and PWIL learn from whole trajectories of a learned expert and from as many
environment steps as DAC (with SAC) and SQIL, all on SAC's networks with the same number of rows in
a minibatch. HalfCheetah never ends early; the full profile adds Walker2d, Ant, four trajectories,
and Hopper and Walker2d without early ends (`-fh`). IQ-Learn's second term is that of the official
code: `v0` on Hopper and Walker2d, `value` on HalfCheetah and Ant. The policies of IQ-Learn and
LS-IQ learn with a tenth of SAC's learning rate, as published; rows named `iq_learn-fast`, with one
trajectory and in the controls, have SAC's, the default of the official configuration of its SAC,
because the published runs of IQ-Learn are longer.

Offline there are BC and IQ-Learn on the demonstrations alone; and SMODICE and DemoDICE, which get
extra episodes of unknown quality, too: half of them are the expert's, the demonstrations among
them, as in SMODICE's code, and half those of a half-trained policy, without noise, as the
demonstrations are. `bc-all` clones all of the extra episodes alike: what SMODICE and DemoDICE have
over BC but not over it is due to the data. It has BC's loss and learning rate, not those of their
policies, so that what they have over it may be due to these as well as to their weights.

Control: demonstrations of all-zero actions, on Hopper and on Hopper-fh. A method whose return is
high there is paid for staying alive, whatever the expert does. A method whose policy has hardly
moved says nothing there, so that the cpu profile has the control with IQ-Learn's larger learning
rate alone, and not with LS-IQ.

The settings are the published ones but for the sizes: the cpu profile has networks of two layers of
128 and 100,000 steps, a fifth of IQ-Learn's and less than that of the others'; minibatches of the
online methods have 256 rows, and 512 in the full profile, as those of IQ-Learn's and LS-IQ's
authors. In the cpu profile all methods learn after as many random steps (published: 1,280 of
IQ-Learn and 10,000 of LS-IQ). SAC's temperature
begins at 0.1 there in DAC, as in the code of ValueDICE's authors, and in SQIL and PWIL. On
HalfCheetah, where PWIL's values grew to more than seven times the largest sum of its rewards, they
have the bounds of its code. The controls have half the steps. No setting of a method was searched;
but the number of steps was doubled after a first run of IQ-Learn on Hopper, and PWIL's replay
begins as in Acme since a first run there with the kept steps alone, as in the first official code,
had learned nothing. The full profile has IQ-Learn's 500,000 steps for all, and LS-IQ on HalfCheetah
with its authors' second weight of the regulariser, too.
Claims: `imitbench/suites/published/inverse.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import dac_sac, sqil
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.inverse import (
    demodice,
    iq_learn,
    iq_objective,
    ls_iq,
    offline_iq,
    pwil,
    smodice,
)
from imitbench.algos.offline import fixed_data
from imitbench.algos.rl import sac
from imitbench.data.sources.source import DemoSource
from imitbench.suites.schema import Cell, Suite

V0_TASKS = ("Hopper", "Walker2d", "Humanoid")  # of IQ-Learn's second term in the official code
TEMPERATURES = {"Ant": 1e-3, "Humanoid": 1.0}  # of IQ-Learn; 0.01 elsewhere
FAST = 3e-4  # SAC's learning rate of the policy
PWIL_VALUES = (-150.0, 150.0)  # bounds of the values of PWIL's code
VALUES_DIVERGE = ("HalfCheetah",)  # tasks where PWIL's values grow without bounds in SAC
# Labels of the rows that get demonstrations of all-zero actions.
MOVED = ("iq_learn-fast", "pwil", "dac_sac", "sqil")
LS_TEMPERATURES = {"Humanoid": 0.1}  # of LS-IQ; 0.001 elsewhere


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    columns: tuple[tuple[str, tuple[int, ...]], ...]
    """Tasks, each with its numbers of demonstrations."""
    control_tasks: tuple[str, ...]
    """Tasks of the demonstrations with all-zero actions."""
    control_demos: int
    """Their number."""
    control_steps: int
    """Environment steps with them."""
    controls: tuple[str, ...]
    """Labels of the rows that get them."""
    env_steps: int
    """Environment steps of the methods that take any, with demonstrations of the expert."""
    offline_steps: int
    """Gradient steps of BC, offline IQ-Learn and SMODICE."""
    offline_lr: float
    """Learning rate of offline IQ-Learn's policy."""
    steps_per_update: int
    """Gradient steps, or rounds, of an update."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers of all networks but the discriminators of SMODICE and
    DemoDICE."""
    temperature: float
    """Weight of the entropy with which DAC, SQIL and PWIL begin."""
    prefill: int
    """Demonstrated steps with which PWIL's replay begins."""
    batch: int
    """Rows of a minibatch, own and demonstrated ones together."""
    warmup: int
    """Environment steps before learning."""
    iq_warmup: int
    """The same of IQ-Learn."""
    policy_start: int
    """Gradient steps before the policy's first one in LS-IQ."""
    extra: int
    """Episodes of the extra data of SMODICE and DemoDICE, the same for all seeds, so that half of
    each seed's are the expert's."""
    pretrain: int
    """Gradient steps of SMODICE's discriminator before all others."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    stronger: tuple[str, ...] = ()
    """Tasks of LS-IQ with a stronger regulariser."""

    def common(self) -> dict[str, Any]:
        """Fields that all cells share, but for the source of demonstrations."""
        names = ("seeds", "num_evals", "eval_episodes")
        return {name: getattr(self, name) for name in names}

    def source(self) -> DemoSource:
        """Whole trajectories of the learned expert."""
        most = max(max(demos) for _, demos in self.columns)
        return DemoSource(pool=max(10, 2 * most), expert="learned")

    def replay(self, batch: int) -> off_policy.Config:
        """The replay of the methods that collect, with `batch` own rows in a minibatch."""
        return off_policy.Config(
            rounds=self.steps_per_update,
            warmup=self.warmup,
            batch=batch,
            capacity=self.env_steps,
        )


def online(task: str, s: Size) -> dict[str, tuple[str, Any]]:
    """Method and settings of the methods that step the environment, by label."""
    base, half = task.removesuffix("-fh"), s.replay(s.batch // 2)
    second_term: iq_objective.SecondTerm = "v0" if base in V0_TASKS else "value"
    iq = iq_learn.Config(
        replay=replace(half, warmup=s.iq_warmup), hidden=s.hidden, second_term=second_term,
        temperature=TEMPERATURES.get(base, 0.01),
    )  # fmt: skip
    ls = ls_iq.Config(
        replay=half, hidden=s.hidden, temperature=LS_TEMPERATURES.get(base, 0.001),
        policy_start=s.policy_start,
    )  # fmt: skip
    whole = s.replay(s.batch)
    filled = replace(whole, capacity=whole.capacity + s.prefill)
    sizes: dict[str, Any] = {"hidden": s.hidden, "temperature": s.temperature}
    learner = sac.Config(replay=whole, **sizes)
    classifier = DiscriminatorConfig(
        hidden=s.hidden, lr=1e-3, batch=100, steps=1, reward="logit", entropy=0.0
    )
    return {
        "iq_learn": ("iq_learn", iq),
        "ls_iq": ("ls_iq", ls),
        "pwil": (
            "pwil",
            pwil.Config(
                replay=filled,
                prefill=s.prefill,
                value_range=PWIL_VALUES if base in VALUES_DIVERGE else (),
                **sizes,
            ),
        ),
        "dac_sac": ("dac_sac", dac_sac.Config(sac=learner, discriminator=classifier)),
        "sqil": ("sqil", sqil.Config(replay=half, **sizes)),
    }


def _fast(row: tuple[str, Any]) -> tuple[str, Any]:
    """The same method and settings with SAC's learning rate of the policy."""
    method, config = row
    return method, replace(config, policy_lr=FAST)


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    out: list[Cell] = []
    for task, numbers in s.columns:
        for demos in numbers:
            rows = online(task, s)
            if demos == 1:
                rows["iq_learn-fast"] = _fast(rows["iq_learn"])
            if task in s.stronger:
                method, config = rows["ls_iq"]
                rows["ls_iq-10"] = method, replace(config, c=10.0)
            out += _online_cells(task, demos, rows, s, s.source())
            out += _offline_cells(task, demos, s)
        on_all = Cell(
            task, s.extra, "bc", _clone(s), grad_steps=s.offline_steps, source=_extra(s),
            label="bc-all", **s.common(),
        )  # fmt: skip
        out.append(on_all)
    control = replace(s, env_steps=s.control_steps)
    for task in s.control_tasks:
        still = DemoSource(pool=2 * s.control_demos, grade="still")
        rows = online(task, control)
        rows["iq_learn-fast"] = _fast(rows["iq_learn"])
        rows = {label: rows[label] for label in s.controls}
        out += _online_cells(task, s.control_demos, rows, control, still)
    return tuple(out)


def _online_cells(
    task: str,
    demos: int,
    rows: dict[str, tuple[str, Any]],
    s: Size,
    source: DemoSource,
) -> list[Cell]:
    return [
        Cell(
            task, demos, method, config, label=label, env_steps=s.env_steps, source=source,
            **s.common(),
        )
        for label, (method, config) in rows.items()
    ]  # fmt: skip


def _offline_cells(task: str, demos: int, s: Size) -> list[Cell]:
    """BC, IQ-Learn, SMODICE and DemoDICE, without an environment."""
    source, common, clone = s.source(), s.common(), _clone(s)
    data = fixed_data.Config(batch=s.batch, steps=s.steps_per_update)
    offline = offline_iq.Config(data=data, hidden=s.hidden, policy_lr=s.offline_lr)
    sizes: dict[str, Any] = {"hidden": s.hidden, "steps": s.steps_per_update, "batch": s.batch}
    smo, demo = smodice.Config(**sizes, pretrain=s.pretrain), demodice.Config(**sizes)
    mixed = replace(source, extra=_extra(s), extra_episodes=s.extra)
    steps = s.offline_steps
    return [
        Cell(task, demos, "bc", clone, grad_steps=steps, source=source, **common),
        Cell(task, demos, "offline_iq", offline, grad_steps=steps, source=source, **common),
        Cell(task, demos, "smodice", smo, grad_steps=steps, source=mixed, **common),
        # Its discriminator learns along, so that half of the gradient steps are the policy's.
        Cell(task, demos, "demodice", demo, grad_steps=2 * steps, source=mixed, **common),
    ]


def _clone(s: Size) -> bc.Config:
    return bc.Config(
        batch=256, validation=0.0, hidden=s.hidden, steps=s.steps_per_update,
        lr_decay_steps=s.offline_steps,
    )  # fmt: skip


def _extra(s: Size) -> DemoSource:
    """The further data of SMODICE and DemoDICE."""
    return DemoSource(pool=s.extra, expert="learned", grade="mixed")


SMOKE = Size(
    columns=(("Hopper", (1,)),), control_tasks=("Hopper",), control_demos=1, control_steps=16,
    controls=MOVED, env_steps=16, temperature=1.0, prefill=8, offline_steps=16, offline_lr=FAST,
    steps_per_update=4, hidden=(8,), batch=16, warmup=8, iq_warmup=8, policy_start=2,
    extra=2, pretrain=4, seeds=2, num_evals=2, eval_episodes=1,
)  # fmt: skip
CPU = Size(
    columns=(("Hopper", (1,)), ("HalfCheetah", (1,))), control_tasks=("Hopper", "Hopper-fh"),
    control_demos=4, control_steps=50_000, controls=MOVED, env_steps=100_000, temperature=0.1,
    prefill=50_000,
    # A larger learning rate than online, so that the policy can follow in so few steps.
    offline_steps=20_000, offline_lr=FAST, steps_per_update=250, hidden=(128, 128), batch=256,
    warmup=1_250, iq_warmup=1_250, policy_start=5_000, extra=20, pretrain=4_000, seeds=5,
    num_evals=5, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    columns=(
        ("Hopper", (1, 4)), ("Hopper-fh", (1, 4)), ("HalfCheetah", (1, 4)), ("Walker2d", (1, 4)),
        ("Walker2d-fh", (1, 4)), ("Ant", (1, 4)),
    ),
    control_tasks=("Hopper", "Hopper-fh"), control_demos=4, control_steps=500_000,
    controls=(*MOVED, "ls_iq"), env_steps=500_000, temperature=1.0, prefill=50_000,
    offline_steps=200_000, offline_lr=3e-5, steps_per_update=1_000, hidden=(256, 256), batch=512,
    warmup=10_000, iq_warmup=1_280, policy_start=5_000, stronger=("HalfCheetah",), extra=100,
    pretrain=4_000, seeds=10, num_evals=20, eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="inverse",
    about="IQ-Learn, LS-IQ and PWIL beside DAC, SQIL and BC, with one trajectory or few.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
