"""Imitation Learning in RL: regression weighted by returns and advantages."""

from docs._generate.book.schema import Document, Statement, claims

AWR = "imitbench/algos/rl/weighted_regression.py"
TESTS = "tests/algos/rl/test_awr.py"

DOCUMENT = Document(
    "weighted_regression",
    "Imitation Learning in RL. Lecture of Olivier Sigaud, Sorbonne Université.",
    "From cloning to reinforcement learning by regression: samples are weighted by returns (RWR) "
    "or advantages (MARWIL, AWR, arXiv:1910.00177), once or again and again.",
    (
        Statement(
            "Behavioral cloning", "equation",
            "Squared error for a deterministic policy, log likelihood for a stochastic one, and a "
            "validation set against overfitting.",
            code=("imitbench/algos/cloning/supervised.py", "imitbench/algos/cloning/held_out.py"),
            tests=("tests/algos/cloning/test_bc.py::test_mse_by_hand",
                   "tests/algos/cloning/test_bc.py::test_nll_by_hand",
                   "tests/algos/cloning/test_bc.py::"
                   "test_early_stopping_keeps_the_best_parameters"),
            remark="The slides print the losses with the sign of an objective; ours are minimised.",
        ),
        Statement(
            "Weighted imitation = offline reinforcement learning", "claim",
            "Weighted by returns, a clone performs better than its data.",
            claims=claims(
                "offline",
                "On mixed data BC on the best tenth has a higher return than BC",
                "On mixed data MARWIL has a higher return than BC",
            ),
        ),
        Statement(
            "Reward Weighted Regression", "equation",
            "Each sample's loss is multiplied by the return of its trajectory.",
            code=("imitbench/algos/rl/rwr.py", "imitbench/algos/offline/offline_rwr.py"),
            tests=(f"{TESTS}::test_policy_is_weighted_by_what_the_method_says",
                   f"{TESTS}::test_rwr_is_awr_without_the_baseline"),
            remark="Weights are exponentials of returns, as in the AWR paper's RWR; raw returns "
            "can be negative.",
        ),
        Statement(
            "PG = RWR !", "claim",
            "One step of policy gradient and of RWR have the same loss.",
            remark="An identity of formulas; nothing to run.",
        ),
        Statement(
            "Offline RL", "question",
            "Under which condition on the data does one iteration give an optimal policy?",
            claims=claims(
                "offline",
                "On a learner's experience TD3+BC has a higher return than BC",
                "On a learner's experience IQL has a higher return than BC",
                "On the expert's data on Hopper AWR and BC have the same return, up to a tenth of "
                "the expert's",
                "On the expert's data on HalfCheetah AWR and BC have the same return, up to a "
                "tenth of the expert's",
            ),
            remark="The suite `offline` compares four grades of data.",
        ),
        Statement(
            "Algorithm 1: Advantage Weighted Regression", "algorithm",
            "Fit V to returns, fit the policy with weights `exp((R - V) / beta)`, collect, repeat. "
            "One iteration on fixed data is MARWIL.",
            code=(AWR, "imitbench/algos/rl/awr.py", "imitbench/algos/offline/marwil.py"),
            tests=(f"{TESTS}::test_value_learns_scaled_td_lambda_returns",
                   "tests/algos/offline/test_offline.py::test_marwil_by_hand",
                   "tests/algos/offline/test_offline.py::test_marwil_without_beta_is_bc"),
        ),
        Statement(
            "Estimating V", "equation",
            "Returns are TD(lambda) with lambda = .95 and the previous V as bootstrap.",
            code=(AWR,),
            tests=(f"{TESTS}::test_value_learns_scaled_td_lambda_returns",),
        ),
        Statement(
            "Estimating pi", "equation",
            "Weights are clipped at 20; beta is .05.",
            code=(AWR,),
            tests=(f"{TESTS}::test_weights_are_standardised_over_real_rows_and_bounded",),
            remark="Advantages are standardised before beta applies, as in the official code.",
        ),
        Statement(
            "Related papers", "claim",
            "SIL adds AWR's regression to an actor-critic.",
            code=("imitbench/algos/rl/sil.py",),
            tests=(f"{TESTS}::test_sil_loss_by_hand",),
        ),
        Statement(
            "Experimental setup", "definition",
            "2,000 samples an iteration, 50,000 kept, minibatches of 256, momentum .9, step sizes "
            "5e-5 and 1e-4, 200 and 1,000 gradient steps.",
            code=("imitbench/algos/rl/awr.py",),
        ),
        Statement(
            "Performance overview", "table",
            "Table 1, final returns of TRPO, PPO, DDPG, TD3, SAC, RWR and AWR on six tasks: AWR is "
            "comparable with the best, and far above RWR.",
            claims=claims("awr", "AWR has a higher return than RWR"),
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="Their numbers take up to ten million samples. Ours are after as many steps as "
            "the suites state; [Baselines](../baselines.md) has published returns at equal steps.",
        ),
        Statement(
            "Imitation performance", "table",
            "Table 2, motion imitation by PPO, RWR and AWR: cartwheel, spinkick, and a dog's "
            "canter, trot and turn.",
            claims=claims(
                "motion",
                "On the trot AWR has the same return as PPO, up to a tenth",
                "On the trot RWR has the same return as AWR, up to a tenth",
                "On the spin, in place of a turn, AWR has a higher return than PPO",
                "AWR has a higher return than RWR on the run of the person",
            ),
            code=("imitbench/envs/motion/imitation.py", "imitbench/envs/motion/rewards.py"),
            tests=("tests/envs/motion/test_rewards.py::test_deepmimic_by_hand",),
            remark="The canter is in no package with clips, and the humanoid's cartwheel and "
            "spinkick need more steps than two cores can take; the suite's page says more.",
        ),
        Statement(
            "Sensitivity to hyperparameters", "claim",
            "Without a bound on the weights AWR is unstable.",
            remark="No row of a suite has unbounded weights; `--set max_weight=1e9` trains one.",
        ),
        Statement(
            "Ablation study", "figure",
            "The baseline V and the replay of earlier data each matter; lambda matters little.",
            claims=claims(
                "awr",
                "AWR has a higher return with its baseline than without it",
                "AWR has a higher return with its replay than without it",
            ),
            figures=(("awr", "curves"),),
        ),
        Statement(
            "Properties", "claim",
            "AWR bootstraps no action values and avoids the deadly triad, and needs fewer samples "
            "than TRPO and PPO.",
            figures=(("awr", "curves"),),
        ),
        Statement(
            "Difference to policy gradient", "equation",
            "AWR's gradient is the policy gradient on the data's states and actions, with the "
            "exponential of the advantage in its place.",
            code=(AWR,),
            tests=(f"{TESTS}::test_policy_is_weighted_by_what_the_method_says",),
        ),
    ),
)  # fmt: skip
