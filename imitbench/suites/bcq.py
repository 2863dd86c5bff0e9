"""Learning from fixed data: BCQ, off-policy DDPG and BC on the data sets of Fujimoto et al. 2019.

The four data sets of the paper (arXiv:1812.02900), beside the behavioural DDPG:
- final buffer: all steps of DDPG with exploration noise 0.5;
- concurrent: the steps that DDPG with noise 0.1 has taken so far, from the end of its warm-up on;
- imitation: the steps of an expert;
- imperfect: the steps of an expert with noise 0.3 and 30% uniform actions.
The experts are the ones that ship, in place of the paper's DDPG. Claims:
`imitbench/suites/published/bcq.py`.

Off-policy DDPG is the behavioural DDPG in all settings, which are those of the paper's code as it
is now (the code of its time has a smaller learning rate of the policy, and weight decay). As there,
the methods with values begin with weights from a uniform distribution, and all see observations as
they are. The full profile has the paper's sizes: of a million steps of the behavioural DDPG 25,000
are random, so that it takes 975,000 gradient steps, and the methods a million. The cpu profile has
one task, narrower networks, and fewer proposals when BCQ acts. There 2,000 of 47,000 steps are
random, and the behavioural DDPG and the methods take 45,000 gradient steps each. With the targets'
rate of 0.005 and a discount of 0.99, values are then about 89% of the way to their fixed point. The
behavioural agents, and what learns from their steps, have ten seeds there, and the rest five: the
agents' seeds differ most.

Each seed draws its expert episodes out of ten times as many, so that two seeds share a tenth of
them; in the full profile out of twice as many, and of imperfect ones out of five times.
"""

from dataclasses import dataclass
from typing import Any

from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.offline import bcq, fixed_data, offline_ddpg
from imitbench.algos.rl import ddpg
from imitbench.data.sources.source import Behaviour, DemoSource
from imitbench.suites.schema import Cell, Suite

HORIZON = 1000  # steps, the time limit of the tasks
EXPLORATION_NOISE = {"final buffer": 0.5, "concurrent": 0.1}
MOST = 500  # episodes that are collected, if a seed gets no more than half of them


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    tasks: tuple[str, ...]
    """The tasks."""
    episodes: int
    """Episodes of expert data; the behavioural DDPG takes as many times 1,000 environment steps."""
    imperfect_episodes: int
    """Episodes of imperfect demonstrations."""
    warmup: int
    """Environment steps of the behavioural DDPG before it learns."""
    grad_steps: int
    """Gradient steps on fixed data."""
    steps_per_update: int
    """Gradient steps of an update, and environment steps of an update of the behavioural DDPG."""
    hidden: tuple[int, ...]
    """Hidden layers of all networks but BCQ's autoencoder."""
    vae_hidden: tuple[int, ...]
    """Hidden layers of BCQ's autoencoder."""
    act_proposals: int
    """Proposals of BCQ when it acts."""
    batch: int
    """Steps in a minibatch."""
    seeds: int
    """Training seeds on the data of demonstrators."""
    learner_seeds: int
    """Training seeds of the behavioural agents, and on their data."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile; on each task the behavioural agents come first."""
    # As in the paper's code, which sees observations as they are.
    data = fixed_data.Config(batch=s.batch, steps=s.steps_per_update, normalise_obs=False)
    methods = {
        "bc": bc.Config(
            hidden=s.hidden,
            batch=s.batch,
            validation=0.0,
            steps=s.steps_per_update,
            normalise_obs=False,
        ),
        "offline_ddpg": offline_ddpg.Config(
            data=data, hidden=s.hidden, lr=1e-3, initial_weights="uniform"
        ),
        "bcq": bcq.Config(
            data=data,
            hidden=s.hidden,
            vae_hidden=s.vae_hidden,
            act_proposals=s.act_proposals,
            initial_weights="uniform",
        ),
    }
    common: dict[str, Any] = {"num_evals": s.num_evals, "eval_episodes": s.eval_episodes}
    many: dict[str, Any] = common | {"seeds": s.learner_seeds}
    env_steps = s.episodes * HORIZON
    replay = off_policy.Config(
        rounds=s.steps_per_update, warmup=s.warmup, batch=s.batch, capacity=env_steps
    )
    out = []
    for task in s.tasks:
        episodes: dict[DemoSource, int] = {}
        for kind, noise in EXPLORATION_NOISE.items():
            agent = ddpg.Config(
                replay=replay, noise=noise, hidden=s.hidden, lr=1e-3, initial_weights="uniform"
            )
            label = f"ddpg-{noise}"
            out.append(Cell(task, 0, "ddpg", agent, env_steps=env_steps, label=label, **many))
            behaviour = Behaviour("ddpg", agent, label)
            source = DemoSource(behaviour=behaviour, concurrent=kind == "concurrent")
            episodes[source] = s.episodes
        for grade, number in (("expert", s.episodes), ("imperfect", s.imperfect_episodes)):
            episodes[DemoSource(pool=_pool(number), expert="learned", grade=grade)] = number
        out += [
            Cell(
                task,
                demos,
                method,
                config,
                grad_steps=s.grad_steps,
                source=source,
                seeds=s.learner_seeds if source.behaviour else s.seeds,
                **common,
            )
            for source, demos in episodes.items()
            for method, config in methods.items()
        ]
    return tuple(out)


def _pool(number: int) -> int:
    """The episodes from which a seed draws so many: ten times as many while that is cheap."""
    return max(2 * number, min(10 * number, MOST))


SMOKE = Size(
    tasks=("Hopper",), episodes=1, imperfect_episodes=1, warmup=20, grad_steps=8,
    steps_per_update=4, hidden=(8,), vae_hidden=(8,), act_proposals=2, batch=8, seeds=2,
    learner_seeds=2, num_evals=2, eval_episodes=1,
)  # fmt: skip
CPU = Size(
    tasks=("HalfCheetah",), episodes=47, imperfect_episodes=47, warmup=2_000,
    grad_steps=45_000, steps_per_update=200, hidden=(256, 256), vae_hidden=(256, 256),
    act_proposals=32, batch=100, seeds=5, learner_seeds=10, num_evals=5, eval_episodes=10,
)  # fmt: skip
FULL = Size(
    tasks=("Hopper", "HalfCheetah", "Walker2d"), episodes=1000, imperfect_episodes=100,
    warmup=25_000, grad_steps=1_000_000, steps_per_update=1000, hidden=(400, 300),
    vae_hidden=(750, 750), act_proposals=100, batch=100, seeds=5, learner_seeds=5, num_evals=200,
    eval_episodes=10,
)  # fmt: skip
SUITE = Suite(
    name="bcq",
    about="BCQ, off-policy DDPG and BC on fixed data of a learner and of an expert.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
