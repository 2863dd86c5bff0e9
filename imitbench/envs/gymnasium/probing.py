"""What an environment is like, found by trying it out: how its state can be kept, what it reports.

Nothing is taken on trust. Where the state of one instance is set in another one, the two must
continue alike, bit for bit; else episodes are kept as their seed and their actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from imitbench.core.types import GOAL_PARTS
from imitbench.envs.gymnasium.findings import Findings, foreign_errors
from imitbench.envs.gymnasium.making import Registered
from imitbench.envs.gymnasium.python_state import PythonState
from imitbench.envs.gymnasium.spaces import action_layout, observation_layout
from imitbench.envs.gymnasium.trials import (
    SEEDS,
    STEPS,
    draw_actions,
    episode,
    find_snapshots,
    same_episodes,
)
from imitbench.utils.errors import UserError

SUCCESS_KEYS = ("is_success", "success")


def probe(task: str, registered: Registered) -> Findings:
    """Tries an environment out.

    Args:
        task: the task's name.
        registered: the environment.

    Raises:
        UserError: its spaces cannot be used, it has ends of its own before its time limit, or the
            same seed and actions do not give the same episode.
    """
    first, second = registered.make(), registered.make()
    obs_layout = observation_layout(first.observation_space, task)
    actions = action_layout(first.action_space, task)
    found = Findings(
        task, registered, obs_layout, actions, "never", None, False, None, False, None, False
    )
    tries = draw_actions(actions)
    _check_interface(found, first, tries[0])
    python = PythonState(first)
    base = python.base
    second.reset(seed=SEEDS)
    second.step(actions.to_env(tries[1]))
    success, ends = _reports(first, tries, found)
    found = found._replace(success=success, ends="failure" if ends else "never")
    found = found._replace(uses_mujoco=bool(python.sims))
    kept = None
    if same_episodes(found, [first, second, first], tries, exact=False):
        kept = find_snapshots(found, first, second, tries, python, base)
    found = found._replace(kept=kept)
    if kept is None and not same_episodes(found, [first, second, first], tries, exact=True):
        if not same_episodes(found, [registered.make() for _ in range(3)], tries, exact=True):
            raise UserError(
                f"{task} is not reproducible: reset(seed=7) and the same {STEPS} actions gave "
                "different episodes; call super().reset(seed=seed), and draw random numbers from "
                "self.np_random"
            )
        found = found._replace(fresh=True)
    return _with_goal_rewards(found, first, tries)


def _check_interface(found: Findings, env: Any, action: np.ndarray) -> None:
    """Resets and steps once."""
    with foreign_errors(
        f"{found.task} does not follow Gymnasium's interface (reset(seed=...) returns obs, info; "
        "step(action) returns obs, reward, terminated, truncated, info): it"
    ):
        obs, info = env.reset(seed=SEEDS)
        sizes = [len(found.obs.flatten(obs))]
        obs, reward, terminated, truncated, info = env.step(found.action.to_env(action))
        sizes.append(len(found.obs.flatten(obs)))
        _ = float(reward), bool(terminated), bool(truncated), dict(info)
    expected = sum(n for _, n in found.obs.sizes)
    if sizes != [expected, expected]:
        raise UserError(
            f"{found.task} returns observations of {sizes[0]} and {sizes[1]} numbers, its "
            f"observation space has {expected}"
        )


def _reports(env: Any, tries: Sequence[np.ndarray], found: Findings) -> tuple[str | None, bool]:
    """The entry of `info` that says success, and whether random actions end an episode early."""
    keys: dict[str, None] = {}
    _, info = env.reset(seed=0)
    keys |= dict.fromkeys(info)
    ended = False
    for t in range(min(found.registered.horizon, 10 * STEPS)):
        _, _, terminated, truncated, info = env.step(found.action.to_env(tries[t % STEPS]))
        keys |= dict.fromkeys(info)
        ended = ended or bool(terminated)
        if terminated or truncated:
            break
    return next((k for k in SUCCESS_KEYS if k in keys), None), ended


def _with_goal_rewards(found: Findings, env: Any, tries: Sequence[np.ndarray]) -> Findings:
    """Adds the rewards of goals, where `compute_reward` gives the rewards of steps and changes
    nothing."""
    sizes = dict(found.obs.sizes)
    compute = getattr(env.unwrapped, "compute_reward", None)
    if compute is None or list(sizes) != list(GOAL_PARTS):
        return found
    if any(hasattr(env.observation_space[name], "spaces") for name in GOAL_PARTS):
        return found
    steps = episode(found, env, 7, tries)[1:]
    bounds = np.cumsum([sizes[name] for name in GOAL_PARTS])[:-1]
    _, achieved, desired = np.split(np.stack([s.obs for s in steps]), bounds, axis=1)
    python = PythonState(env)
    try:
        single = [float(compute(a, d, {})) for a, d in zip(achieved, desired, strict=True)]
        both = compute(achieved, desired, {})
    except Exception:
        both = None
        single = []
    rewards = [s.reward for s in steps]
    if python.differences() or not np.allclose(single or [np.nan], rewards, atol=1e-6):
        return found
    many = np.asarray(np.nan if both is None else both)
    batched = many.shape == (len(rewards),) and np.allclose(many, rewards, atol=1e-6)
    return found._replace(goal_rewards=env, batched_rewards=bool(batched))
