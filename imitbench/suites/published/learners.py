"""Published returns of the reinforcement learners on Hopper and HalfCheetah.

Tianshou and jaxrl publish the returns of every evaluation; mean and standard deviation over seeds
are computed from those rows (of TRPO, Tianshou publishes mean and deviation alone). Tianshou's step
counts of off-policy learners leave out the random steps before learning (25,000 of TD3 and DDPG);
the counts below include them. All use older versions of the environments; Hopper-v5 withholds the
healthy reward (1) at the step that ends an episode. Tianshou evaluates PPO and TRPO with sampled
actions, jaxrl SAC with the mean; here all are evaluated with the mean.
"""

from imitbench.suites.published.schema import Published

TIANSHOU = (
    "https://github.com/thu-ml/tianshou/blob/39acf2094d96268d92ebb54dcbfc3de76d702567/"
    "examples/mujoco/benchmark/{task}-v3/{method}/test_rew_10seeds.csv"
)
TIANSHOU_TRPO = (
    "https://github.com/thu-ml/tianshou/blob/22c0b9bd0037c214f5c71188425f1af0f1409ce9/"
    "examples/mujoco/benchmark/{task}-v3/result.json"
)
JAXRL = (
    "https://github.com/ikostrikov/jaxrl/tree/7745b27028a5b75c7755719333430ce1adcf4775/"
    "learning_curves/logs/{task}-v2"
)
SAMPLED = "As far as its scripts show, actions are sampled in its evaluations; here the mean acts."
SEARCH = (
    " Its critic's learning rate decays there, and its line search shrinks by 0.8, not by half."
)
GAIN = "The kernel of the policy's means begins with a gain of sqrt(2) there, and of 1 here."
CLEANRL = "https://docs.cleanrl.dev/rl-algorithms/ppo"
# Mean and standard deviation (n - 1) over seeds, by task, label and environment steps.
TIANSHOU_RETURNS = {
    ("Hopper", "ppo-tianshou"): {307_200: (884, 298), 1_013_760: (2483, 852)},
    ("HalfCheetah", "ppo-tianshou"): {307_200: (3927, 996), 1_013_760: (5650, 1226)},
    ("Hopper", "trpo"): {307_200: (508, 293), 1_013_760: (2007, 978)},
    ("HalfCheetah", "trpo"): {307_200: (2602, 843), 1_013_760: (4527, 636)},
    ("Hopper", "td3"): {50_000: (227, 48), 100_000: (336, 86), 325_000: (1583, 674)},
    ("HalfCheetah", "td3"): {50_000: (2023, 552), 100_000: (4715, 408), 325_000: (7546, 756)},
    ("Hopper", "ddpg"): {50_000: (351, 195), 100_000: (719, 428), 325_000: (1241, 835)},
    ("HalfCheetah", "ddpg"): {50_000: (3126, 506), 100_000: (5599, 713), 325_000: (9137, 827)},
}
JAXRL_RETURNS = {
    "Hopper": {50_000: (395, 151), 100_000: (2014, 958), 300_000: (2849, 653)},
    "HalfCheetah": {50_000: (3910, 462), 100_000: (5794, 437), 300_000: (8651, 258)},
}
CLEANRL_RETURNS = {"Hopper": (2383, 272), "HalfCheetah": (1443, 46)}


def _tianshou(task: str, method: str, env_steps: int, value: float, std: float) -> Published:
    where = TIANSHOU_TRPO if method == "trpo" else TIANSHOU
    return Published(
        task=task,
        method=method,
        env_steps=env_steps,
        value=value,
        std=std,
        seeds=10,
        source=f"Tianshou, {task}-v3",
        url=where.format(task=task, method=method.removesuffix("-tianshou")),
        remark=SAMPLED * (method in ("trpo", "ppo-tianshou")) + SEARCH * (method == "trpo"),
    )


def _jaxrl(task: str, env_steps: int, value: float, std: float) -> Published:
    return Published(
        task=task,
        method="sac",
        env_steps=env_steps,
        value=value,
        std=std,
        seeds=10,
        source=f"jaxrl, {task}-v2",
        url=JAXRL.format(task=task),
        remark=GAIN,
    )


def _cleanrl(task: str, value: float, std: float) -> Published:
    return Published(
        task=task,
        method="ppo",
        env_steps=1_000_000,
        value=value,
        std=std,
        seeds=3,
        source=f"CleanRL, {task}-v4",
        url=CLEANRL,
        remark="The published return is that of training episodes, whose actions are sampled. "
        "There is one environment there (eight here), the value's steps are clipped, and a time "
        "limit counts as an end.",
    )


PUBLISHED = (
    *(_cleanrl(task, *both) for task, both in CLEANRL_RETURNS.items()),
    *(
        _tianshou(task, method, steps, *both)
        for (task, method), rows in TIANSHOU_RETURNS.items()
        for steps, both in rows.items()
    ),
    *(
        _jaxrl(task, steps, *both)
        for task, rows in JAXRL_RETURNS.items()
        for steps, both in rows.items()
    ),
)
