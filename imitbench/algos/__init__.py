"""The methods, one module each, and the registry that finds them by name."""

from imitbench.algos.adversarial import airl, dac, dac_sac, gail, gail_trpo, sqil
from imitbench.algos.cloning import bc, dagger, dart
from imitbench.algos.model_based import ccil, ccil_true, vins, vins_rl, vins_true
from imitbench.algos.offline import (
    bcq,
    iql,
    marwil,
    offline_awr,
    offline_ddpg,
    offline_rwr,
    offline_td3,
    td3_bc,
)
from imitbench.algos.registry import (
    ALGOS,
    build,
    needs,
    needs_poses,
    register,
    reset_share,
    settings_warnings,
    traits,
)
from imitbench.algos.rl import awr, ddpg, ddpg_demos, ppo, rwr, sac, sil, td3, trpo

__all__ = [
    "ALGOS",
    "airl",
    "awr",
    "bc",
    "bcq",
    "build",
    "ccil",
    "ccil_true",
    "dac",
    "dac_sac",
    "dagger",
    "dart",
    "ddpg",
    "ddpg_demos",
    "gail",
    "gail_trpo",
    "iql",
    "marwil",
    "needs",
    "needs_poses",
    "offline_awr",
    "offline_ddpg",
    "offline_rwr",
    "offline_td3",
    "ppo",
    "register",
    "reset_share",
    "rwr",
    "sac",
    "settings_warnings",
    "sil",
    "sqil",
    "td3",
    "td3_bc",
    "traits",
    "trpo",
    "vins",
    "vins_rl",
    "vins_true",
]
