"""Training of experts: a recipe is trained over seeds, and the best policy is written to a file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, data, envs, experts
from imitbench.core import buffer
from imitbench.core.policy_nets import MLPPolicy
from imitbench.core.types import Transition
from imitbench.data.sources.source import DemoSource
from imitbench.experts import learned
from imitbench.runs import expert_choice
from imitbench.runs.expert_choice import RecipeRun
from imitbench.suites.expert_recipes import Recipe
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils import npz
from imitbench.utils.errors import UserError, pick
from imitbench.utils.files import lock_folder


def prepare(recipe: Recipe, root: Path) -> RecipeRun:
    """Checks and builds a recipe, so that mistakes show before any work.

    Args:
        recipe: the recipe.
        root: the folder of experts; the recipe has its own folder in it.

    Returns:
        The recipe, ready to run.

    Raises:
        UserError: the first mistake.
    """
    if recipe.demos:
        pick("method", recipe.method, algos.ALGOS)
        experts.find_expert(recipe.task, kind="scripted")
    else:
        learners = [k for k in algos.ALGOS if not algos.traits(k).needs_demos]
        pick("method that makes experts without demonstrations", recipe.method, learners)
        if share := algos.reset_share(recipe.config):
            raise UserError(
                f"resets={share}: the recipe for {recipe.task} has no demonstrations to reset to; "
                "set resets=0 or demos>0"
            )
    for task in (recipe.task, *recipe.also_for):
        learned.weights_path(task, "expert")  # rejects a task whose expert has no file name
    env = envs.make(recipe.task, recipe.engine)
    if env.spec.discrete:
        raise UserError(f"{recipe.task} has discrete actions: learned experts are continuous")
    algo = algos.build(recipe.method, recipe.config, env.spec, env, None)
    text = json.dumps(dataclasses.asdict(recipe) | {"engine": env.engine}, sort_keys=True)
    name = f"{recipe.task}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    return RecipeRun(recipe, env, algo, root / name)


def train(run: RecipeRun, out: Path, progress: Progress) -> list[Path]:
    """Trains a recipe, and writes the files of the expert and of the medium policy.

    Every evaluation leaves a snapshot of each seed's policy in the folder of the run; interrupted
    training continues. The expert is the snapshot with the best score over 100 episodes among the
    three with the best evaluations. The numbers of its card come from 100 other episodes.

    Args:
        run: the recipe.
        out: the folder of the files.
        progress: the display.

    Returns:
        The written files; without a medium one where no snapshot scores between a third and a half
        of the way from the random policy to the expert.
    """
    with lock_folder(run.folder):
        progress.start(run.recipe.task, run.recipe.method, run.recipe.updates, run.recipe.evals)
        ev = _train(run, progress)
        snapshots = [
            _load_snapshot(run.folder, s, e)
            for s in range(run.recipe.seeds)
            for e in range(run.recipe.evals)
        ]
        return expert_choice.write_best(run, ev, snapshots, out)


def _train(run: RecipeRun, progress: Progress) -> loop.Eval:
    recipe = run.recipe
    export = algos.ALGOS[recipe.method].export

    def save_snapshots(state: loop.TrainState, ev: loop.Eval) -> None:
        for s in range(recipe.seeds):
            learner = jax.tree.map(lambda x, s=s: x[s], state.algo)
            net = jax.tree.map(np.asarray, export(recipe.config, run.env.spec, learner))
            _save_snapshot(run.folder, s, len(ev.updates) - 1, net)

    _, ev = resumable.train_resumable(
        run.folder / "checkpoints",
        run.algo,
        _demonstrations(run),
        jnp.stack([jax.random.key(s) for s in range(recipe.seeds)]),
        progress,
        before_checkpoint=save_snapshots,
        env=run.env,
        num_updates=recipe.updates,
        num_evals=recipe.evals,
        eval_episodes=recipe.eval_episodes,
        # The same states for all seeds: the best one is chosen, and no seed may have easier ones.
        eval_keys=jnp.stack([jax.random.key(0)] * recipe.seeds),
    )
    return ev


def _demonstrations(run: RecipeRun) -> Transition:
    """The demonstrations [N, ...] of a recipe; N is 0 for most."""
    recipe = run.recipe
    if not recipe.demos:
        return buffer.no_rows(run.env.spec)
    source = DemoSource(pool=recipe.demos, expert="scripted")
    return data.flatten(data.load_pool(recipe.task, recipe.engine, source))


def _snapshot_path(folder: Path, seed: int, evaluation: int) -> Path:
    return folder / f"policy-{seed}-{evaluation}.npz"


def _save_snapshot(folder: Path, seed: int, evaluation: int, net: MLPPolicy) -> None:
    header = {"activation": net.activation, "head": net.head}
    npz.write(_snapshot_path(folder, seed, evaluation), header, learned.net_arrays(net))


def _load_snapshot(folder: Path, seed: int, evaluation: int) -> MLPPolicy:
    path = _snapshot_path(folder, seed, evaluation)
    return learned.build_net(*npz.read(path, "snapshot of a policy"))
