"""What stands in which panel of a suite's figures, and how far along each cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from imitbench.results import stats
from imitbench.results.store import Result
from imitbench.suites.published.schema import Place

AXES = {
    "grad_steps": "gradient steps",
    "expert_queries": "expert queries, demonstrations included",
    "env_steps": "environment steps of the learner",
}


def evaluated_once(results: Sequence[Result]) -> bool:
    """Whether no cell has a curve."""
    return all(r.curve["evaluation"].max() == 0 for r in results)


def panels(together: Mapping[Place, Sequence[Result]]) -> list[tuple[str, Place]]:
    """The panels of a suite's curves: each cost at each of its `groups` where some method spends
    it. Places where every cell was evaluated once are left out, unless all are such."""
    once = all(map(evaluated_once, together.values()))
    shown = {p: rs for p, rs in together.items() if once or not evaluated_once(rs)}
    return [
        (cost, p) for cost in AXES for p, rs in shown.items() if any(_spends(r, cost) for r in rs)
    ]


def groups(results: Sequence[Result]) -> dict[Place, list[Result]]:
    """The cells that stand together. A method without demonstrations stands beside those of its
    task that have some and learn from the environment, too; where there are none it has a place of
    its own."""
    own: dict[Place, list[Result]] = {}
    for r in results:
        own.setdefault(r.place, []).append(r)

    def beside(place: Place) -> list[Place]:
        task, demos, _ = place
        others = [p for p in own if p[0] == task and p[1] and not demos]
        return [p for p in others if any(_spends(r, "env_steps") for r in own[p])]

    left = {p: list(rs) for p, rs in own.items() if not beside(p)}
    for place, found in own.items():
        for host in beside(place):
            left[host] += found
    return left


def _spends(r: Result, cost: str) -> bool:
    return bool(r.curve[cost].any())


def measure_of(r: Result) -> str:
    """What the curves of a cell's task show."""
    return "success_final" if r.info["has_success"] else "return"


def title(column: Place, columns: Sequence[Place]) -> str:
    """Names the expert where the columns have several."""
    task, demos, expert = column
    several = len({expert for _, _, expert in columns if expert}) > 1
    whose = f" ({expert})" if several and expert else ""
    number = f"{demos} demonstration" + "s" * (demos != 1)
    return f"{task}, {number}{whose}" if demos else task


def uneven(ends: Sequence[float]) -> bool:
    """Whether one method's curve is more than ten times as long as another's."""
    spent = [x for x in ends if x > 0]
    return bool(spent and max(spent) > 10 * min(spent))


def costs(r: Result, cost: str) -> np.ndarray:
    """[E] spent at each evaluation."""
    x = r.curve.groupby("evaluation")[cost].first().to_numpy(float)
    return x + r.info["demo_steps"] if cost == "expert_queries" and x.any() else x


def over_time(r: Result, measure: str) -> np.ndarray:
    """[3, E] mean over seeds, low and high end of its interval, at each evaluation."""
    table = r.curve.pivot(index="evaluation", columns="seed", values=measure).to_numpy()
    return np.array([stats.estimate(x) for x in table]).T
