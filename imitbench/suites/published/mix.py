"""Claims of Zhu et al. 2018 and Nair et al. 2018 about mixed rewards and demonstrated resets.

They are judged after the same number of environment steps, on the share of episodes that reach the
goal at any step. The tasks of the papers differ from those here, so only the order is
claimed. A method above another one may still be far below BC, which the table shows beside it; and
a row of the task's reward alone is one that has hardly begun to learn, so that the cpu profile
judges how learning begins.
"""

from imitbench.suites.published.schema import Claim, Place

ZHU = "arXiv:1802.09564"
NAIR = "after arXiv:1709.10089, whose resets come with hindsight goals and a cloning loss"
PLACES: tuple[Place, ...] = (("FetchPush", 100, "learned"),)  # of the cpu profile


def _claim(text: str, better: str, worse: str, source: str) -> Claim:
    return Claim(text, better, worse, source, places=PLACES)


CLAIMS = (
    _claim(
        "A mixture of both rewards has a higher success rate than the task's reward",
        "mix-0.5",
        "task",
        ZHU,
    ),
    _claim(
        "A mixture of both rewards has a higher success rate than the discriminator's reward",
        "mix-0.5",
        "imitation",
        ZHU,
    ),
    _claim(
        "With resets, a mixture of both rewards has a higher success rate than the task's reward",
        "mix-0.5-resets",
        "task-resets",
        ZHU,
    ),
    _claim(
        "With resets, a mixture of both rewards has a higher success rate than the discriminator's "
        "reward",
        "mix-0.5-resets",
        "imitation-resets",
        ZHU,
    ),
    _claim(
        "The task's reward has a higher success rate with resets than without",
        "task-resets",
        "task",
        NAIR,
    ),
    _claim(
        "A mixture of both rewards has a higher success rate with resets than without",
        "mix-0.5-resets",
        "mix-0.5",
        ZHU,
    ),
)
