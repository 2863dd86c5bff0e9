"""Published returns of PPO and SAC on Hopper and HalfCheetah.

Tianshou and jaxrl publish the returns of every evaluation; mean and standard deviation over seeds
are computed from those rows. Tianshou's step counts of SAC leave out its 10,000 random steps, so
SAC stands beside jaxrl, whose counts include them. The target entropy of jaxrl is half of ours
(minus the number of action components, as in the paper). All use older versions of the
environments; Hopper-v5 withholds the healthy reward (1) at the step that ends an episode.
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


def _tianshou(task: str, env_steps: int, value: float, std: float) -> Published:
    return Published(
        task=task,
        method="ppo",
        env_steps=env_steps,
        value=value,
        spread=f"± {std:.0f} (std over 10 seeds)",
        seeds=10,
        source=f"Tianshou, {task}-v3",
        url=TIANSHOU.format(task=task),
    )


def _jaxrl(task: str, env_steps: int, value: float, std: float) -> Published:
    return Published(
        task=task,
        method="sac",
        env_steps=env_steps,
        value=value,
        spread=f"± {std:.0f} (std over 10 seeds)",
        seeds=10,
        source=f"jaxrl, {task}-v2",
        url=JAXRL.format(task=task),
    )


def _cleanrl(task: str, value: float, std: float) -> Published:
    return Published(
        task=task,
        method="ppo",
        env_steps=1_000_000,
        value=value,
        spread=f"± {std:.0f} (3 seeds)",
        seeds=3,
        source=f"CleanRL, {task}-v4",
        url=CLEANRL,
    )


PUBLISHED = (
    _tianshou("Hopper", 307_200, 884, 298),
    _tianshou("Hopper", 1_013_760, 2483, 852),
    _cleanrl("Hopper", 2383, 272),
    _tianshou("HalfCheetah", 307_200, 3927, 996),
    _tianshou("HalfCheetah", 1_013_760, 5650, 1226),
    _cleanrl("HalfCheetah", 1443, 46),
    _jaxrl("Hopper", 50_000, 395, 151),
    _jaxrl("Hopper", 100_000, 2014, 958),
    _jaxrl("Hopper", 300_000, 2849, 653),
    _jaxrl("HalfCheetah", 50_000, 3910, 462),
    _jaxrl("HalfCheetah", 100_000, 5794, 437),
    _jaxrl("HalfCheetah", 300_000, 8651, 258),
)
