"""VINS+RL against learners with and without demonstrations: success over environment steps.

All methods begin with the same demonstrations; HER has none. BC and VINS learn from them alone,
with as many gradient steps as VINS+RL takes before its first environment step. Half of the episodes
of Nair et al. 2018 (arXiv:1709.10089) begin at demonstrated states that are not at the goal (the
share is ours; theirs is not known here), and no episode of the other methods does; `nair-no-resets`
is the same without. HER, Nair et al. and DAC share network sizes, learning rates and replay; HER
and Nair et al. the penalty of large actions, too. They take 3 gradient steps after 8 environment
steps (openai/baselines: 40 after the 100 of a worker), and their targets move by 1% in each (there
by 5% after 40); their normaliser sees the goals of the episodes alone (there relabelled ones, too).
DAC has no hindsight goals, because its reward is not the goal's, explores as its source does, and
takes an update a step with its source's minibatches. Its episodes and demonstrations end at the
goal, as those of VINS+RL do: most demonstrated steps are at the goal, and a discriminator of all of
them would tell hardly more than whether the hand rests. In the cpu profile DAC and HER run on
FetchPush alone; on FetchPickAndPlace HER is at the floor after so few steps.
FetchPush has 25 demonstrations in place of the paper's 100, with which BC alone succeeds nine times
in ten here and leaves no room; the full profile has both. VINS has the settings of the suite
`vins`, and a model that sees velocities. VINS+RL begins with it, but with a discount, and has a
replay and numbers of gradient steps of its own. Claims: `imitbench/suites/published/vins_rl.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import dac
from imitbench.algos.common import off_policy
from imitbench.algos.model_based import vins as vins_method
from imitbench.algos.model_based import vins_rl
from imitbench.algos.rl import ddpg, ddpg_demos
from imitbench.data.sources.source import DemoSource
from imitbench.experts import Kind
from imitbench.suites import expert_recipes as recipes
from imitbench.suites import vins
from imitbench.suites.schema import Cell, Profile, Suite

# Fields that the model gets besides those it predicts.
HAND_VELOCITIES, OBJECT_VELOCITIES = ("grip_velp", "gripper_vel"), ("object_velp", "object_velr")
DAC_STEPS = 16  # critic steps in a round, and discriminator steps: one an environment step
# Of VINS+RL. Its value is that of the policies whose steps the replay holds, so it keeps late ones
# alone: those of 1,250 rounds.
VINS_RL: dict[str, Any] = {
    "grad_steps": 12, "model_steps": 16, "tau": 1e-3, "capacity": 20_000,
}  # fmt: skip
GRAD_STEPS = 6  # of HER and Nair et al. in a round, which is 16 environment steps
RESETS = 0.5  # share of the episodes of Nair et al. that begin at demonstrated states


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    places: tuple[tuple[str, Kind, int], ...]
    """Task, kind of expert, demonstrations."""
    env_steps: int
    """Environment steps."""
    rounds: int
    """Rounds of an update; each is a step of 16 environments."""
    pretrain: int
    """Gradient steps of VINS before the environment steps, and of BC in the suite `mix`."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Rows that are left out: task and label."""
    capacity: int = 200_000
    """Steps in the replay of the other methods."""
    warmup: int = recipes.GOAL_REPLAY["warmup"]
    """Environment steps before learning begins."""

    def replay(self, resets: float = 0.0) -> off_policy.Config:
        """Settings of the replay, with a share `resets` of episodes from demonstrated states."""
        settings: dict[str, Any] = recipes.GOAL_REPLAY | {
            "rounds": self.rounds,
            "grad_steps": GRAD_STEPS,
            "capacity": self.capacity,
            "warmup": self.warmup,
            "resets": resets,
        }
        return off_policy.Config(**settings)

    def evaluation(self) -> dict[str, Any]:
        """Fields of the evaluation that all cells share."""
        names = ("seeds", "num_evals", "eval_episodes")
        return {name: getattr(self, name) for name in names}


