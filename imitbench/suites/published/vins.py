"""Success rates and claims of Luo, Xu, Ma 2019 (arXiv:1907.05634), tables 1 and 2.

A success rate is the share of episodes that reach the goal at any step, over 2,000 episodes and 10
seeds. Environments, expert and settings are in an appendix that is not at hand, so the claims are
comparisons; absolute numbers need not match. They are judged on the paper's measure, success at any
step. One row that is ours judges success at the last step, which does not count a cube that was
pushed across its goal.
"""

from itertools import product

from imitbench.suites.published.schema import OURS, Claim, Place, Rate

RATES_SOURCE = "[Luo, Xu, Ma 2019](https://arxiv.org/abs/1907.05634), tables 1 and 2, 10 seeds"
# Success rate and its standard error, in percent.
_TABLE: dict[tuple[str, int], dict[str, tuple[float, float]]] = {
    ("FetchReach", 10): {"bc": (98.6, 0.1), "vins": (99.3, 0.1)},
    ("FetchPickAndPlace", 100): {
        "bc": (66.8, 1.1),
        "vins": (75.7, 1.0),
        "vins-no-ns": (48.5, 2.1),
        "vins-no-bc": (28.5, 1.1),
        "vins-true": (76.3, 1.4),
        "vins-true-no-bc": (51.4, 1.4),
    },
    ("FetchPickAndPlace", 200): {
        "bc": (82.0, 0.8),
        "vins": (84.0, 0.5),
        "vins-no-ns": (71.6, 0.9),
        "vins-no-bc": (43.6, 1.2),
    },
    ("FetchPush", 100): {
        "bc": (37.3, 1.1),
        "vins": (44.0, 1.5),
        "vins-no-ns": (29.3, 1.2),
        "vins-no-bc": (14.3, 0.5),
        "vins-true": (48.7, 1.2),
        "vins-true-no-bc": (40.7, 1.4),
    },
    ("FetchPush", 200): {
        "bc": (51.3, 0.6),
        "vins": (55.2, 0.7),
        "vins-no-ns": (38.7, 1.5),
        "vins-no-bc": (24.9, 1.3),
    },
}
RATES = tuple(
    Rate(task, demos, method, value, error)
    for (task, demos), row in _TABLE.items()
    for method, (value, error) in row.items()
)

PICK, PUSH = "FetchPickAndPlace", "FetchPush"
LEARNED: tuple[Place, ...] = tuple((t, n, "learned") for t, n in product((PICK, PUSH), (100, 200)))
FEW: Place = (PICK, 25, "learned")
TRUE: tuple[Place, ...] = tuple((t, 100, "learned") for t in (PICK, PUSH))
ALL: tuple[Place, ...] = (
    ("FetchReach", 10, "learned"),
    FEW,
    *LEARNED,
    *((PICK, n, "scripted") for n in (10, 25)),
    *((PUSH, n, "scripted") for n in (50, 100)),
)
PAPER = "arXiv:1907.05634"

CLAIMS = (
    Claim("VINS has a higher success rate than BC", "vins", "bc", f"{PAPER}, table 1", places=ALL),
    Claim(
        "VINS has a higher success rate at the last step than BC",
        "vins",
        "bc",
        OURS,
        measure="success_final",
        places=ALL,
    ),
    Claim(
        "VINS has a higher success rate with negative sampling than without it, at the same "
        "settings",
        "vins",
        "vins-no-ns",
        f"{PAPER}, caption of table 2",
        places=ALL[1:],
    ),
    Claim(
        "VINS has a higher success rate with negative sampling than without it, each with an alpha "
        "of its own",
        "vins",
        "vins-no-ns-tuned",
        f"after {PAPER}, table 2, which has one setting",
        places=ALL[1:],
    ),
    Claim(
        "VINS without negative sampling has a lower success rate than BC",
        "bc",
        "vins-no-ns",
        f"{PAPER}, table 2",
        places=ALL[1:],
    ),
    Claim(
        "VINS has a higher success rate with the BC prior than without it, by more than 10 points",
        "vins",
        "vins-no-bc",
        f"{PAPER}, table 2",
        margin=0.1,
        places=(FEW, *LEARNED),
    ),
    Claim(
        "VINS's success rate with the true dynamics is not below that with the learned model by "
        "more than 2 points",
        "vins-true",
        "vins",
        f"{PAPER}, table 2",
        margin=-0.02,
        places=TRUE,
    ),
    Claim(
        "VINS without the BC prior has a higher success rate with the true dynamics than with the "
        "learned model",
        "vins-true-no-bc",
        "vins-no-bc",
        f"{PAPER}, table 2",
        places=TRUE,
    ),
    Claim(
        "VINS's lead over BC in success rate is smaller with 200 demonstrations than with 100",
        "vins",
        "bc",
        f"{PAPER}, table 1",
        shrinks=tuple(((t, 100, "learned"), (t, 200, "learned")) for t in (PICK, PUSH)),
    ),
    Claim(
        "On FetchPickAndPlace VINS's lead over BC in success rate is smaller with 100 "
        "demonstrations than with 25",
        "vins",
        "bc",
        OURS,
        shrinks=((FEW, (PICK, 100, "learned")),),
    ),
)
