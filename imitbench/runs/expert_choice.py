"""The choice of the expert and of the medium policy among the snapshots of a training run."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from imitbench import envs
from imitbench.core.policy_nets import MLPPolicy
from imitbench.core.types import Algorithm, Env
from imitbench.envs.digest import digest
from imitbench.experts import learned
from imitbench.runs import score_policy
from imitbench.suites.expert_recipes import Recipe
from imitbench.training import loop
from imitbench.utils import machine

CHOICE_SEED = 21_000_000  # of the initial states that choose the expert; cards have other states
EXPERT_CANDIDATES = 3  # snapshots with the best evaluations, which are scored again
MEDIUM_CANDIDATES = 5
MEDIUM = (1 / 3, 1 / 2)  # of the way from the random policy to the expert


class RecipeRun(NamedTuple):
    """A recipe that is checked and ready to run."""

    recipe: Recipe
    env: Env
    algo: Algorithm
    folder: Path  # of its snapshots and checkpoints


def write_best(
    run: RecipeRun, ev: loop.Eval, snapshots: Sequence[MLPPolicy], out: Path
) -> list[Path]:
    """Chooses the expert and the medium policy among snapshots, and writes their files.

    Args:
        run: the recipe.
        ev: its evaluations, [S, E].
        snapshots: the policies; the index of seed s and evaluation e is s * E + e.
        out: the folder of the files.

    Returns:
        The written files; without a medium one where no snapshot scores between a third and a half
        of the way from the random policy to the expert.
    """
    evaluate = score_policy.make_evaluator(run.env, learned.policy)
    marks = rank_marks(ev).ravel()
    candidates = np.argsort(-marks, kind="stable")[:EXPERT_CANDIDATES]
    expert = int(max(candidates, key=lambda i: evaluate(snapshots[i], CHOICE_SEED).value))
    random = score_policy.score_random(run.env)
    best = evaluate(snapshots[expert], score_policy.CARD_SEED)
    last = snapshots[run.recipe.evals - 1 :: run.recipe.evals]
    by_seed = [evaluate(net, score_policy.CARD_SEED).value for net in last]
    paths = _write(run, ev, "expert", expert, snapshots[expert], best, by_seed, out)

    def share(value: Any) -> Any:
        """The share of the way from the random policy to the expert."""
        return (value - random.value) / max(best.value - random.value, 1e-8)

    distance = np.abs(share(marks) - sum(MEDIUM) / 2)
    for i in map(int, np.argsort(distance, kind="stable")[:MEDIUM_CANDIDATES]):
        score = evaluate(snapshots[i], score_policy.CARD_SEED)
        if MEDIUM[0] <= share(score.value) <= MEDIUM[1]:
            paths += _write(run, ev, "medium", i, snapshots[i], score, by_seed, out)
            break
    return paths


def widen(net: MLPPolicy, obs_size: int) -> MLPPolicy:
    """Lets a network take longer observations; what is new has no influence on its actions.

    Args:
        net: the network, for observations [O].
        obs_size: the new size, O or more.

    Returns:
        The network for observations [obs_size] that begin with the old ones.
    """
    (kernel, bias), *rest = net.layers
    more = obs_size - np.shape(net.mean)[0]
    kernel = np.pad(np.asarray(kernel), ((0, more), (0, 0)))
    mean = np.pad(np.asarray(net.mean), (0, more))
    std = np.pad(np.asarray(net.std), (0, more), constant_values=1.0)
    return net.replace(layers=[(kernel, bias), *rest], mean=mean, std=std)


def rank_marks(ev: loop.Eval) -> np.ndarray:
    """Returns the numbers that evaluations are ranked by; higher is better.

    Args:
        ev: the evaluations.

    Returns:
        [S, E] final success, and the return where final success is equal; the return alone where
        no evaluation has any success.
    """
    success = ev.success_final
    if success.any():
        spread = np.ptp(ev.returns) + 1.0
        return success + 1e-3 * (ev.returns - ev.returns.max()) / spread
    return ev.returns


def _write(
    run: RecipeRun,
    ev: loop.Eval,
    grade: learned.Grade,
    index: int,
    net: MLPPolicy,
    score: score_policy.Score,
    by_seed: Sequence[float],
    out: Path,
) -> list[Path]:
    """Writes the file of a snapshot, with its card, for every task of the recipe."""
    recipe, env = run.recipe, run.env
    seed, evaluation = divmod(index, recipe.evals)
    cost = run.algo.cost * int(ev.updates[evaluation])
    card = learned.Card(
        task=recipe.task,
        grade=grade,
        obs_size=env.spec.obs_size,
        action_size=env.spec.action_size,
        method=recipe.method,
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe.config))),
        env_steps=cost.env_steps,
        grad_steps=cost.grad_steps,
        demonstrations=recipe.demos,
        wall_seconds=round(math.fsum(ev.seconds.values()), 1),
        device=machine.device(),
        engine=env.engine,
        environment_digest=digest(recipe.task, recipe.engine),
        seed=seed,
        episodes=score_policy.EPISODES,
        scores_by_seed=list(by_seed),
        **_score_fields(score),
    )
    paths = [out / f"{recipe.task}.{grade}.npz"]
    learned.save(paths[0], net, card)
    for task in recipe.also_for:
        other = envs.make(task, recipe.engine)
        wide = widen(net, other.spec.obs_size)
        evaluate = score_policy.make_evaluator(other, learned.policy)
        scores = _score_fields(evaluate(wide, score_policy.CARD_SEED))
        its_digest = digest(task, recipe.engine)
        sizes = {"obs_size": other.spec.obs_size, "environment_digest": its_digest}
        paths.append(out / f"{task}.{grade}.npz")
        learned.save(paths[-1], wide, dataclasses.replace(card, task=task, **sizes, **scores))
    return paths


def _score_fields(score: score_policy.Score) -> dict[str, Any]:
    """A score as the fields of a card."""
    return {
        "mean_return": score.mean,
        "std_return": score.std,
        "success_any": score.success_any,
        "success_final": score.success_final,
    }
