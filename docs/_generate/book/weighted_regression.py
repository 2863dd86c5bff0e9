"""Imitation Learning in RL: regression weighted by returns and advantages."""

from docs._generate.book.schema import Document, Statement, claims

AWR = "imitbench/algos/rl/weighted_regression.py"
AWR_METHOD = "imitbench/algos/rl/awr.py"
LEARNER = "imitbench/algos/rl/awr_learner.py"
MARWIL = "imitbench/algos/offline/marwil.py"
OFFLINE_AWR = "imitbench/algos/offline/offline_awr.py"
TESTS = "tests/algos/rl/test_awr.py"
CLONING = "tests/algos/cloning/test_bc.py"
OFFLINE = "tests/algos/offline/test_offline.py"
WEIGHTS = f"{TESTS}::test_weights_are_standardised_over_real_rows_and_bounded"
ABOVE_RWR = claims("awr", "AWR has a higher return than RWR")
ON_EXPERT_DATA = (
    "On the expert's data on Hopper AWR and BC have the same return, up to a tenth of the expert's",
    "On the expert's data on HalfCheetah AWR and BC have the same return, up to a tenth of the "
    "expert's",
    "On the expert's data on Hopper AWR has the same return as AWR with equal weights, up to a "
    "tenth of the expert's",
    "On the expert's data on HalfCheetah AWR has the same return as AWR with equal weights, up to "
    "a tenth of the expert's",
)

