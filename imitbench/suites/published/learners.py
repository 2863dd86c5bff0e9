"""Published returns of PPO and SAC on Hopper and HalfCheetah.

Tianshou and jaxrl keep the returns of every evaluation; mean and standard deviation over seeds are
taken from those rows. Tianshou's step counts of SAC leave out its 10,000 random steps, so SAC is
shown beside jaxrl, whose counts hold them; its target entropy is half of ours (minus the number of
action components, as in the paper). All are older environment versions: Hopper-v5 withholds the
healthy reward (1) at the step that ends an episode.
"""

from imitbench.suites.published.schema import Published

TIANSHOU = (
    "https://github.com/thu-ml/tianshou/blob/39acf2094d96268d92ebb54dcbfc3de76d702567/"
    "examples/mujoco/benchmark/{task}-v3/ppo/test_rew_10seeds.csv"
)
JAXRL = (
    "https://github.com/ikostrikov/jaxrl/tree/7745b27028a5b75c7755719333430ce1adcf4775/"
    "learning_curves/logs/{task}-v2"
)
CLEANRL = "https://docs.cleanrl.dev/rl-algorithms/ppo"


def _tianshou(task: str, steps: int, value: float, std: float) -> Published:
    source = f"Tianshou, {task}-v3"
    return Published(
        task,
        "ppo",
        steps,
        value,
        f"± {std:.0f} (std over 10 seeds)",
        10,
        source,
        TIANSHOU.format(task=task),
    )


def _jaxrl(task: str, steps: int, value: float, std: float) -> Published:
    source = f"jaxrl, {task}-v2"
    return Published(
        task,
        "sac",
        steps,
        value,
        f"± {std:.0f} (std over 10 seeds)",
        10,
        source,
        JAXRL.format(task=task),
    )


PUBLISHED = (
    _tianshou("Hopper", 307_200, 884, 298),
    _tianshou("Hopper", 1_013_760, 2483, 852),
    Published(
        "Hopper", "ppo", 1_000_000, 2383, "± 272 (3 seeds)", 3, "CleanRL, Hopper-v4", CLEANRL
    ),
    _tianshou("HalfCheetah", 307_200, 3927, 996),
    _tianshou("HalfCheetah", 1_013_760, 5650, 1226),
    Published(
        "HalfCheetah",
        "ppo",
        1_000_000,
        1443,
        "± 46 (3 seeds)",
        3,
        "CleanRL, HalfCheetah-v4",
        CLEANRL,
    ),
    _jaxrl("Hopper", 50_000, 395, 151),
    _jaxrl("Hopper", 100_000, 2014, 958),
    _jaxrl("Hopper", 300_000, 2849, 653),
    _jaxrl("HalfCheetah", 50_000, 3910, 462),
    _jaxrl("HalfCheetah", 100_000, 5794, 437),
    _jaxrl("HalfCheetah", 300_000, 8651, 258),
)
