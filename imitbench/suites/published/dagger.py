"""What is claimed of DAgger and DART, on the suite `dagger`."""

from imitbench.suites.published.schema import Claim, Place

ROSS = "Ross et al. 2011 (arXiv:1011.0686), theorem 3.2"
DART = "Laskey et al. 2017 (arXiv:1703.09327), abstract"


def at(task: str, demos: int, who: str = "learned") -> Place:
    return (task, demos, who)


LONG = ("Tightrope-80", "Tightrope-160")
ANSWERS = {"Tightrope-80": 50, "Tightrope-160": 25}
TASKS = {"FetchPush": 10, "FetchPickAndPlace": 10, "Hopper": 1}

CLAIMS = (
    Claim(
        "DAgger's regret is below BC's on long walks, after as many answers",
        "dagger",
        "bc",
        ROSS,
        measure="return",
        places=tuple(at(t, ANSWERS[t] // 5, "scripted") for t in LONG),
        worse_at=tuple(at(t, ANSWERS[t], "scripted") for t in LONG),
    ),
    *(
        Claim(
            f"{name} is above BC after as many answers",
            label,
            "bc",
            source,
            measure="return",
            places=tuple(at(t, n) for t, n in TASKS.items()),
            worse_at=tuple(at(t, 6 * n) for t, n in TASKS.items()),
        )
        for name, label, source in (("DAgger", "dagger", ROSS), ("DART", "dart", DART))
    ),
)
