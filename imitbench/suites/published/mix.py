"""Claims after Zhu et al. 2018 about mixed rewards, and ours about demonstrated resets.

They are judged after the same number of environment steps, on the share of episodes that reach the
goal at any step. The tasks of the papers differ from those here, so only the order is claimed. The
cpu profile judges on FetchPush; on FetchPickAndPlace, where random actions do not lift the object,
half of each reward with resets stays near random actions at its budget, so that the full profile
alone has that task. A method above another one may still be far below BC, which the table shows
beside it; and a row of the task's reward alone is one that has hardly begun to learn, so that the
cpu profile judges how learning begins.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

ZHU = "arXiv:1802.09564"
ZHU_WITHOUT_RESETS = (
    f"after {ZHU}, whose rows all have resets, and whose discriminator sees objects alone"
)
ZHU_WITH_RESETS = f"after {ZHU}, whose discriminator sees objects alone"
PUSH: Place = ("FetchPush", 100, "learned")
PICK: Place = ("FetchPickAndPlace", 10, "scripted")


def _claim(
    text: str, better: str, worse: str, source: str, places: tuple[Place, ...] = (PUSH, PICK)
) -> Claim:
    return Claim(text, better, worse, source, places=places)


CLAIMS = (
    _claim(
        "A mixture of both rewards has a higher success rate than the task's reward",
        "mix-0.5",
        "task",
        ZHU_WITHOUT_RESETS,
        (PUSH,),
    ),
    _claim(
        "With resets, a mixture of both rewards has a higher success rate than the task's reward",
        "mix-0.5-resets",
        "task-resets",
        ZHU_WITH_RESETS,
    ),
    _claim(
        "With resets, a mixture of both rewards has a higher success rate than the discriminator's "
        "reward",
        "mix-0.5-resets",
        "imitation-resets",
        ZHU_WITH_RESETS,
    ),
    _claim(
        "The task's reward has a higher success rate with resets than without",
        "task-resets",
        "task",
        OURS,
    ),
    _claim(
        "A mixture of both rewards has a higher success rate with resets than without",
        "mix-0.5-resets",
        "mix-0.5",
        OURS,
    ),
)
