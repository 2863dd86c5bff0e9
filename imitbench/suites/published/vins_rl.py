"""What Luo, Xu, Ma 2019 (arXiv:1907.05634) say of VINS+RL, as comparisons after the same number of
environment steps. Their curves are a picture: numbers cannot be taken from it."""

from imitbench.suites.published.schema import Claim, Place

SOURCE = "arXiv:1907.05634, figure 3"
AT: tuple[Place, ...] = (
    ("FetchPush", 100, "learned"),
    ("FetchPickAndPlace", 10, "scripted"),
)
ALONE: tuple[Place, ...] = tuple((task, 0, "") for task, _, _ in AT)

CLAIMS = (
    Claim(
        "VINS+RL is above DDPG with demonstrations (Nair et al. 2018)",
        "vins_rl",
        "nair",
        SOURCE,
        places=AT,
    ),
    Claim("VINS+RL is above HER", "vins_rl", "her", SOURCE, places=AT, worse_at=ALONE),
    Claim("VINS+RL is above DAC", "vins_rl", "dac", SOURCE, places=AT),
)
