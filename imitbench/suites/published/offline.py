"""Claims about methods on fixed data.

Claims are on undiscounted returns. The data sets of the sources (D4RL) and their numbers of
gradient steps differ from those here, so only the order of methods is claimed. Margins are a tenth
of the return of the shipped expert (`imitbench/experts/reference_scores.json`).

IQL and BCQ take 30,000 of their sources' million gradient steps, and TD3+BC 60,000 of a million. A
verdict against a claim about one of them is therefore withheld (`source_steps`): the learning rate
of IQL's policy falls to 0, so that its curve is level at the end, and values of all three are at
78%. BC on the best episodes has what BC has, and the budget of MARWIL's source is not known.

No claim is about BC on the best tenth of a learner's experience: five episodes, where the sources
have dozens, and two sources disagree about it on HalfCheetah (Chen et al. 2021, arXiv:2106.01345,
table 3, have it above BC, CORL below).

On expert data table 1 of TD3+BC has it level with BC on Hopper and HalfCheetah, and far above it on
Walker2d, which is not here.
"""

from imitbench.suites.published.margins import tenth_of_expert
from imitbench.suites.published.schema import OURS, Claim, Place

TASKS = ("Hopper", "HalfCheetah")
TD3_BC = "Fujimoto and Gu 2021 (arXiv:2106.06860), table 1"
IQL = "Kostrikov et al. 2022 (arXiv:2110.06169), table 1"
BEST_IN_IQL = f"{IQL} (medium-expert, the best tenth)"
BCQ = "robomimic's documentation (medium-expert, 89.9) beside BC of CORL (56.0)"

SOURCE_STEPS = {"iql": 1_000_000, "td3_bc": 1_000_000, "bcq": 1_000_000}
"""Gradient steps in the source, of methods with far fewer here."""


def places(grade: str, *tasks: str) -> tuple[Place, ...]:
    """Returns the places of a grade, one for each task; by default of all tasks."""
    return tuple((task, 25, f"learned, {grade}") for task in tasks or TASKS)


REPLAY: tuple[Place, ...] = (("HalfCheetah", 50, "replay of sac"),)
MIXED, MEDIUM = places("stochastic-mixed"), places("stochastic-medium", "HalfCheetah")


def _above_bc(name: str, label: str, source: str, data: str, where: tuple[Place, ...]) -> Claim:
    text = f"On {data} {name} has a higher return than BC"
    steps = SOURCE_STEPS.get(label, 0)
    return Claim(text, label, "bc", source, source_steps=steps, measure="return", places=where)


def _same_on_the_experts_data(task: str, text: str, better: str, worse: str, source: str) -> Claim:
    return Claim(
        f"On the expert's data on {task} {text}, up to a tenth of the expert's",
        better,
        worse,
        source,
        measure="return",
        margin=tenth_of_expert(task),
        equivalent=True,
        source_steps=SOURCE_STEPS.get(better, 0),
        places=((task, 25, "learned, stochastic"),),
    )


CLAIMS = (
    _above_bc("TD3+BC", "td3_bc", f"{TD3_BC} (medium-expert)", "mixed data", MIXED),
    _above_bc("IQL", "iql", f"{IQL} (medium-expert)", "mixed data", MIXED),
    _above_bc("BC on the best two fifths", "bc-top-40", BEST_IN_IQL, "mixed data", MIXED),
    _above_bc("BCQ", "bcq", BCQ, "mixed data", places("stochastic-mixed", "HalfCheetah")),
    Claim(
        "On mixed data MARWIL has a higher return than BC by likelihood, which is MARWIL without "
        "weights",
        "marwil",
        "bc-nll",
        "Wang et al. 2018, NeurIPS, section 5, on other tasks",
        measure="return",
        places=MIXED,
    ),
    _above_bc("TD3+BC", "td3_bc", f"{TD3_BC} (medium-replay)", "a learner's experience", REPLAY),
    _above_bc("IQL", "iql", f"{IQL} (medium-replay)", "a learner's experience", REPLAY),
    _above_bc("TD3+BC", "td3_bc", f"{TD3_BC} (medium)", "medium data", MEDIUM),
    _above_bc("IQL", "iql", f"{IQL} (medium)", "medium data", MEDIUM),
    *(
        _same_on_the_experts_data(task, f"{name} and BC have the same return", label, "bc", source)
        for task in TASKS
        for name, label, source in (
            ("AWR", "awr", "Kozakowski et al. 2022 (arXiv:2102.06782), section 3"),
            ("TD3+BC", "td3_bc", f"{TD3_BC} (expert)"),
        )
    ),
    # AWR differs from BC in more than its weights; this differs in them alone.
    *(
        _same_on_the_experts_data(
            task, "AWR has the same return as AWR with equal weights", "awr", "awr-unweighted", OURS
        )
        for task in TASKS
    ),
)
