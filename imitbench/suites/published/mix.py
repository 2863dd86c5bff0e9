"""What Zhu et al. 2018 and Nair et al. 2018 say of mixing rewards and of beginning at demonstrated
states, as comparisons after the same number of environment steps. Their tasks are others: numbers
cannot be compared, orders can."""

from imitbench.suites.published.schema import Claim, Place

ZHU = "arXiv:1802.09564"
NAIR = "arXiv:1709.10089"
AT: tuple[Place, ...] = (("FetchPush", 100, "learned"), ("FetchPickAndPlace", 10, "scripted"))

CLAIMS = (
    Claim("the mix of rewards is above the task's alone", "mix-0.5", "task", ZHU, places=AT),
    Claim(
        "the mix is above the discriminator's reward alone", "mix-0.5", "imitation", ZHU, places=AT
    ),
    Claim(
        "with resets, too, the mix is above the task's reward alone",
        "mix-0.5-resets",
        "task-resets",
        ZHU,
        places=AT,
    ),
    Claim(
        "with resets, too, the mix is above the discriminator's reward alone",
        "mix-0.5-resets",
        "imitation-resets",
        ZHU,
        places=AT,
    ),
    Claim("the task's reward is worth more with resets", "task-resets", "task", NAIR, places=AT),
    Claim("the mix is worth more with resets", "mix-0.5-resets", "mix-0.5", ZHU, places=AT),
)
