"""Claims of Luo, Xu, Ma 2019 (arXiv:1907.05634) about VINS+RL.

They are judged after the same number of environment steps, on the share of episodes that reach the
goal at any step. The paper's curves are a figure without numbers, so only the order is claimed.
"""

from imitbench.suites.published.schema import Claim, Place

SOURCE = "arXiv:1907.05634, figure 3"
PLACES: tuple[Place, ...] = (
    ("FetchPush", 100, "learned"),
    ("FetchPickAndPlace", 10, "scripted"),
)
WITHOUT_DEMOS: tuple[Place, ...] = tuple((task, 0, "") for task, _, _ in PLACES)

CLAIMS = (
    Claim(
        "VINS+RL has a higher success rate than DDPG with demonstrations (Nair et al. 2018)",
        "vins_rl",
        "nair",
        SOURCE,
        places=PLACES,
    ),
    Claim(
        "VINS+RL has a higher success rate than HER",
        "vins_rl",
        "her",
        SOURCE,
        places=PLACES,
        worse_at=WITHOUT_DEMOS,
    ),
    Claim("VINS+RL has a higher success rate than DAC", "vins_rl", "dac", SOURCE, places=PLACES),
    *(
        Claim(
            f"VINS+RL has a higher success rate than {name} from the same demonstrations, without "
            "environment steps",
            "vins_rl",
            label,
            SOURCE,
            effort="as run",
            places=PLACES,
        )
        for name, label in (("VINS", "vins"), ("BC", "bc"))
    ),
)
