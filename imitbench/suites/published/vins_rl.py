"""Claims of Luo, Xu, Ma 2019 (arXiv:1907.05634) about VINS+RL, and of Nair et al. 2018.

They are judged after the same number of environment steps, on the share of episodes that reach the
goal at any step. The paper's curves are a figure without numbers, so only the order is claimed; the
slides claim the efficiency in samples, which the end of a small budget stands for. The paper names
GAIL, too, of which there is no row. HER and DAC run on FetchPush alone in the cpu profile. A method
above HER or DAC may be above one that has not left
the floor: the table shows it.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

FIGURE = "arXiv:1907.05634, figure 3"
SLIDES = "the authors' slides"
NAIR = "Nair et al. 2018 (arXiv:1709.10089), abstract"
PLACES: tuple[Place, ...] = (
    ("FetchPush", 25, "learned"),
    ("FetchPickAndPlace", 10, "scripted"),
)
PUSH = PLACES[:1]
PUSH_WITHOUT_DEMOS: tuple[Place, ...] = (("FetchPush", 0, ""),)

CLAIMS = (
    Claim(
        "VINS+RL has a higher success rate than DDPG with demonstrations (Nair et al. 2018)",
        "vins_rl",
        "nair",
        FIGURE,
        places=PLACES,
    ),
    Claim(
        "VINS+RL has a higher success rate than HER",
        "vins_rl",
        "her",
        SLIDES,
        places=PUSH,
        worse_at=PUSH_WITHOUT_DEMOS,
    ),
    Claim(
        "DDPG with demonstrations (Nair et al. 2018), without resets, has a higher success rate "
        "than HER",
        "nair-no-resets",
        "her",
        NAIR,
        places=PUSH,
        worse_at=PUSH_WITHOUT_DEMOS,
    ),
    Claim(
        "DDPG with demonstrations (Nair et al. 2018) has a higher success rate with resets to "
        "demonstrated states than without",
        "nair",
        "nair-no-resets",
        OURS,
        places=PLACES,
    ),
    Claim("VINS+RL has a higher success rate than DAC", "vins_rl", "dac", SLIDES, places=PUSH),
    *(
        Claim(
            f"VINS+RL has a higher success rate than {name} from the same demonstrations, without "
            "environment steps",
            "vins_rl",
            label,
            OURS,
            effort="as run",
            places=PLACES,
        )
        for name, label in (("VINS", "vins"), ("BC", "bc"))
    ),
)
