"""Making experts: recipes are trained over seeds, and the best policy goes into a small file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, data, envs, experts
from imitbench.core import buffer, policy_nets
from imitbench.core.types import Algorithm, Env, Transition
from imitbench.data.source import DemoSource
from imitbench.envs.digest import digest
from imitbench.experts import learned
from imitbench.runs import score_policy
from imitbench.suites.expert_recipes import Recipe
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils import machine, npz
from imitbench.utils.errors import UserError, pick
from imitbench.utils.files import lock_folder

CHOOSE_SEED = 21_000_000  # of the initial states that a policy is chosen by: not the card's
MEDIUM = (1 / 3, 1 / 2)  # of the way from the random policy to the expert


class RecipeRun(NamedTuple):
    """A recipe, checked and ready."""

    recipe: Recipe
    env: Env
    algo: Algorithm
    folder: Path


def prepare(recipe: Recipe, root: Path) -> RecipeRun:
    """Builds environment and method, so that mistakes show before any work.

    Raises:
        UserError: the first mistake found.
    """
    if recipe.demos:
        pick("method", recipe.method, algos.ALGOS)
        experts.find_expert(recipe.task, kind="scripted")
    else:
        learners = [k for k in algos.ALGOS if not algos.traits(k).needs_demos]
        pick("method that makes experts without demonstrations", recipe.method, learners)
        if share := algos.reset_share(recipe.config):
            raise UserError(f"resets={share} of {recipe.task}'s recipe: it is shown nothing; set 0")
    learned.weights_path(recipe.task, "expert")  # rejects a task whose expert has no file name
    env = envs.make(recipe.task, recipe.engine)
    if env.spec.discrete:
        raise UserError(f"{recipe.task} has discrete actions: learned experts are continuous")
    algo = algos.build(recipe.method, recipe.config, env.spec, env, None)
    text = json.dumps(dataclasses.asdict(recipe) | {"engine": env.engine}, sort_keys=True)
    name = f"{recipe.task}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    return RecipeRun(recipe, env, algo, root / name)


def train(run: RecipeRun, out: Path, progress: Progress) -> list[Path]:
    """Trains a recipe, or goes on with it, and writes the expert's and the medium file.

    Every evaluation leaves a snapshot of each seed's policy in the run's folder. The expert is the
    snapshot with the best score over 100 episodes of its own among the best-evaluated ones; the
    card's numbers come from 100 others.

    Returns:
        The files written to `out`; no medium one where no snapshot lies between a third and a half
        of the way from the random policy to the expert.
    """
    with lock_folder(run.folder):
        return _forge(run, out, progress)


def _forge(run: RecipeRun, out: Path, progress: Progress) -> list[Path]:
    recipe = run.recipe
    progress.start(recipe.task, recipe.method, recipe.updates)
    ev = _train(run, progress)
    nets_ = [_read(run.folder, s, e) for s in range(recipe.seeds) for e in range(recipe.evals)]
    evaluate = score_policy.evaluator(run.env, learned.policy)
    marks = _marks(ev)  # [S, E]
    order = np.argsort(-marks.ravel(), kind="stable")[:3]
    chosen = max(order, key=lambda i: evaluate(nets_[i], CHOOSE_SEED).value)
    random = score_policy.score_random(run.env)
    best = evaluate(nets_[chosen], score_policy.CARD_SEED)
    final = nets_[recipe.evals - 1 :: recipe.evals]
    last = [evaluate(net, score_policy.CARD_SEED).value for net in final]
    written = [_write(run, "expert", int(chosen), nets_[chosen], best, last, ev, out)]

    def share(value: Any) -> Any:
        """Of the way from the random policy to the expert."""
        return (value - random.value) / max(best.value - random.value, 1e-8)

    off = np.abs(share(marks.ravel()) - sum(MEDIUM) / 2)
    for i in np.argsort(off, kind="stable")[:5]:
        score = evaluate(nets_[i], score_policy.CARD_SEED)
        if MEDIUM[0] <= share(score.value) <= MEDIUM[1]:
            written.append(_write(run, "medium", int(i), nets_[i], score, last, ev, out))
            break
    return written


def _marks(ev: loop.Eval) -> np.ndarray:
    """What evaluations are ranked by: final success, and the return where that is equal."""
    success = ev.success_final
    if success.any():
        spread = np.ptp(ev.returns) + 1.0
        return success + 1e-3 * (ev.returns - ev.returns.max()) / spread
    return ev.returns


def _train(run: RecipeRun, progress: Progress) -> loop.Eval:
    recipe = run.recipe
    keys = jnp.stack([jax.random.key(s) for s in range(recipe.seeds)])
    export = algos.ALGOS[recipe.method].export

    def keep(state: loop.TrainState, ev: loop.Eval) -> None:
        for s in range(recipe.seeds):
            one = jax.tree.map(lambda x, s=s: x[s], state.algo)
            net = jax.tree.map(np.asarray, export(recipe.config, run.env.spec, one))
            _keep(run.folder, s, len(ev.updates) - 1, net)

    _, ev = resumable.train_resumable(
        run.folder / "checkpoints",
        run.algo,
        _shown(run),
        keys,
        progress,
        before_checkpoint=keep,
        env=run.env,
        num_updates=recipe.updates,
        num_evals=recipe.evals,
        eval_episodes=recipe.eval_episodes,
    )
    return ev


def _shown(run: RecipeRun) -> Transition:
    """The demonstrations [N, ...] of a recipe; often none."""
    recipe, spec = run.recipe, run.env.spec
    if not recipe.demos:
        return buffer.no_rows(spec)
    return data.flatten(
        data.load_pool(
            recipe.task, recipe.engine, DemoSource(pool=recipe.demos, expert="scripted")
        ).steps
    )


def _snapshot(folder: Path, seed: int, index: int) -> Path:
    return folder / f"policy-{seed}-{index}.npz"


def _keep(folder: Path, seed: int, index: int, net: policy_nets.MLPPolicy) -> None:
    header = {"activation": net.activation, "head": net.head}
    npz.write(_snapshot(folder, seed, index), header, learned.net_arrays(net))


def _read(folder: Path, seed: int, index: int) -> policy_nets.MLPPolicy:
    return learned.build_net(*npz.read(_snapshot(folder, seed, index), "snapshot of a policy"))


def _write(
    run: RecipeRun,
    grade: learned.Grade,
    index: int,
    net: policy_nets.MLPPolicy,
    score: score_policy.Score,
    by_seed: Sequence[float],
    ev: loop.Eval,
    out: Path,
) -> Path:
    recipe, env = run.recipe, run.env
    seed, evaluation = divmod(index, recipe.evals)
    done = run.algo.cost * int(ev.updates[evaluation])
    card = learned.Card(
        task=recipe.task,
        grade=grade,
        obs_size=env.spec.obs_size,
        action_size=env.spec.action_size,
        method=recipe.method,
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe.config))),
        env_steps=done.env_steps,
        grad_steps=done.grad_steps,
        demonstrations=recipe.demos,
        wall_seconds=round(math.fsum(ev.seconds.values()), 1),
        device=machine.device(),
        engine=env.engine,
        environment_digest=digest(recipe.task, recipe.engine),
        seed=seed,
        episodes=score_policy.EPISODES,
        mean_return=score.mean,
        std_return=score.std,
        success_any=score.success_any,
        success_final=score.success_final,
        scores_by_seed=list(by_seed),
    )
    path = out / f"{recipe.task}.{grade}.npz"
    learned.save(path, net, card)
    return path
