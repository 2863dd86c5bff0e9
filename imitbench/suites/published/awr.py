"""Published returns of AWR, and claims about it.

The returns are those after 204,800 and 1,000,000 steps in the logs of the official code of Peng et
al. 2019 (arXiv:1910.00177); the former lie between two evaluations, on a straight line. The table
in the paper is after more than 20 million steps, as the logs are, so it is not comparable with runs
of one million steps or fewer, whose returns are lower. Claims are on undiscounted returns, and on
HalfCheetah alone: on Hopper a seed of RWR that stands still for all 1,000 steps is above most of
AWR's, which have begun to hop.
"""

from imitbench.suites.published.schema import Claim, Place, Published

PAPER = "arXiv:1910.00177"
LOGS = "https://github.com/xbpeng/awr/tree/master/data/logs"
# Mean and standard deviation over runs.
AT_A_MILLION = {
    "Ant": (1115, 178), "HalfCheetah": (3682, 468), "Hopper": (2699, 948), "Humanoid": (668, 39),
    "Walker2d": (1670, 756),
}  # fmt: skip
EARLY = {"HalfCheetah": (579, 464), "Hopper": (338, 133)}
RUNS = {"Humanoid": 5}  # 10 for the other tasks
PUBLISHED = tuple(
    Published(
        task=task,
        method="awr",
        env_steps=env_steps,
        value=value,
        std=std,
        seeds=RUNS.get(task, 10),
        source=f"official logs, {task}-v2",
        url=LOGS,
        remark="there on a straight line between two evaluations" if returns is EARLY else "",
    )
    for env_steps, returns in ((204_800, EARLY), (1_000_000, AT_A_MILLION))
    for task, (value, std) in returns.items()
)

CHEETAH: Place = ("HalfCheetah", 0, "")


# Of the paper's table and ablations. After a million, AWR's logs have 3,682 and Tianshou's PPO
# 5,650: the order comes later.
SOURCE_STEPS = 20_000_000


def _awr_above(worse: str, text: str, source: str) -> Claim:
    return Claim(
        text, "awr", worse, source, source_steps=SOURCE_STEPS, measure="return", places=(CHEETAH,)
    )


CLAIMS = (
    _awr_above("rwr", "AWR has a higher return than RWR", f"{PAPER}, table 1"),
    _awr_above(
        "ppo-tianshou",
        "AWR has a higher return than PPO with Tianshou's settings after the same number of "
        "environment steps",
        "O. Sigaud's lecture, properties",
    ),
    _awr_above(
        "ppo",
        "AWR has a higher return than PPO with CleanRL's settings after the same number of "
        "environment steps",
        "O. Sigaud's lecture, properties",
    ),
    _awr_above(
        "awr-no-baseline",
        "AWR has a higher return with its baseline than without it",
        f"{PAPER}, section 5.2",
    ),
    _awr_above(
        "awr-on-policy",
        "AWR has a higher return with its replay than without it",
        f"{PAPER}, section 5.2",
    ),
    _awr_above(
        "awr-no-clip",
        "AWR has a higher return with a bound on its weights than without it",
        "O. Sigaud's lecture, figure 10",
    ),
    _awr_above(
        "awr-lambda-1",
        "AWR has a higher return with TD(lambda) than with Monte Carlo returns",
        f"{PAPER}, section 5.2, and O. Sigaud's lecture",
    ),
)