DOCUMENT = Document(
    "weighted_regression",
    "Imitation Learning in RL. Lecture of Olivier Sigaud, Sorbonne Université.",
    "From cloning to reinforcement learning by regression: samples are weighted by returns (RWR) "
    "or advantages (MARWIL, AWR, arXiv:1910.00177), once or again and again.",
    (
        Statement(
            "The five routes to deep RL", "claim",
            "Five routes lead to deep reinforcement learning. Imitation is one of them, efficient "
            "and of growing interest.",
            remark="A view of the field; nothing to run.",
        ),
        Statement(
            "From policy gradient to off-policy learning", "equation",
            "Policy gradient has trajectories with their returns, and knows the policy that made "
            "them: `P(tau, theta) = prod_t p(s_{t+1} | s_t, a_t) pi_theta(a_t | s_t)`.",
            code=("imitbench/algos/common/on_policy.py",),
            tests=("tests/algos/rl/test_ppo.py::"
                   "test_the_objective_is_clipped_where_it_must_be",),
            remark="PPO and TRPO keep the log probability of every action that they took.",
        ),
        Statement(
            "From policy gradient to off-policy learning", "definition",
            "If that policy is not known, learning is off-policy.",
            code=("imitbench/data/demonstrations.py",),
            remark="Demonstrations here have no probabilities of their actions, only the actions "
            "and the intended ones.",
        ),
        Statement(
            "Learning a policy from regression", "claim",
            "A policy that is regressed on the trajectories (behavioural cloning) should perform "
            "as they do.",
            code=("imitbench/algos/cloning/bc.py",),
            tests=(f"{CLONING}::test_bc_solves_the_toy_task",),
            figures=(("offline", "curves"),),
            remark="Shipped: on the half-trained policy's data of Hopper, whose mean return is "
            "1,194, BC has {offline | bc | Hopper 25, learned, stochastic-medium | return | "
            "interval}. No claim judges it.",
        ),
        Statement(
            "Learning a policy from regression", "claim",
            "With rich enough trajectories it should generalise to states that it has not seen.",
            claims=claims("gail", "BC has a higher return with 11 trajectories than with 4"),
            remark="Evaluations begin in states that are drawn anew, so that every return is one "
            "on unseen states. How rich is enough depends on the task.",
        ),
        Statement(
            "Behavioral cloning", "definition",
            "The data are pairs of a state and an action, of m expert trajectories of H steps. If "
            "the trajectories are optimal, cloning is a good option.",
            claims=claims("offline", *ON_EXPERT_DATA),
            remark="The claims say that on an expert's data weights gain nothing over cloning. AWR "
            "and BC differ in their optimisers and likelihoods, too; AWR with equal weights "
            "differs from AWR in the weights alone.",
        ),
        Statement(
            "Behavioral cloning", "equation",
            "Squared error for a deterministic policy, log likelihood for a stochastic one, and a "
            "validation set against overfitting.",
            code=("imitbench/algos/cloning/supervised.py", "imitbench/algos/cloning/held_out.py"),
            tests=(f"{CLONING}::test_mse_by_hand",
                   f"{CLONING}::test_nll_by_hand",
                   f"{CLONING}::test_early_stopping_keeps_the_best_parameters"),
            remark="The slides print the squared error with the sign of an objective; ours is "
            "minimised.",
        ),
        Statement(
            "Behavioral cloning", "claim",
            "A clone does not perform better than the trajectories that it saw. Can one do better?",
            figures=(("offline", "curves"),),
            remark="No claim judges it. The shipped numbers above do not contradict it: the "
            "interval of BC contains the mean return of its data.",
        ),
        Statement(
            "Weighted imitation = offline reinforcement learning", "claim",
            "Weighted by returns, a clone performs better than its data.",
            claims=claims(
                "offline",
                "On mixed data BC on the best two fifths has a higher return than BC",
                "On mixed data MARWIL has a higher return than BC by likelihood, which is MARWIL "
                "without weights",
            ),
            remark="The rows are compared with BC, not with the data.",
        ),
        Statement(
            "Weighted imitation = offline reinforcement learning", "claim",
            "This is like one iteration of policy gradient, on data of another policy.",
            remark="See the section about PG and RWR below.",
        ),
        Statement(
            "Reward Weighted Regression", "equation",
            "Where trajectories are not optimal, each sample's loss, squared error or log "
            "likelihood, is multiplied by the return of its trajectory (equation 1): what is good "
            "in the data is imitated more.",
            code=("imitbench/algos/rl/rwr.py", "imitbench/algos/offline/offline_rwr.py"),
            tests=(f"{TESTS}::test_policy_is_weighted_by_what_the_method_says",
                   f"{TESTS}::test_rwr_is_awr_without_the_baseline"),
            remark="Weights are exponentials of returns, as in the AWR paper's RWR; raw returns "
            "can be negative. The return is the discounted one from the step on, not the "
            "trajectory's; it is standardised, and weights are bounded. The policy's standard "
            "deviation is fixed, so that the weighted "
            "likelihood is a weighted squared error.",
        ),
        Statement(
            "Reward Weighted Regression", "definition",
            "A validation set still guards against overfitting.",
            remark="RWR and AWR have none here, as in AWR's official code.",
        ),
        Statement(
            "Reward Weighted Regression", "algorithm",
            "Then iterate: the new policy makes new data, and so on.",
            code=("imitbench/algos/rl/rwr.py", AWR_METHOD),
            tests=(f"{TESTS}::test_replay_goes_back_over_the_rings_seam",),
        ),
        Statement(
            "Reminder: the most basic PG algorithm", "algorithm",
            "Sample trajectories from the policy, minimise minus the log likelihood of their "
            "actions times the return (equation 2), sample again.",
            code=("imitbench/algos/rl/ppo.py", "imitbench/algos/rl/trpo.py"),
            remark="The bare form is not in the package. PPO and TRPO have advantages and a bound "
            "on the step.",
        ),
        Statement(
            "PG = RWR !", "claim",
            "One step of policy gradient and of RWR have the same loss: equation 1 is equation 2.",
            remark="An identity of formulas; nothing to run.",
        ),
        Statement(
            "PG = RWR !", "claim",
            "But policy gradient is on-policy, and RWR begins with expert data. A guess: an "
            "on-policy algorithm works off-policy as long as the samples are not worse than the "
            "present policy.",
            remark="Not tested. It would take a policy gradient that begins with the data of "
            "better and of worse policies; there is none here.",
        ),
        Statement(
            "Offline RL", "definition",
            "One iteration alone is offline reinforcement learning.",
            code=(OFFLINE_AWR, "imitbench/algos/offline/offline_rwr.py"),
            tests=(f"{TESTS}::test_offline_awr_sees_no_reward_where_there_is_no_step",),
        ),
        Statement(
            "Offline RL", "question",
            "Under which condition on the data does one iteration give an optimal policy?",
            claims=claims(
                "offline",
                "On a learner's experience TD3+BC has a higher return than BC",
                "On a learner's experience IQL has a higher return than BC",
                *ON_EXPERT_DATA,
            ),
            remark="The suite `offline` compares four grades of data. Nothing there says whether a "
            "policy is optimal.",
        ),
        Statement(
            "Advantage Weighted Regression (AWR): Motivation", "claim",
            "AWR stands apart among policy searches: it is partly off-policy, easy to code, and "
            "safe from the deadly triad, for it does not bootstrap.",
            code=(AWR, LEARNER),
            tests=(f"{TESTS}::test_replay_goes_back_over_the_rings_seam",),
            remark="Partly off-policy: it learns from a replay. That it is easy is a matter of "
            "taste; the code is beside it.",
        ),
        Statement(
            "Advantage Weighted Regression", "claim",
            "AWR regresses with weights, makes new data by its policy with exploration, and "
            "repeats. So it may find better trajectories, and in the end the optimal policy.",
            figures=(("awr", "curves"),),
            code=(AWR_METHOD,),
            remark="Optimality is not tested: no locomotion task has a known optimum. The curves "
            "show the progress.",
        ),
        Statement(
            "Algorithm 1: Advantage Weighted Regression", "algorithm",
            "Fit V to returns, fit the policy with weights `exp((R - V) / beta)`, collect, repeat. "
            "One iteration on fixed data is MARWIL.",
            code=(AWR, AWR_METHOD, MARWIL),
            tests=(f"{TESTS}::test_value_learns_scaled_td_lambda_returns",
                   f"{OFFLINE}::test_marwil_by_hand",
                   f"{OFFLINE}::test_marwil_without_beta_is_bc"),
        ),
        Statement(
            "Algorithm 1: Advantage Weighted Regression", "algorithm",
            "The first buffer comes from a random policy, as in the paper, or from expert "
            "trajectories, which is imitation.",
            code=(AWR_METHOD, OFFLINE_AWR),
            remark="`awr` begins with its own untrained policy, and `offline_awr` has "
            "demonstrations alone. No method begins with demonstrations and then collects by "
            "AWR.",
        ),
        Statement(
            "Estimating V", "equation",
            "V minimises the mean squared error to the returns over a batch of samples.",
            code=(AWR,),
            tests=(f"{TESTS}::test_value_learns_scaled_td_lambda_returns",),
        ),
        Statement(
            "Estimating V", "equation",
            "Returns are TD(lambda) with lambda = .95 and the previous V as bootstrap, between "
            "Monte Carlo and one-step estimates.",
            code=(AWR,),
            tests=(f"{TESTS}::test_value_learns_scaled_td_lambda_returns",),
        ),
        Statement(
            "Estimating pi", "equation",
            "The policy maximises the weighted log likelihood over a batch. Weights are clipped at "
            "20; beta is .05, fixed, where Peters and Schaal tune it.",
            code=(AWR,),
            tests=(f"{TESTS}::test_policy_is_weighted_by_what_the_method_says", WEIGHTS),
            remark="Advantages are standardised and beta is 1 by default, as in the official code. "
            "`--set standardise=False --set temperature=0.05` has the paper's values.",
        ),
        Statement(
            "Estimating pi", "claim",
            "The weights enforce a trust region.",
            remark="The derivation says so; the algorithm has no bound on the step, and how far "
            "the policy moves is not measured here.",
        ),
        Statement(
            "Related papers", "claim",
            "RWR (Peters and Schaal 2007) is the same idea with rewards in place of advantages, "
            "without a deep network.",
            claims=ABOVE_RWR,
            code=("imitbench/algos/rl/rwr.py",),
            remark="Ours has AWR's networks, as in the comparison of the AWR paper.",
        ),
        Statement(
            "Related papers", "claim",
            "LAWER (Neumann and Peters 2009), fitted Q-iteration by advantage weighted regression, "
            "was not applied to deep networks.",
            remark="LAWER is not in the package; it learns action values, so it is no variant of "
            "AWR's code.",
        ),
        Statement(
            "Related papers", "claim",
            "MARWIL (Wang et al. 2018) is one iteration of AWR, as imitation.",
            code=(MARWIL,),
            tests=(f"{OFFLINE}::test_marwil_by_hand",),
            remark="Its advantages are divided by the root of their running mean square, its value "
            "learns beside the policy, and it takes discrete actions too.",
        ),
        Statement(
            "Related papers", "claim",
            "SIL (Oh et al. 2018) adds AWR's regression to an actor-critic, A2C. It is linked to "
            "soft Q-learning.",
            code=("imitbench/algos/rl/sil.py",),
            tests=(f"{TESTS}::test_sil_loss_by_hand",),
            remark="Ours adds it to PPO, and its weights are positive advantages, not "
            "exponentials. The link to soft Q-learning is a proof in the paper; nothing to run.",
        ),
        Statement(
            "Experimental setup", "definition",
            "2,000 samples an iteration, 50,000 kept (of about 25 policies, so partly off-policy), "
            "minibatches of 256, momentum .9, learning rates 5e-5 for the policy and 1e-4 for the "
            "value, 200 gradient steps of the value and 1,000 of the policy.",
            code=(AWR_METHOD, LEARNER, "imitbench/suites/awr.py"),
            remark="Ours has 2,048 samples, a value learning rate of 0.01 on returns times 1 - "
            "discount, and a policy learning rate for each task, as in the official code.",
        ),
        Statement(
            "Experimental setup", "question",
            "How sensitive is it to these 200 and 1,000 steps?",
            remark="Not tested. `--set value_steps=...` and `--set policy_steps=...` are the "
            "settings; no row varies them.",
        ),
        Statement(
            "Experimental setup", "claim",
            "Nobody has studied its overfitting, and there is no validation set.",
            remark="Nor does this package: it would take rows that hold out a part of the replay.",
        ),
        Statement(
            "Performance overview", "figure",
            "Figure 3, learning curves over five seeds: AWR is competitive with the best methods.",
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="AWR is judged against RWR and PPO. The other learners have their own suite, "
            "`learners`, at other numbers of steps.",
        ),
        Statement(
            "Performance overview", "table",
            "Table 1, final returns of TRPO, PPO, DDPG, TD3, SAC, RWR and AWR. AWR has 5,067 on "
            "Ant, 9,136 on HalfCheetah, 3,405 on Hopper, 4,996 on Humanoid, 229 on LunarLander and "
            "5,813 on Walker2d; the best of the others are SAC 5,909, DDPG 10,563, SAC 2,769, SAC "
            "8,048, RWR 185 and SAC 5,805. RWR has 181, 1,400, 605, 509, 185 and 406. AWR is "
            "comparable with the best.",
            claims=ABOVE_RWR,
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="That AWR is comparable with the best is not judged, only whether it is above "
            "RWR and PPO. "
            "The paper's are after 20 to 31 million steps, ours after as many as the suites state; "
            "[Baselines](../baselines.md) has published returns at equal steps. "
            "Ant, Humanoid and Walker2d are in the full profile, with SAC, TD3 and DDPG beside "
            "AWR. LunarLander is no task here: it has discrete actions, which AWR and RWR refuse.",
        ),
        Statement(
            "Performance overview", "claim",
            "AWR is better than RWR on every task.",
            claims=ABOVE_RWR,
            figures=(("awr", "curves"),),
            remark="Judged on HalfCheetah alone. On Hopper there is no claim: a seed of RWR that "
            "stands still there for all 1,000 steps is above most of AWR's. Other tasks are in the "
            "full profile, without a claim.",
        ),
        Statement(
            "Performance overview", "claim",
            "AWR's performance is more consistent over benchmarks than that of the others.",
            remark="Not judged: no measure of consistency is stated, and the cpu profile has two "
            "tasks.",
        ),
        Statement(
            "Imitation performance", "figure",
            "Figure 5, pictures of a humanoid of 34 degrees of freedom and a dog of 64 that learn "
            "recorded motions by AWR.",
            code=("imitbench/envs/motion/person.py", "imitbench/envs/motion/quadruped.py"),
            tests=("tests/envs/motion/test_bodies.py::test_masses_and_degrees_of_freedom",),
            remark="The humanoid has 34 degrees of freedom here, too; a quadruped of 18 stands for "
            "the dog. `imitbench report motion --videos 3` draws policies beside the clip.",
        ),
        Statement(
            "Imitation performance", "table",
            "Table 2, returns of PPO, RWR and AWR, normalised: cartwheel .76, .03, .78; spinkick "
            ".70, .05, .77; dog's canter .76, .78, .86; trot .86, .86, .86; turn .75, .75, .82.",
            claims=claims(
                "motion",
                "On the trot AWR's return is not below PPO's by more than a tenth",
                "On the trot RWR has the same return as AWR, up to a tenth",
                "On the spin, in place of a turn, AWR has a higher return than PPO",
                "AWR has a higher return than RWR on the run of the person",
            ),
            code=("imitbench/envs/motion/imitation.py", "imitbench/envs/motion/rewards.py"),
            tests=("tests/envs/motion/test_rewards.py::test_deepmimic_by_hand",),
            remark="The canter is in no package with clips, and the humanoid's cartwheel and "
            "spinkick need more steps than two cores can take; the suite's page says more. The "
            "spin is in the full profile. The person's run is a planar walker's, and in no table "
            "of the paper.",
        ),
        Statement(
            "Imitation performance", "figure",
            "Figure 6, learning curves on these motions: AWR mostly learns faster than PPO and "
            "RWR. Imitation is efficient.",
            figures=(("motion", "curves"),),
            remark="No claim is about the speed: those on table 2 are about the last evaluation. "
            "The suite's learning curves would show it.",
        ),
        Statement(
            "Sensitivity to hyperparameters", "figure",
            "Figure 10: clipping the weights is vital. Without it large weights make gradients "
            "explode.",
            claims=claims(
                "awr", "AWR has a higher return with a bound on its weights than without it"
            ),
            code=(AWR,),
            tests=(WEIGHTS,),
            remark="The row `awr-no-clip` on HalfCheetah has no bound. With standardised "
            "advantages and a beta of 1 the bound clips less than one weight in a hundred, so that "
            "the row tests it weakly; with the paper's beta it would be another matter.",
        ),
        Statement(
            "Sensitivity to hyperparameters", "question",
            "Is it valid to exponentiate the advantage, if clipping is vital?",
            figures=(("awr", "curves"),),
            remark="No row of AWR has other weights. SIL takes the positive part of the advantage "
            "and has {awr | sil | Hopper 0 | return} on Hopper in the shipped table, AWR "
            "{awr | awr | Hopper 0 | return}; but SIL is PPO beside that.",
        ),
        Statement(
            "Sensitivity to hyperparameters", "question",
            "How sensitive is it to lambda and beta?",
            remark="`awr-lambda-1` has another lambda; its claim is below. No row varies beta "
            "(`--set temperature=...`).",
        ),
        Statement(
            "Ablation study", "figure",
            "Figure 4, left: each component adds to the performance, and all together are best. "
            "The advantage in place of the reward (RWR) is critical, the baseline V is important, "
            "and data of the newest policy alone are worse.",
            claims=claims(
                "awr",
                "AWR has a higher return with its baseline than without it",
                "AWR has a higher return with its replay than without it",
                "AWR has a higher return than RWR",
            ),
            remark="RWR is here AWR without its baseline and with Monte Carlo returns, so that the "
            "first and the third claim are nearly one.",
        ),
        Statement(
            "Ablation study", "figure",
            "Figure 4, right: AWR stays stable with large replay buffers, most of whose data come "
            "from earlier policies.",
            tests=(f"{TESTS}::test_replay_goes_back_over_the_rings_seam",),
            remark="Two sizes are rows, 50,000 samples and the newest 2,048 (`awr-on-policy`). "
            "Larger ones would take `--set capacity=...` and more steps.",
        ),
        Statement(
            "Ablation study", "claim",
            "TD(lambda) in place of Monte Carlo has no major effect on Walker2d and a large one on "
            "HalfCheetah; so lambda does not matter much.",
            claims=claims(
                "awr", "AWR has a higher return with TD(lambda) than with Monte Carlo returns"
            ),
            remark="The row of Monte Carlo returns, `awr-lambda-1`, is on HalfCheetah. No row is "
            "on Walker2d.",
        ),
        Statement(
            "Properties", "claim",
            "Returns bootstrap, but V is fitted to them by regression: AWR is no bootstrap method, "
            "and should avoid the deadly triad.",
            code=(AWR, LEARNER),
            tests=(f"{TESTS}::test_value_learns_scaled_td_lambda_returns",),
            remark="No action values are learned. No claim is about divergence of values.",
        ),
        Statement(
            "Properties", "claim",
            "Still it needs fewer samples than the Monte Carlo methods TRPO and PPO.",
            claims=claims(
                "awr",
                "AWR has a higher return than PPO with Tianshou's settings after the same number "
                "of environment steps",
            ),
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="The claim has not run. With CleanRL's settings of PPO, in the shipped table of "
            "[awr](../suites/awr.md), after {awr | awr | Hopper 0 | env_steps} steps each, PPO has "
            "{awr | ppo | Hopper 0 | return | interval} and AWR "
            "{awr | awr | Hopper 0 | return | interval} on Hopper, and PPO has "
            "{awr | ppo | HalfCheetah 0 | return | interval} and AWR "
            "{awr | awr | HalfCheetah 0 | return | interval} on HalfCheetah. Of TRPO "
            "[learners](../suites/learners.md) shows the curve. Published returns after a million "
            "steps, Hopper and HalfCheetah: 2,699 and 3,682 of AWR (official logs), 2,483 and "
            "5,650 of PPO, 2,007 and 4,527 of TRPO (both Tianshou).",
        ),
        Statement(
            "Properties", "claim",
            "In principle AWR could be truly off-policy.",
            code=(OFFLINE_AWR,),
            claims=claims("offline", *ON_EXPERT_DATA),
            remark="The suite `offline` has AWR on four grades of data. The claims are on the "
            "expert's alone; the other grades are rows without a claim.",
        ),
        Statement(
            "Properties", "claim",
            "The derivation is close to that of policy gradient, comes from "
            "expectation-maximisation, and asks the policy to stay near the one before (trust "
            "region).",
            remark="A matter of the derivation. The distance between successive policies is not "
            "measured.",
        ),
        Statement(
            "Difference to policy gradient", "equation",
            "AWR's gradient is the policy gradient on the data's states and actions, with the "
            "exponential of the advantage in its place.",
            code=(AWR,),
            tests=(f"{TESTS}::test_policy_is_weighted_by_what_the_method_says",),
        ),
        Statement(
            "Difference to policy gradient", "question",
            "Regression takes gradients inside, so is it truly different? Policy gradient changes "
            "the present policy; AWR makes a whole new one from the data, whose policy is not "
            "known.",
            code=(LEARNER,),
            remark="In the official code and here the regression begins with the present "
            "parameters, so that the new policy is not made from nothing.",
        ),
        Statement(
            "Role of exponentiation", "claim",
            "By the derivation, the exponential enforces a trust region.",
            remark="As above: the distance between policies is not measured.",
        ),
        Statement(
            "Role of exponentiation", "claim",
            "In policy gradient a negative advantage, as a negative step, can make learning "
            "unstable (CACLA). Exponentials are always positive.",
            code=(AWR,),
            tests=(WEIGHTS,),
            remark="The weights are tested. CACLA is not in the package, and no row takes steps on "
            "positive advantages alone but SIL.",
        ),
        Statement(
            "Role of exponentiation", "question",
            "Policy gradient with an exponentiated step should work better; a problem with "
            "negative rewards would show it.",
            remark="Not tested: it would take a policy gradient with such weights, for example on "
            "Reacher, whose rewards are negative.",
        ),
    ),
)  # fmt: skip
