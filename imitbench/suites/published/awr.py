"""Published returns of AWR, and claims about it and about the methods on fixed data.

The returns are those after 1,000,000 steps in the logs of the official code of Peng et al. 2019
(arXiv:1910.00177). The table in the paper is after 20 to 31 million steps, so it is not comparable
with runs of one million steps or fewer, whose returns are lower. Claims are on undiscounted
returns.
"""

from imitbench.suites.published.schema import Claim, Place, Published

PAPER = "arXiv:1910.00177"
LOGS = "https://github.com/xbpeng/awr/tree/master/data/logs"
# Mean and standard deviation over runs.
AT_A_MILLION = {
    "Ant": (1115, 178), "HalfCheetah": (3682, 468), "Hopper": (2699, 948), "Humanoid": (668, 39),
    "Walker2d": (1670, 756),
}  # fmt: skip
RUNS = {"Humanoid": 5}  # 10 for the other tasks
PUBLISHED = tuple(
    Published(
        task=task,
        method="awr",
        env_steps=1_000_000,
        value=value,
        spread=f"± {std} (std over {RUNS.get(task, 10)} runs)",
        seeds=RUNS.get(task, 10),
        source=f"official logs, {task}-v2",
        url=LOGS,
    )
    for task, (value, std) in AT_A_MILLION.items()
)

HOPPER: Place = ("Hopper", 0, "")
ONLINE: tuple[Place, ...] = (HOPPER, ("HalfCheetah", 0, ""))
MIXED: tuple[Place, ...] = (("Hopper", 25, "learned, mixed"),)


def _awr_above(worse: str, text: str, source: str, places: tuple[Place, ...]) -> Claim:
    return Claim(text, "awr", worse, source, measure="return", places=places)


def _above_bc(name: str, label: str, source: str) -> Claim:
    text = f"On mixed data {name} has a higher return than BC"
    return Claim(text, label, "bc", source, measure="return", places=MIXED)


CLAIMS = (
    _awr_above("rwr", "AWR has a higher return than RWR", f"{PAPER}, table 1", ONLINE),
    _awr_above(
        "awr-no-baseline",
        "AWR has a higher return with its baseline than without it",
        f"{PAPER}, section 5.2",
        (HOPPER,),
    ),
    _awr_above(
        "awr-on-policy",
        "AWR has a higher return with its replay than without it",
        f"{PAPER}, section 5.2",
        (HOPPER,),
    ),
    Claim(
        "On expert data AWR and BC have the same return, up to a tenth of the expert's",
        "awr",
        "bc",
        "Kozakowski et al. 2022 (arXiv:2102.06782), section 3",
        measure="return",
        margin=356.0,
        equivalent=True,
        places=(("Hopper", 25, "learned"),),
    ),
    _above_bc("MARWIL", "marwil", "Wang et al. 2018, NeurIPS, section 5"),
    _above_bc("TD3+BC", "td3_bc", "arXiv:2106.06860, table 1 (medium-expert)"),
    _above_bc("IQL", "iql", "arXiv:2110.06169, table 1 (medium-expert)"),
)
