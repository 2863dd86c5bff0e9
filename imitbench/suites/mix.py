"""Task reward, discriminator reward and mixtures of both, with and without demonstrated resets.

Zhu et al. 2018 (arXiv:1802.09564) pay lambda times the discriminator's reward plus 1 - lambda times
the task's reward, and begin episodes at demonstrated states. They use PPO on a shaped reward. Here
the task's reward is sparse, so DAC learns with hindsight goals, as in Ding et al. 2019
(arXiv:1906.05838). Half of the episodes of the rows with resets begin at demonstrated states that
are not at the goal.

All rows learn with hindsight goals and with the penalty of large actions that belongs to them, and
as Ding et al. by DDPG: one critic, and a policy and targets that move in every gradient step. They
differ in the reward, in the resets, and in the range of values, which is known for the task's
reward alone. With lambda 0 DAC is DDPG with hindsight goals, which uses the demonstrations for
resets alone; its times and gradient steps include a discriminator that pays nothing. BC learns from
the same demonstrations. The discriminator sees the agent's steps with the goals of their episodes,
and demonstrated steps relabelled as the learner's are, as in Ding et al., and takes half as many
steps as the critics, as theirs. As in their code, episodes end at the
goal, and no demonstrated step from after it is drawn; an end leads to DAC's absorbing state, where
their values stop. In their code for Fetch the
discriminator sees state, next state and goal without the action, its reward is log D, of which the
learner gets a tenth beside the task's, there is no penalty of actions, learning rates are 1e-4, and
the learner's minibatches hold demonstrated steps; none of this is here. The targets of the values
move by 1% in each gradient step, where those of HER's code move by 5% after 40. The discriminator
of Zhu et al. sees the objects alone; this one sees the arm and the actions, too.

The cpu profile has narrower networks, which buy more steps. They are still few for the task's
reward alone: DDPG with hindsight goals (suite `goals`) is there near random actions, and succeeds
in 37% of the episodes after 200,000 steps. The profile has FetchPush alone: on FetchPickAndPlace,
where random actions do not lift the object, half of each reward with resets was still near random
actions after 80,000 steps, on two validation seeds. Claims: `imitbench/suites/published/mix.py`.
"""

from dataclasses import replace
from typing import Any

from imitbench.algos.adversarial import dac
from imitbench.suites import expert_recipes as recipes
from imitbench.suites import vins, vins_rl
from imitbench.suites.schema import Cell, Suite
from imitbench.suites.vins_rl import Size

# DDPG's updates in place of TD3's; the bounds of DAC's code on its policy are not theirs.
DDPG: dict[str, Any] = {
    "critics": 1, "delay": 1, "target_noise": 0.0, "policy_start": 0, "max_grad_norm": 0.0,
    "lr_halving_steps": 0,
}  # fmt: skip


def mixture_label(share: float, resets: bool) -> str:
    """Names a cell by the share of the discriminator's reward and by its resets."""
    reward = {0.0: "task", 1.0: "imitation"}.get(share, f"mix-{share:g}")
    return f"{reward}-resets" if resets else reward


def cells(
    s: Size,
    shares: tuple[float, ...] = (0.0, 0.5, 1.0),
    hidden: tuple[int, ...] = (256, 256, 256),
    left_out: tuple[str, ...] = (),
) -> tuple[Cell, ...]:
    """Builds the cells of a profile: BC, then DAC with each share, without and with resets.

    Args:
        s: the size of the profile.
        shares: shares of the discriminator's reward (lambda).
        hidden: hidden layers of DAC's policy and critics.
        left_out: labels of rows that are left out.
    """
    out = []
    goal: dict[str, Any] = {
        "hidden": hidden, "tau": 0.01, "noise": 0.2, "uniform": 0.3,
    } | recipes.GOAL_SETTINGS | DDPG  # fmt: skip
    classifier = replace(dac.Config().discriminator, steps=vins_rl.GRAD_STEPS // 2)
    for task, expert, demos in s.places:
        common: dict[str, Any] = {"source": vins_rl.demo_source(expert, demos), **s.evaluation()}
        clone = vins.prior(task, expert, s.pretrain, min(500, s.pretrain // s.num_evals))
        out.append(Cell(task, demos, "bc", clone, grad_steps=s.pretrain, **common))
        for share in shares:
            for resets in (False, True):
                label = mixture_label(share, resets)
                if label in left_out:
                    continue
                replay = replace(s.replay(vins_rl.RESETS if resets else 0.0), goal_ends=True)
                # Rewards of a discriminator have no known range, so that values have none either.
                settings = goal if share == 0 else goal | {"value_range": ()}
                config = dac.Config(
                    imitation=share,
                    td3=replace(dac.Config().td3, replay=replay, **settings),
                    # For nothing where its reward has no share.
                    discriminator=classifier if share else replace(classifier, steps=1),
                )
                out.append(
                    Cell(
                        task, demos, "dac", config, env_steps=s.env_steps,
                        label=label, **common,
                    )
                )  # fmt: skip
    return tuple(out)


SIZES = vins_rl.SIZES
PLACES = (vins_rl.PAPERS_PLACE, *vins_rl.PLACES[1:])
CPU = replace(SIZES["cpu"], places=(vins_rl.PAPERS_PLACE,), eval_episodes=50)
NARROW = (128, 128, 128)  # a third of the time
SUITE = Suite(
    name="mix",
    about="Task reward, imitation reward and mixtures, with and without resets to demonstrated "
    "states.",
    profiles={
        "smoke": cells(SIZES["smoke"]),
        "cpu": cells(CPU, hidden=NARROW, left_out=("imitation",)),
        "full": cells(replace(SIZES["full"], places=PLACES), (0.0, 0.1, 0.5, 0.9, 1.0)),
    },
)
