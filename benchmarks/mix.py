"""The task's reward, the discriminator's, and a mix of both; from the task's own initial states,
and with half of the episodes from demonstrated ones.

As Zhu et al. 2018 (arXiv:1802.09564) pay lambda of the discriminator's reward and
1 - lambda of the task's, and begin episodes in the middle of demonstrated ones. Theirs is PPO on a
shaped reward; here TD3 with hindsight goals learns (DAC), for the task's reward is sparse: Ding et
al. 2019 (arXiv:1906.05838) join the two in that way. With lambda 0 that is TD3 with hindsight goals
alone, which sees of the demonstrations no more than the states where it begins. BC is shown beside
it. Claims: `targets/mix.py`.
"""

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos import _offpolicy, dac, td3
from imitbench.experts import Kind
from imitbench.harness import suite

base, recipes = suite.module("vins"), suite.module("experts")
RESETS = 0.5  # share of episodes that begin at a demonstrated state, where any do


@dataclass(frozen=True)
class Size:
    """Of a profile."""

    places: tuple[tuple[str, Kind, int], ...]  # task, expert, demonstrations
    shares: tuple[float, ...]  # lambda
    env_steps: int
    rounds: int  # of 16 environment steps in an update
    clone: int  # gradient steps of BC
    seeds: int
    num_evals: int
    eval_episodes: int
    capacity: int = 200_000
    warmup: int = recipes.REPLAYED["warmup"]


def label(share: float, resets: bool) -> str:
    """A cell's name: the share of the discriminator's reward, and where episodes begin."""
    who = {0.0: "task", 1.0: "imitation"}.get(share, f"mix-{share:g}")
    return f"{who}-resets" if resets else who


def cells(s: Size) -> tuple[suite.Cell, ...]:
    out = []
    replay = _offpolicy.Config(
        **recipes.REPLAYED | {"rounds": s.rounds, "capacity": s.capacity, "warmup": s.warmup}
    )
    # What a policy is worth has no known range here: the discriminator's rewards have none.
    rates: dict[str, Any] = {"hidden": (256, 256, 256), "tau": 0.01, "noise": 0.2, "uniform": 0.3}
    rates |= {k: v for k, v in recipes.GOALS.items() if k != "value_range"}
    for task, expert, demos in s.places:
        common: dict[str, Any] = {
            "seeds": s.seeds, "num_evals": s.num_evals, "eval_episodes": s.eval_episodes,
            "source": suite.DemoSource(pool=max(500, 2 * demos), expert=expert),
        }  # fmt: skip
        out.append(suite.Cell(task, demos, "bc", base.clone(s.clone), grad_steps=s.clone, **common))
        for share in s.shares:
            for resets in (False, True):
                own = replace(replay, resets=RESETS if resets else 0.0)
                config = dac.Config(imitation=share, td3=td3.Config(replay=own, **rates))
                out.append(
                    suite.Cell(
                        task, demos, "dac", config, env_steps=s.env_steps,
                        label=label(share, resets), **common,
                    )
                )  # fmt: skip
    return tuple(out)


SHARES = (0.0, 0.5, 1.0)
PLACES: tuple[tuple[str, Kind, int], ...] = (
    ("FetchPush", "learned", 100),
    ("FetchPickAndPlace", "scripted", 10),
)
SMOKE = Size(
    places=(("FetchReach", "learned", 3),), shares=SHARES, env_steps=160, rounds=5, clone=1_000,
    seeds=2, num_evals=2, eval_episodes=2, warmup=48,
)  # fmt: skip
CPU = Size(
    places=PLACES, shares=SHARES, env_steps=40_000, rounds=250, clone=10_000, seeds=5, num_evals=5,
    eval_episodes=50,
)  # fmt: skip
FULL = Size(
    places=PLACES, shares=(0.0, 0.1, 0.5, 0.9, 1.0), env_steps=800_000, rounds=500, clone=20_000,
    seeds=10, num_evals=20, eval_episodes=200, capacity=1_000_000,
)  # fmt: skip
SUITE = suite.Suite(
    name="mix",
    about="Task reward, imitation reward and a mix, with and without resets to demonstrated "
    "states.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