def demo_source(expert: Kind, demos: int) -> DemoSource:
    """Returns a pool of at least twice `demos` episodes of an expert."""
    return DemoSource(pool=max(500, 2 * demos), expert=expert)


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: the online methods, BC and VINS at each place."""
    out = []
    for task, expert, demos in s.places:
        start = _start(task, expert, s)
        for method, config in (("bc", start.clone), ("vins", start)):
            fields = {"grad_steps": s.pretrain, "source": demo_source(expert, demos)}
            out.append(Cell(task, demos, method, config, **fields, **s.evaluation()))
        for label, (method, config) in _methods(start, s).items():
            if (task, label) in s.left_out:
                continue
            online = label == "her"
            out.append(
                Cell(
                    task=task,
                    demos=0 if online else demos,
                    method=method,
                    label=label,
                    config=config,
                    env_steps=s.env_steps,
                    source=DemoSource() if online else demo_source(expert, demos),
                    **s.evaluation(),
                )
            )
    return tuple(out)


def _start(task: str, expert: Kind, s: Size) -> vins_method.Config:
    """Settings of VINS, before environment steps and alone."""
    settings = vins.SETTINGS[task, expert]
    clone = vins.prior(task, expert, s.pretrain, min(500, s.pretrain // s.num_evals))
    sees = HAND_VELOCITIES + (() if task == "FetchReach" else OBJECT_VELOCITIES)
    return vins_method.Config(clone=clone, model_sees=sees, **settings)


def _methods(start: vins_method.Config, s: Size) -> dict[str, tuple[str, Any]]:
    """Method and settings of the online methods, by label."""
    replay = s.replay()
    settings: dict[str, Any] = {"hidden": (256, 256, 256), "tau": 0.01, **recipes.GOAL_SETTINGS}
    explores: dict[str, Any] = {"noise": 0.2, "uniform": 0.3}
    # Rewards of a discriminator have no known range, so that the values have none either. The rate
    # of the targets is DAC's own, and so is the noise: with many uniform actions a discriminator of
    # actions would know the policy's steps by them.
    not_of_dac = ("value_range", "tau", "action_l2")
    others = {k: v for k, v in settings.items() if k not in not_of_dac}
    source = dac.Config()
    dac_td3 = replace(
        source.td3,
        replay=replace(replay, her=0.0, goal_ends=True, grad_steps=DAC_STEPS, batch=100),
        **others,
    )
    with_demos = ddpg_demos.Config(replay=s.replay(RESETS), noise=0.1, uniform=0.1, **settings)
    ours = vins_rl.Config(
        vins=replace(start, discount=0.98, scaled_by="before goal"),
        pretrain=s.pretrain,
        rounds=s.rounds,
        **VINS_RL,
    )
    return {
        "vins_rl": ("vins_rl", ours),
        "nair": ("ddpg_demos", with_demos),
        "nair-no-resets": ("ddpg_demos", replace(with_demos, replay=replay)),
        "her": ("ddpg", ddpg.Config(replay=replay, **explores, **settings)),
        "dac": (
            "dac",
            dac.Config(td3=dac_td3, discriminator=replace(source.discriminator, steps=DAC_STEPS)),
        ),
    }


PLACES: tuple[tuple[str, Kind, int], ...] = (
    ("FetchPush", "learned", 25),
    ("FetchPickAndPlace", "scripted", 10),
)
PAPERS_PLACE: tuple[str, Kind, int] = ("FetchPush", "learned", 100)
OF_PUSH_ALONE = (("FetchPickAndPlace", "dac"), ("FetchPickAndPlace", "her"))
SIZES: dict[Profile, Size] = {
    "smoke": Size((("FetchReach", "learned", 3),), 160, 5, 4, 2, 2, 2, warmup=48),
    "cpu": Size(PLACES, 80_000, 250, 10_000, 5, 5, 100, left_out=OF_PUSH_ALONE),
    "full": Size((*PLACES, PAPERS_PLACE), 800_000, 500, 20_000, 10, 20, 200, capacity=1_000_000),
}
OF_VINS = {label: vins.SUITE.trials[label] for label in ("bc", "vins")}
SUITE = Suite(
    name="vins_rl",
    about="VINS+RL against HER, DDPG with demonstrations, DAC, BC and VINS on FetchPush and "
    "FetchPickAndPlace.",
    profiles={name: cells(size) for name, size in SIZES.items()},
    # Those of `vins_settings`. Of Nair et al. four on one validation seed of FetchPush; the mean of
    # success at any and at the last step is 91%, with demo_batch=32 84, tau=0.002 93 and
    # replay.grad_steps=12 93. Of VINS+RL four more of version 1 on two validation seeds of
    # FetchPush; and fifteen of version 3 on one validation seed there. Success at any step after
    # 80,000 steps: 49%; with goal_ends 66; and model_steps=16 71; and tau=0.001 69. With all of
    # these and vins.k=500 65, demo_share=0.1 60, grad_steps=12 71, capacity=20_000 84,
    # vins.discount=0.95 77 and 0.98 85; with 0.98 and without goal_ends 63, grad_steps=12 79,
    # capacity=20_000 84, 8_000 83, and both grad_steps=12 and capacity=20_000 89.
    trials={**OF_VINS, "vins_rl": OF_VINS["vins"] + 19, "nair": 4},
)
