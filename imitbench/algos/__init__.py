"""The methods, one module each, and the registry that finds them by name."""

from imitbench.algos.adversarial import airl, dac, dac_sac, gail, gail_trpo, sqil
from imitbench.algos.cloning import bc, dagger, dart
from imitbench.algos.inverse import demodice, iq_learn, ls_iq, offline_iq, pwil, smodice
from imitbench.algos.model_based import vins, vins_rl, vins_true
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
    "dac",
    "dac_sac",
    "dagger",
    "dart",
    "ddpg",
    "ddpg_demos",
    "demodice",
    "gail",
    "gail_trpo",
    "iq_learn",
    "iql",
    "ls_iq",
    "marwil",
    "needs",
    "offline_awr",
    "offline_ddpg",
    "offline_iq",
    "offline_rwr",
    "offline_td3",
    "ppo",
    "pwil",
    "register",
    "reset_share",
    "rwr",
    "sac",
    "settings_warnings",
    "sil",
    "smodice",
    "sqil",
    "td3",
    "td3_bc",
    "traits",
    "trpo",
    "vins",
    "vins_rl",
    "vins_true",
]
