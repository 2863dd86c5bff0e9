"""Motion imitation: bodies that follow recorded motions of a person and of a dog.

PPO, AWR and RWR on the reward of DeepMimic and its like, which is 1 in each step for the clip
itself; GAIL without this reward, from the clip's states, which have no actions; and DAC, which has
a tenth of the steps (a quarter on the walker in the full profile), in the cpu profile on the trot
alone. PPO again where every episode begins at the start of the clip, and where no failure (a fall,
a distance of 1 m from the clip, of the quadruped also a turn away from it by 90 degrees) ends it:
the two ablations of DeepMimic, whose policies are evaluated in the task itself. On its walk
DeepMimic finds that neither matters in the end (normalised returns of 0.980, 0.981 without the
first and 0.974 without the second); both do on its jumps. Its episodes last half a second at first,
so that a fall costs little of them; those here last 10 s, which makes the second ablation another
experiment.
Claims: `imitbench/suites/published/motion.py`.

The humanoid is in the full profile alone, which needs a GPU and is not run with this package.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import dac, gail
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.common import off_policy
from imitbench.algos.rl import awr, ppo, rwr
from imitbench.data.sources.source import DemoSource
from imitbench.envs.motion.tasks import FIXED_HORIZON, FIXED_START
from imitbench.suites.schema import Cell, Suite

WALK, RUN = "Walker2d-mocap-walk", "Walker2d-mocap-run"
TROT, PACE, SPIN = (f"Quadruped-{clip}" for clip in ("trot", "pace", "spin"))
PERSON = tuple(f"Humanoid-mocap-{clip}" for clip in ("walk", "run", "spinkick", "cartwheel"))
ENVS = 16
DISCOUNT = 0.95
# Of AWR and RWR. The standard deviation is smaller than in AWR's code for other tasks, where
# actions are torques: an action of 0.4 is an angle of up to 0.8 rad here. The replay holds the
# steps of four updates, and the policy moves little in each.
REGRESSION: dict[str, Any] = {
    "std": 0.1, "policy_lr": 1.5e-5, "policy_steps": 200, "value_lr": 0.05, "value_steps": 200,
    "capacity": 8_192,
}  # fmt: skip
TARGET_NOISE = 0.1  # of DAC's target policy, half of TD3's own, for the same reason


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    steps: dict[str, int]
    """Environment steps of PPO, AWR, RWR and GAIL, by task."""
    regressed: tuple[str, ...]
    """Tasks of AWR and RWR."""
    imitated: tuple[str, ...]
    """Tasks of GAIL."""
    off_policy: tuple[str, ...]
    """Tasks of DAC."""
    fixed_start: tuple[str, ...]
    """Tasks of PPO whose episodes begin at the start of the clip."""
    fixed_horizon: tuple[str, ...]
    """Tasks of PPO whose episodes no failure ends."""
    off_policy_steps: int
    """Environment steps of DAC."""
    warmup: int
    """Environment steps of DAC before it learns."""
    demos: int
    """Episodes from the clip for GAIL and DAC."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""
    length: int = 256
    """Steps of each of 16 environments in an update of PPO and GAIL; half of it for AWR and RWR."""
    hidden: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers of policies and values, but for DAC's."""
    rounds: int = 256
    """Rounds in an update of DAC."""
    small: bool = False
    """Few gradient steps, for the smoke profile."""
    decisive: tuple[str, ...] = ()
    """Tasks on which PPO has twice the seeds, from anywhere in the clip and from its start."""

    def common(self) -> dict[str, Any]:
        """Fields that all cells share."""
        return {
            "seeds": self.seeds,
            "num_evals": self.num_evals,
            "eval_episodes": self.eval_episodes,
        }

    def ppo(self) -> ppo.Config:
        """The settings of PPO, GAIL's included."""
        return ppo.Config(
            envs=ENVS, length=self.length, minibatches=16, hidden=self.hidden, log_std=-2.0,
            discount=DISCOUNT,
        )  # fmt: skip

    def regression(self) -> dict[str, Any]:
        """The settings of AWR and RWR."""
        length = self.length // 2
        settings: dict[str, Any] = {
            "envs": ENVS, "length": length, "discount": DISCOUNT, "hidden": self.hidden,
            **REGRESSION,
        }  # fmt: skip
        if self.small:
            settings |= {"policy_steps": 3, "value_steps": 2, "capacity": 4 * ENVS * length}
        return settings


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile, task by task."""
    out = []
    for task, steps in s.steps.items():
        many: dict[str, Any] = s.common()
        many |= {"seeds": s.seeds * (1 + (task in s.decisive))}
        out.append(Cell(task, 0, "ppo", s.ppo(), env_steps=steps, **many))
        if task in s.regressed:
            out += [
                Cell(task, 0, method, kind(**s.regression()), env_steps=steps, **s.common())
                for method, kind in (("awr", awr.Config), ("rwr", rwr.Config))
            ]
        if task in s.imitated:
            out.append(_gail(task, steps, s))
        if task in s.off_policy:
            out.append(_dac(task, s))
        if task in s.fixed_start:
            out.append(Cell(task + FIXED_START, 0, "ppo", s.ppo(), env_steps=steps, **many))
        if task in s.fixed_horizon:
            other = task + FIXED_HORIZON
            out.append(Cell(other, 0, "ppo", s.ppo(), env_steps=steps, **s.common()))
    return tuple(out)


def _from_clip(s: Size) -> dict[str, Any]:
    """Fields of the cells that learn from the states of the clip."""
    return s.common() | {"demos": s.demos, "source": DemoSource(pool=5 * s.demos, grade="clip")}


def _gail(task: str, steps: int, s: Size) -> Cell:
    config = gail.Config(ppo=s.ppo(), discriminator=DiscriminatorConfig(inputs="transition"))
    return Cell(task, method="gail", config=config, env_steps=steps, **_from_clip(s))


def _dac(task: str, s: Size) -> Cell:
    """DAC; observations are standardised, because the rates of joints are large."""
    base = dac.Config()
    replay = off_policy.Config(
        rounds=s.rounds, warmup=s.warmup, batch=100, capacity=s.off_policy_steps, normalise_obs=True
    )
    learner = replace(
        base.td3,
        replay=replay,
        initial_weights="orthonormal",
        discount=DISCOUNT,
        target_noise=TARGET_NOISE,
        target_noise_clip=2 * TARGET_NOISE,
    )
    discriminator = replace(base.discriminator, inputs="transition")
    config = replace(base, discriminator=discriminator, td3=learner)
    return Cell(task, method="dac", config=config, env_steps=s.off_policy_steps, **_from_clip(s))


SMOKE = Size(
    steps={WALK: 1_024}, regressed=(WALK,), imitated=(WALK,), off_policy=(WALK,),
    fixed_start=(WALK,), fixed_horizon=(WALK,), off_policy_steps=256, warmup=100, demos=1, seeds=2,
    num_evals=2, eval_episodes=1, length=32, hidden=(8,), rounds=16, small=True,
)  # fmt: skip
CPU = Size(
    steps=dict.fromkeys((WALK, RUN, TROT), 1_024_000), regressed=(RUN, TROT),
    imitated=(WALK, TROT), off_policy=(TROT,), fixed_start=(WALK, RUN),
    fixed_horizon=(RUN, TROT), off_policy_steps=102_400, warmup=1_000, demos=20, seeds=5,
    num_evals=5, eval_episodes=30, decisive=(WALK, RUN),
)  # fmt: skip
ABLATED = (WALK, RUN, TROT, SPIN, *PERSON)
FULL = Size(
    steps={
        **dict.fromkeys((WALK, RUN), 2_048_000),
        **dict.fromkeys((TROT, PACE, SPIN), 5_079_040),
        **dict.fromkeys(PERSON, 61_440_000),
    },
    regressed=(WALK, RUN, TROT, PACE, SPIN, *PERSON), imitated=(WALK, RUN, TROT, PACE, SPIN),
    off_policy=(WALK, RUN, TROT, PACE, SPIN), fixed_start=ABLATED, fixed_horizon=ABLATED,
    off_policy_steps=512_000, warmup=10_000, demos=20, seeds=5, num_evals=20, eval_episodes=32,
    hidden=(256, 256),
)  # fmt: skip
SUITE = Suite(
    name="motion",
    about="Bodies that follow recorded motions, by reward and by the clip's states.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
    trials={"awr": 15, "rwr": 3, "ppo": 5},  # five of AWR's stopped early
)
