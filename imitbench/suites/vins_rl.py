"""VINS+RL against learners of goals with and without demonstrations: success by environment steps.

All begin with the same demonstrations but HER, which has none. Half of the episodes of Nair et al.
2018 begin at demonstrated states (their share is not known here), and none of the others'. HER,
Nair et al. and DAC share sizes, rates and replay; DAC has no hindsight goals, for its reward is not
the goal's. VINS has the settings of the suite `vins`. Claims: `targets/vins_rl.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import dac
from imitbench.algos.model_based import vins, vins_rl
from imitbench.algos.rl import ddpg, ddpg_demos, off_policy, td3
from imitbench.data.source import DemoSource
from imitbench.experts import Kind
from imitbench.suites import expert_recipes as recipes
from imitbench.suites import vins as base
from imitbench.suites.schema import Cell, Profile, Suite

RESETS = 0.5  # share of the episodes of Nair et al. that begin at demonstrated states


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    places: tuple[tuple[str, Kind, int], ...]  # task, expert, demonstrations
    env_steps: int
    rounds: int  # of 16 environment steps in an update
    pretrain: int  # gradient steps of VINS before them, and of BC
    seeds: int
    num_evals: int
    eval_episodes: int
    capacity: int = 200_000
    warmup: int = recipes.GOAL_REPLAY["warmup"]

    def replay(self, resets: float = 0.0) -> off_policy.Config:
        settings: dict[str, Any] = recipes.GOAL_REPLAY | {
            "rounds": self.rounds,
            "capacity": self.capacity,
            "warmup": self.warmup,
            "resets": resets,
        }
        return off_policy.Config(**settings)

    def evaluated(self) -> dict[str, Any]:
        """Fields of each cell."""
        names = ("seeds", "num_evals", "eval_episodes")
        return {name: getattr(self, name) for name in names}


def shown(expert: Kind, demos: int) -> DemoSource:
    return DemoSource(pool=max(500, 2 * demos), expert=expert)


def cells(s: Size) -> tuple[Cell, ...]:
    out = []
    replay = s.replay()
    for task, expert, demos in s.places:
        rates: dict[str, Any] = {"hidden": (256, 256, 256), "tau": 0.01, **recipes.GOAL_SETTINGS}
        start = vins.Config(clone=base.clone(s.pretrain), **base.SETTINGS[task, expert])
        ours = vins_rl.Config(vins=start, pretrain=s.pretrain, rounds=s.rounds, capacity=s.capacity)
        unpaid = {k: v for k, v in rates.items() if k != "value_range"}
        twin = td3.Config(replay=replace(replay, her=0.0), **unpaid)
        methods: dict[str, tuple[str, Any]] = {
            "vins_rl": ("vins_rl", ours),
            "nair": ("ddpg_demos", ddpg_demos.Config(replay=s.replay(RESETS), **rates)),
            "her": ("ddpg", ddpg.Config(replay=replay, noise=0.2, uniform=0.3, **rates)),
            "dac": ("dac", dac.Config(td3=twin)),
        }
        for label, (method, config) in methods.items():
            alone = label == "her"
            out.append(
                Cell(
                    task=task,
                    demos=0 if alone else demos,
                    method=method,
                    label=label,
                    config=config,
                    env_steps=s.env_steps,
                    source=DemoSource() if alone else shown(expert, demos),
                    **s.evaluated(),
                )
            )
    return tuple(out)


PLACES: tuple[tuple[str, Kind, int], ...] = (
    ("FetchPush", "learned", 100),
    ("FetchPickAndPlace", "scripted", 10),
)
SIZES: dict[Profile, Size] = {
    "smoke": Size((("FetchReach", "learned", 3),), 160, 5, 4, 2, 2, 2, warmup=48),
    "cpu": Size(PLACES, 80_000, 250, 10_000, 5, 5, 50),
    "full": Size(PLACES, 800_000, 500, 20_000, 10, 20, 200, capacity=1_000_000),
}
SUITE = Suite(
    name="vins_rl",
    about="VINS+RL against HER, DDPG with demonstrations and DAC on FetchPush and "
    "FetchPickAndPlace.",
    profiles={name: cells(size) for name, size in SIZES.items()},
    # The grid of `vins_settings`; then, on two validation seeds of FetchPush and without gain,
    # values of -50 or more, and vins.discount=0.98: alone, with vins.batch=256, and with
    # grad_steps=12 and vins.k=300.
    trials={"vins_rl": base.SUITE.trials["vins"] + 4},
)
