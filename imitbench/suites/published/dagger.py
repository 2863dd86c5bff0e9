"""Claims about DAgger and DART.

They are judged on undiscounted returns, for the theorems bound a policy's total cost. On Fetch,
where the return is minus the number of steps away from the goal, the same claims are also judged on
success at the last step: a policy may reach the goal later and more often. Equal numbers of expert
actions are compared: BC has six times the demonstrations, which is what DAgger and DART query in
all.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

ROSS = "Ross et al. 2011 (arXiv:1011.0686), theorem 3.2"
LASKEY = "Laskey et al. 2017 (arXiv:1703.09327), abstract"
# Demonstrations of BC on the tightropes, the same number of expert actions on each.
TIGHTROPES = {"Tightrope-80": 50, "Tightrope-160": 25}
# Demonstrations that are a sixth of the expert actions.
SIXTHS = {"FetchPush": 10, "FetchPickAndPlace": 10, "Hopper": 1}


def place(task: str, demos: int, demonstrator: str = "learned") -> Place:
    """Returns the place of the cells with so many demonstrations."""
    return (task, demos, demonstrator)


def _above_bc(name: str, label: str, source: str) -> tuple[Claim, Claim]:
    by_return = Claim(
        f"{name} has a higher return than BC with the same number of expert actions",
        label,
        "bc",
        source,
        measure="return",
        places=tuple(place(task, sixth) for task, sixth in SIXTHS.items()),
        worse_at=tuple(place(task, 6 * sixth) for task, sixth in SIXTHS.items()),
    )
    fetch = {task: sixth for task, sixth in SIXTHS.items() if task.startswith("Fetch")}
    by_success = Claim(
        f"{name} has a higher success rate at the last step than BC with the same number of expert "
        f"actions",
        label,
        "bc",
        OURS,
        measure="success_final",
        places=tuple(place(task, sixth) for task, sixth in fetch.items()),
        worse_at=tuple(place(task, 6 * sixth) for task, sixth in fetch.items()),
    )
    return by_return, by_success


CLAIMS = (
    Claim(
        "On long tightropes DAgger has a higher return (a lower regret) than BC with the same "
        "number of expert actions",
        "dagger",
        "bc",
        ROSS,
        measure="return",
        places=tuple(place(task, demos // 5, "scripted") for task, demos in TIGHTROPES.items()),
        worse_at=tuple(place(task, demos, "scripted") for task, demos in TIGHTROPES.items()),
    ),
    *_above_bc("DAgger", "dagger", ROSS),
    *_above_bc("DART", "dart", LASKEY),
)
