"""Policies that see images: what pixels cost BC and DAgger, and Zhu et al. 2018's ablation.

On FetchReach and FetchPush, BC and DAgger see a depth image or the class of each pixel, with the
robot's own sensors beside it, in place of the positions that their experts see. All have the same
number of gradient steps, at a constant learning rate, and of expert actions; DAgger begins with a
sixth of the actions.

Then PPO learns from a depth image with the mean of task reward and discriminator reward, from
episodes half of which begin at demonstrated states before the goal; its value sees the state, and
an auxiliary layer predicts positions. Each further row leaves one of these out: the value sees the
image (`symmetric`), no auxiliary layer, no resets, the task's reward alone, the discriminator's
alone. On FetchReach, where no object moves, the
discriminator sees the goal relative to the gripper, which is a part of the arm; on FetchPush it
sees the goal relative to the object, and the object, without the arm (`mix`), or everything
(`unmasked`). Absolute goals would tell those of the 30 demonstrations from all others. The cpu
profile has `mix`, `symmetric` and `task` on FetchReach alone: what two cores can pay for leaves
FetchPush at the floor. Its clones see positions or depth. Its networks have a third of the
multiplications of the full profile's. Claims: `imitbench/suites/published/pixels.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from imitbench.algos.adversarial import gail
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.cloning import bc, dagger
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.algos.common import image_policy
from imitbench.algos.rl import ppo
from imitbench.core.observations import image_nets
from imitbench.data.sources.source import DemoSource
from imitbench.suites.rounds import share_steps
from imitbench.suites.schema import Cell, Suite

ROUNDS, UPDATES = 5, 10  # of DAgger; the updates after the rounds fit what was collected
STACK = 3  # frames that a stack sees
SHIFT = 3  # pixels of 64, the share that DrQ shifts by
REACH, PUSH = "FetchReach", "FetchPush"
DEPTH, CLASSES = "depth64", "seg64"
HORIZON = 50
SEEN_BY_DISCRIMINATOR = {
    REACH: ("desired_goal - grip_pos",),
    PUSH: ("desired_goal - object_pos", "object_pos"),  # its velocity is relative to the gripper's
}
RESETS = 0.5  # share of the episodes that begin at demonstrated states before the goal
PREDICTED = {REACH: ("grip_pos", "desired_goal"), PUSH: ("grip_pos", "object_pos", "desired_goal")}


@dataclass(frozen=True)
class Size:
    """The size of a profile."""

    clones: tuple[tuple[str, int], ...]
    """Tasks of BC and DAgger, and the episodes that are a sixth of the expert actions."""
    rows: tuple[tuple[str, str], ...]
    """Their rows: what the policy sees, "" for positions, and the label."""
    steps: int
    """Gradient steps of an update of BC."""
    grad_steps: int
    """Gradient steps of BC and DAgger, 60 times a multiple of `steps`."""
    batch: int
    """Rows of a minibatch of BC and DAgger."""
    net: image_nets.Config
    """The network that sees images."""
    hidden: tuple[int, ...]
    """Hidden layers after it, of BC and DAgger."""
    rewards: tuple[tuple[str, int, tuple[str, ...]], ...]
    """Tasks of PPO, their demonstrations, and the rows."""
    env_steps: int
    """Environment steps of PPO."""
    ppo: ppo.Config
    """Settings of PPO."""
    seeds: int
    """Training seeds."""
    num_evals: int
    """Evaluations at equal distances."""
    eval_episodes: int
    """Episodes of each seed and evaluation."""

    def common(self, demos: int) -> dict[str, Any]:
        """Fields that all cells share."""
        return {
            "seeds": self.seeds, "num_evals": self.num_evals,
            "eval_episodes": self.eval_episodes, "source": DemoSource(pool=2 * demos),
        }  # fmt: skip


def cells(s: Size) -> tuple[Cell, ...]:
    """Builds the cells of a profile: clones first, then the ablation."""
    clones = [cell for task, sixth in s.clones for cell in _clones(s, task, sixth)]
    return (*clones, *(c for task, demos, rows in s.rewards for c in _mixes(s, task, demos, rows)))


def _clones(s: Size, task: str, sixth: int) -> list[Cell]:
    """The rows of BC and DAgger on a task."""
    found = []
    for seen, label in s.rows:
        name = f"{task}-{seen}" if seen else task
        found.append(
            _dagger(s, name, sixth) if label == "dagger" else _bc(s, name, 6 * sixth, label)
        )
    return found


def _clone(s: Size) -> bc.Config:
    return bc.Config(batch=s.batch, hidden=s.hidden, validation=0.0, steps=s.steps, images=s.net)


def _bc(s: Size, task: str, demos: int, label: str) -> Cell:
    """BC; also from three frames, or from images that are shifted in training."""
    config = _clone(s)
    variants = {
        "bc": config,
        "bc, stack": replace(config, memory=memory_config.Config(history=STACK)),
        "bc, shift": replace(config, images=replace(s.net, shift=SHIFT)),
    }
    config, common = variants[label], s.common(demos)
    return Cell(task, demos, "bc", config, grad_steps=s.grad_steps, label=label, **common)


def _dagger(s: Size, task: str, sixth: int) -> Cell:
    start = s.grad_steps // s.steps // 6
    settings, in_updates = share_steps(
        _clone(s), s.grad_steps, start_fits=start, updates=UPDATES, rounds=ROUNDS
    )
    config = dagger.Config(episodes=sixth, capacity=6 * sixth * HORIZON, **settings)
    return Cell(task, sixth, "dagger", config, grad_steps=in_updates, **s.common(6 * sixth))


def _mixes(s: Size, task: str, demos: int, rows: tuple[str, ...]) -> list[Cell]:
    """The rows of the ablation on a task."""
    return [
        Cell(
            f"{task}-{DEPTH}", demos, "gail", _mix(s, task, row), env_steps=s.env_steps, label=row,
            **s.common(demos),
        )
        for row in rows
    ]  # fmt: skip


def _mix(s: Size, task: str, row: str) -> gail.Config:
    """Settings of a row: those of `mix` but for what the row leaves out."""
    seen = image_policy.Config(net=s.net, auxiliary=1.0, auxiliary_fields=PREDICTED[task])
    mix = gail.Config(
        discriminator=DiscriminatorConfig(inputs="state", batch=128, steps=32),
        imitation=0.5,
        resets=RESETS,
        ppo=replace(s.ppo, images=seen),
        compared_fields=SEEN_BY_DISCRIMINATOR[task],
    )
    variants = {
        "mix": mix,
        "symmetric": replace(mix, ppo=replace(s.ppo, images=replace(seen, value_sees="image"))),
        "no auxiliary": replace(
            mix, ppo=replace(s.ppo, images=replace(seen, auxiliary=0.0, auxiliary_fields=()))
        ),
        "no resets": replace(mix, resets=0.0),
        "task": replace(mix, imitation=0.0),
        "imitation": replace(mix, imitation=1.0),
        "unmasked": replace(mix, compared_fields=()),
    }
    return variants[row]


ROWS = (
    ("", "bc"), ("", "dagger"), (DEPTH, "bc"), (DEPTH, "dagger"), (DEPTH, "bc, stack"),
    (DEPTH, "bc, shift"), (CLASSES, "bc"), (CLASSES, "dagger"),
)  # fmt: skip
ABLATION = ("mix", "symmetric", "no auxiliary", "no resets", "task", "imitation")
NATURE = image_nets.Config()
SMALL = image_nets.Config(channels=(16, 32, 32), features=128)
LEARNER = ppo.Config(
    envs=16, length=128, epochs=5, minibatches=8, hidden=(128, 128), log_std=-1.0, discount=0.98
)
SMOKE = Size(
    clones=((REACH, 1),), rows=((CLASSES, "bc"), (CLASSES, "dagger"), (CLASSES, "bc, shift")),
    steps=1, grad_steps=60, batch=4,
    net=image_nets.Config(channels=(2, 2, 2), features=4), hidden=(8,),
    rewards=((REACH, 2, ("mix", "symmetric", "task")),), env_steps=16,
    ppo=ppo.Config(envs=2, length=8, epochs=1, minibatches=2, hidden=(8,)),
    seeds=2, num_evals=1, eval_episodes=1,
)  # fmt: skip
CPU = Size(
    clones=((REACH, 20), (PUSH, 20)),
    rows=(("", "bc"), (DEPTH, "bc"), (DEPTH, "dagger")),
    steps=50, grad_steps=9_000, batch=64, net=SMALL, hidden=(256, 256),
    rewards=((REACH, 30, ("mix", "symmetric", "task")),), env_steps=409_600, ppo=LEARNER,
    seeds=5, num_evals=5, eval_episodes=50,
)  # fmt: skip
FULL = Size(
    clones=((REACH, 20), (PUSH, 20)), rows=ROWS, steps=200, grad_steps=60_000,
    batch=128, net=NATURE, hidden=(256, 256),
    rewards=((REACH, 30, ABLATION), (PUSH, 30, (*ABLATION, "unmasked"))), env_steps=3_112_960,
    ppo=replace(LEARNER, envs=64), seeds=10, num_evals=10, eval_episodes=50,
)  # fmt: skip
SUITE = Suite(
    name="pixels",
    about="Policies that see images: BC, DAgger, and Zhu et al. 2018's ablation.",
    profiles={"smoke": cells(SMOKE), "cpu": cells(CPU), "full": cells(FULL)},
)
