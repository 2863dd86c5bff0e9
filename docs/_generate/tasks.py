"""The tables of the tasks and of their experts."""

from __future__ import annotations

from docs._generate import sources
from imitbench import envs, experts
from imitbench.experts import learned, reference_scores

ENDS = {
    "never": "time limit",
    "failure": "failure or time limit",
    "success": "goal or time limit",
    "failure or success": "failure, goal or time limit",
}


def tasks() -> str:
    """Every task of the registry."""
    head = (
        "Task", "About", "Observation", "Action", "Time limit, steps", "Episodes end at", "Goal",
        "Grades of experts",
    )  # fmt: skip
    rows = []
    for name, entry in envs.TASKS.items():
        spec = envs.make(name).spec
        action = f"{spec.action_size} choices" if spec.discrete else str(spec.action_size)
        grades = ", ".join(dict.fromkeys(e.grade for e in experts.experts_of(name)))
        rows.append(
            (
                f"`{name}`",
                entry.description,
                str(spec.obs_size),
                action,
                str(spec.horizon),
                ENDS[spec.ends],
                "yes" if spec.goal else "-",
                grades or "-",
            )
        )
    return sources.table(head, rows)


def references() -> str:
    """The scores that stand for 0 and 1 in normalised returns."""
    head = ("Task", "Random policy", "Expert", "Kind of expert", "Episodes of each", "Engine")
    rows = [
        (
            f"`{task}`",
            f"{score['random']:.1f}",
            f"{score['expert']:.1f}",
            score["expert_kind"],
            str(score["episodes"]),
            score["engine"],
        )
        for task, score in reference_scores.table().items()
    ]
    return sources.table(head, rows)


def learned_experts() -> str:
    """The cards of the learned experts."""
    head = (
        "Task", "Grade", "Method", "Environment steps", "Demonstrations used", "Return",
        "Success at the last step, %", "Episodes",
    )  # fmt: skip
    rows = []
    for expert in experts.all_experts():
        if expert.path is None:
            continue
        card = learned.read(expert.path)[1]
        success = "-" if card.success_final is None else f"{100 * card.success_final:.1f}"
        rows.append(
            (
                f"`{expert.task}`",
                expert.grade,
                f"[`{card.method}`](methods/{card.method}.md)",
                f"{card.env_steps:,}",
                str(card.demonstrations or "-"),
                f"{card.mean_return:.1f} ± {card.std_return:.1f}",
                success,
                str(card.episodes),
            )
        )
    return sources.table(head, rows)
