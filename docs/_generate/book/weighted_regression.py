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
ABOVE_PPO = claims(
    "awr",
    "AWR has a higher return than PPO with Tianshou's settings after the same number of "
    "environment steps",
    "AWR has a higher return than PPO with CleanRL's settings after the same number of "
    "environment steps",
)
ON_EXPERT_DATA = (
    "On the expert's data on Hopper AWR and BC have the same return, up to a tenth of the expert's",
    "On the expert's data on HalfCheetah AWR and BC have the same return, up to a tenth of the "
    "expert's",
    "On the expert's data on Hopper AWR has the same return as AWR with equal weights, up to a "
    "tenth of the expert's",
    "On the expert's data on HalfCheetah AWR has the same return as AWR with equal weights, up to "
    "a tenth of the expert's",
)
FINAL_RETURNS = """
| Task | TRPO | PPO | DDPG | TD3 | SAC | RWR | AWR |
|---|---|---|---|---|---|---|---|
| Ant | 2,901 ± 85 | 1,161 ± 389 | 72 ± 1,550 | 4,285 ± 671 | 5,909 ± 371 | 181 ± 19 | 5,067 ± 256 |
| HalfCheetah | 3,302 ± 428 | 4,920 ± 429 | 10,563 ± 382 | 4,309 ± 1,238 | 9,297 ± 1,206 | \
1,400 ± 370 | 9,136 ± 184 |
| Hopper | 1,880 ± 337 | 1,391 ± 304 | 855 ± 282 | 935 ± 489 | 2,769 ± 552 | 605 ± 114 | \
3,405 ± 121 |
| Humanoid | 552 ± 9 | 695 ± 59 | 4,382 ± 423 | 81 ± 17 | 8,048 ± 700 | 509 ± 18 | 4,996 ± 697 |
| LunarLander | 104 ± 94 | 121 ± 49 | - | - | - | 185 ± 23 | 229 ± 2 |
| Walker2d | 2,765 ± 168 | 2,617 ± 362 | 401 ± 470 | 4,212 ± 427 | 5,805 ± 587 | 406 ± 64 | \
5,813 ± 483 |"""
MOTION_RETURNS = """
| Motion | PPO | RWR | AWR |
|---|---|---|---|
| Humanoid: cartwheel | 0.76 ± 0.02 | 0.03 ± 0.01 | 0.78 ± 0.07 |
| Humanoid: spinkick | 0.70 ± 0.02 | 0.05 ± 0.03 | 0.77 ± 0.04 |
| Dog: canter | 0.76 ± 0.03 | 0.78 ± 0.04 | 0.86 ± 0.01 |
| Dog: trot | 0.86 ± 0.01 | 0.86 ± 0.01 | 0.86 ± 0.03 |
| Dog: turn | 0.75 ± 0.02 | 0.75 ± 0.03 | 0.82 ± 0.03 |"""

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
            remark="The suite `offline` has BC on the half-trained policy's data of HalfCheetah; "
            "it has not run. No claim judges it.",
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
            remark="No claim judges it, and the suite `offline` has not run.",
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
            remark="Neither claim weights by returns: BC on the best two fifths selects episodes, "
            "and MARWIL weights by advantages. The row `rwr` of `offline` weights by the "
            "exponential of returns, on mixed data; no claim is about it. The rows are compared "
            "with BC, not with the data.",
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
            "Under which condition on the data does one iteration of weighted regression give an "
            "optimal policy?",
            claims=claims(
                "offline",
                "On a learner's experience IQL has a higher return than BC",
                *ON_EXPERT_DATA,
            ),
            remark="The suite `offline` compares four grades of data. IQL's policy is one weighted "
            "regression, whose weights come from learned action values. Nothing there says whether "
            "a policy is optimal.",
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
            "The paper does not study overfitting and has no validation set.",
            remark="Nor does this package study it: that would take rows that hold out a part of "
            "the replay.",
        ),
        Statement(
            "Performance overview", "figure",
            "Figure 3, learning curves over five seeds: AWR is generally competitive with the best "
            "methods.",
            claims=ABOVE_RWR + ABOVE_PPO,
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="AWR is judged against RWR and PPO alone, on HalfCheetah. RWR is the weakest "
            "method of the paper's table there, so a lead over it says little about the best. The "
            "other learners have their own suite, `learners`, at other numbers of steps.",
        ),
        Statement(
            "Performance overview", "table",
            "Table 1, final returns, and their standard deviations over five seeds. AWR is "
            f"generally comparable with the other methods or better.\n{FINAL_RETURNS}",
            claims=ABOVE_RWR + ABOVE_PPO,
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="That AWR is comparable with the best is not judged, only whether it is above "
            "RWR and PPO. Ours: on HalfCheetah, after {awr | awr | HalfCheetah 0 | env_steps} "
            "steps, AWR has {awr | awr | HalfCheetah 0 | return | interval} and RWR "
            "{awr | rwr | HalfCheetah 0 | return | interval}; on Hopper, after "
            "{awr | awr | Hopper 0 | env_steps}, AWR has "
            "{awr | awr | Hopper 0 | return | interval}. The authors' "
            "[logs](https://github.com/xbpeng/awr/tree/master/data/logs) of HalfCheetah, Hopper "
            "and Walker2d go beyond 20 million steps, so ours cannot be held against the table; "
            "[Baselines](../baselines.md) has published returns at equal steps. Ant, Humanoid and "
            "Walker2d are in the full profile, with SAC, TD3 and DDPG beside AWR. LunarLander is "
            "no task here: it has discrete actions, which AWR and RWR refuse.",
        ),
        Statement(
            "Performance overview", "claim",
            "AWR is consistently better than RWR.",
            claims=ABOVE_RWR,
            figures=(("awr", "curves"),),
            remark="Judged on HalfCheetah alone. On Hopper a seed of RWR that stands still for all "
            "1,000 steps is above most of AWR's, so that RWR is no row there in the cpu profile. "
            "Other tasks are in the full profile, without a claim.",
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
            "Table 2, returns, normalised between the least (0) and the greatest (1) that an "
            f"episode can have.\n{MOTION_RETURNS}",
            claims=claims(
                "motion",
                "On the trot AWR's return is not below PPO's by more than a tenth",
                "On the trot RWR has the same return as AWR, up to a tenth",
                "On the spin, in place of a turn, AWR has a higher return than PPO",
                "AWR has a higher return than RWR on the run of the person",
            ),
            code=("imitbench/envs/motion/imitation.py", "imitbench/envs/motion/rewards.py"),
            tests=("tests/envs/motion/test_rewards.py::test_deepmimic_by_hand",),
            remark="The run has been judged, the trot not yet. No package that we take recorded "
            "motions from has the canter. The humanoid's cartwheel and spinkick need more steps "
            "than two cores can take; the suite's page says more. The spin is in the full profile. "
            "The person's run is a planar walker's, and in no table of the paper.",
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
            "advantages and a beta of 1 the bound clips few weights, so that the row tests it "
            "weakly: in the shipped cell of `awr` on HalfCheetah the metric `clipped`, the share "
            "of the weights at the bound, is 0.0025 at the last evaluation (mean of ten seeds).",
        ),
        Statement(
            "Sensitivity to hyperparameters", "question",
            "Is it valid to exponentiate the advantage, if clipping is vital?",
            remark="Not tested: no row of AWR has other weights. SIL takes the positive part of "
            "the advantage, but it is PPO beside that, so its returns do not answer the question.",
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
            remark="Not tested. Two sizes are rows, 50,000 samples and the newest 2,048 "
            "(`awr-on-policy`). Larger ones would take `--set capacity=...` and more steps.",
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
            claims=ABOVE_PPO,
            figures=(("awr", "curves"), ("learners", "curves")),
            remark="The claims are judged on HalfCheetah. With CleanRL's settings of PPO, in the "
            "shipped table of [awr](../suites/awr.md), PPO has after "
            "{awr | awr | Hopper 0 | env_steps} steps "
            "{awr | ppo | Hopper 0 | return | interval} and AWR "
            "{awr | awr | Hopper 0 | return | interval} on Hopper. On HalfCheetah PPO has "
            "{awr | ppo | HalfCheetah 0 | return | interval}, with Tianshou's settings "
            "{awr | ppo-tianshou | HalfCheetah 0 | return | interval}, and AWR "
            "{awr | awr | HalfCheetah 0 | return | interval}. So PPO's mean is above AWR's on both "
            "tasks. Of TRPO [learners](../suites/learners.md) shows the curve. "
            "Published returns after a million steps, Hopper and HalfCheetah: 2,699 and 3,682 of "
            "AWR (official logs), 2,483 and 5,650 of PPO, 2,007 and 4,527 of TRPO (both Tianshou). "
            "There AWR is above PPO and TRPO on Hopper, and below both on HalfCheetah.",
        ),
        Statement(
            "Properties", "claim",
            "In principle AWR could be truly off-policy.",
            code=(OFFLINE_AWR,),
            claims=claims("offline", *ON_EXPERT_DATA),
            remark="Not tested by the claims: they are on the expert's data, where AWR should "
            "equal cloning. The rows `awr` of `offline` on mixed data, and in the full profile on "
            "a learner's experience and on the half-trained policy's, could show it; no claim is "
            "about them.",
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
            "Policy gradient follows `E_pi [grad log pi (R - V)]`, over the states and actions of "
            "the policy `pi` itself. AWR follows `E_mu [grad log pi exp((R - V) / beta)]`, over "
            "those of `mu`, which made the data.",
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
