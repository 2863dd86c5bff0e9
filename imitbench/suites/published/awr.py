"""Published returns of AWR after 1,000,000 steps, from the logs of the official code, and what its
paper claims (Peng et al. 2019, arXiv:1910.00177).

The paper's own table is of 20 to 31 million steps and is not comparable with runs of one million or
less: they look worse, and should.
"""

from imitbench.suites.published.schema import Claim, Place, Published

PAPER = "arXiv:1910.00177"
LOGS = "https://github.com/xbpeng/awr/tree/master/data/logs"
AT_A_MILLION = {
    "Ant": (1115, 178), "HalfCheetah": (3682, 468), "Hopper": (2699, 948), "Humanoid": (668, 39),
    "Walker2d": (1670, 756),
}  # fmt: skip
PUBLISHED = tuple(
    Published(
        task,
        "awr",
        1_000_000,
        value,
        f"± {std} (std over {5 if task == 'Humanoid' else 10} runs)",
        5 if task == "Humanoid" else 10,
        f"official logs, {task}-v2",
        LOGS,
    )
    for task, (value, std) in AT_A_MILLION.items()
)

HOPPER: Place = ("Hopper", 0, "")
ONLINE: tuple[Place, ...] = (HOPPER, ("HalfCheetah", 0, ""))


def _above(worse: str, text: str, source: str, places: tuple[Place, ...]) -> Claim:
    return Claim(text, "awr", worse, source, measure="return", places=places)


def _fixed(who: str, demos: int = 25) -> Place:
    return ("Hopper", demos, who)


CLAIMS = (
    _above("rwr", "AWR is above RWR", f"{PAPER}, table 1", ONLINE),
    _above(
        "awr-no-baseline",
        "AWR is above itself without the baseline",
        f"{PAPER}, section 5.2",
        (HOPPER,),
    ),
    _above(
        "awr-on-policy",
        "AWR is above itself without the replay",
        f"{PAPER}, section 5.2",
        (HOPPER,),
    ),
    Claim(
        "on an expert's data AWR is not above BC by more than a tenth: it clones them",
        "bc",
        "awr",
        "Kozakowski et al. 2022 (arXiv:2102.06782), section 3",
        measure="return",
        margin=-350.0,
        places=(_fixed("learned"),),
    ),
    *(
        Claim(
            f"{name} is above BC on mixed data",
            label,
            "bc",
            source,
            measure="return",
            places=(_fixed("learned, mixed"),),
        )
        for name, label, source in (
            ("MARWIL", "marwil", "Wang et al. 2018, NeurIPS, section 5"),
            ("TD3+BC", "td3_bc", "arXiv:2106.06860, table 1 (medium-expert)"),
            ("IQL", "iql", "arXiv:2110.06169, table 1 (medium-expert)"),
        )
    ),
)
