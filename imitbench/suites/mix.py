"""The task's reward, the discriminator's, and a mix of both; from the task's own initial states,
and with half of the episodes from demonstrated ones.

As Zhu et al. 2018 (arXiv:1802.09564) pay lambda of the discriminator's reward and
1 - lambda of the task's, and begin episodes in the middle of demonstrated ones. Theirs is PPO on a
shaped reward; here TD3 with hindsight goals learns (DAC), for the task's reward is sparse: Ding et
al. 2019 (arXiv:1906.05838) join the two in that way. With lambda 0 that is what TD3 with hindsight
goals alone learns, which sees of the demonstrations no more than the states where it begins; its
times and gradient steps hold a discriminator that it is not paid by. BC is shown beside it. Claims:
`targets/mix.py`.
"""

from dataclasses import replace
from typing import Any

from imitbench.algos.adversarial import dac
from imitbench.algos.rl import td3
from imitbench.suites import expert_recipes as recipes
from imitbench.suites import vins as base
from imitbench.suites import vins_rl as rivals
from imitbench.suites.schema import Cell, Suite


def label(share: float, resets: bool) -> str:
    """A cell's name: the share of the discriminator's reward, and where episodes begin."""
    who = {0.0: "task", 1.0: "imitation"}.get(share, f"mix-{share:g}")
    return f"{who}-resets" if resets else who


def cells(s: Any, shares: tuple[float, ...] = (0.0, 0.5, 1.0)) -> tuple[Cell, ...]:
    out = []
    # What a policy is worth has no known range here: the discriminator's rewards have none.
    rates: dict[str, Any] = {"hidden": (256, 256, 256), "tau": 0.01, "noise": 0.2, "uniform": 0.3}
    rates |= {k: v for k, v in recipes.GOAL_SETTINGS.items() if k != "value_range"}
    for task, expert, demos in s.places:
        common: dict[str, Any] = {"source": rivals.shown(expert, demos), **s.evaluated()}
        clone = base.clone(s.pretrain, min(500, s.pretrain // s.num_evals))
        out.append(Cell(task, demos, "bc", clone, grad_steps=s.pretrain, **common))
        for share in shares:
            for resets in (False, True):
                replay = s.replay(rivals.RESETS if resets else 0.0)
                config = dac.Config(imitation=share, td3=td3.Config(replay=replay, **rates))
                out.append(
                    Cell(
                        task, demos, "dac", config, env_steps=s.env_steps,
                        label=label(share, resets), **common,
                    )
                )  # fmt: skip
    return tuple(out)


SIZES = rivals.SIZES
SHORT = replace(SIZES["cpu"], env_steps=40_000)
SUITE = Suite(
    name="mix",
    about="Task reward, imitation reward and a mix, with and without resets to demonstrated "
    "states.",
    profiles={
        "smoke": cells(SIZES["smoke"]),
        "cpu": cells(SHORT),
        "full": cells(SIZES["full"], (0.0, 0.1, 0.5, 0.9, 1.0)),
    },
)
