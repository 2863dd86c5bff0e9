"""Model-based Algorithms for Reinforcement Learning and Imitation Learning."""

from docs._generate.book.schema import Document, Statement, claims

DYNAMICS = "imitbench/algos/model_based/dynamics.py"
SLBO = "imitbench/algos/model_based/slbo"
VINS_POLICY = "imitbench/algos/model_based/vins_policy.py"
NEGATIVES = "imitbench/algos/model_based/negative_samples.py"
TESTS = "tests/algos/model_based"
MODEL_TESTS = f"{TESTS}/slbo/test_model.py"
SLBO_TESTS = f"{TESTS}/slbo/test_slbo.py"
SEQUENCE_TESTS = f"{TESTS}/slbo/test_sequence.py"
TRPO_STEP = "tests/algos/rl/test_trpo.py::test_a_step_goes_as_far_as_it_may"
TURNS = (
    "Model and policy that learn in turns have a higher return than a policy that learns when the "
    "model has been fitted (MB-TRPO), after the same number of real steps"
)
WITHOUT_NEGATIVES = "VINS without negative sampling has a lower success rate than BC"
WITH_PRIOR = (
    "VINS has a higher success rate with the BC prior than without it, by more than 10 points"
)
TRUE_WITHOUT_PRIOR = (
    "VINS without the BC prior has a higher success rate with the true dynamics than with the "
    "learned model"
)

DOCUMENT = Document(
    "model_based_talk",
    "Model-based Algorithms for Reinforcement Learning and Imitation Learning with Theoretical "
    "Analyses. Slides of Tengyu Ma, 2019.",
    "Models for fewer samples: a bound on the error of predicted returns and an algorithm from it "
    "(SLBO, arXiv:1807.03858), a sequence of tasks with one model (arXiv:1907.04964), and VINS.",
    (
        Statement(
            "Sample-Efficiency Challenge in RL", "question",
            "Reinforcement learning tries a strategy and improves it by the feedback. Fewer trials "
            "could come from models, from expert demonstrations, from many tasks (multi-task, "
            "lifelong, continual), from hierarchies, and from safety.",
            claims=claims(
                "model_based",
                "After the same number of real steps SLBO has a higher return than TRPO, which has "
                "no model",
            )
            + claims("vins_rl", "VINS+RL has a higher success rate than HER"),
            remark="The claims are about models and demonstrations; a model of several tasks is "
            "below. No suite is about hierarchies or safety.",
        ),
        Statement(
            "Backgrounds and Terminologies", "definition",
            "States are in R^d, actions in R^k; the unknown dynamics `s' = M*(s, a)` are "
            "deterministic and the horizon is long. A policy maps states to actions, and its "
            "payoff is the expected sum of the rewards from a drawn initial state. A state may be "
            "where an arm is, an action where it should move.",
            code=("imitbench/core/types.py",),
            remark="Episodes of the suite have 500 steps. Our policies draw their actions while "
            "they learn.",
        ),
        Statement(
            "Model-Based Reinforcement Learning", "algorithm",
            "Repeat: collect steps with the policy, fit a model by the squared error of the next "
            "state, find a good policy in the model. It is like a holiday: go and explore, note "
            "the good restaurants, plan the next one at home.",
            claims=claims("model_based", TURNS),
            code=(f"{SLBO}/stages.py",),
            remark="`mb-trpo` in the suite is this algorithm, with the length of the error in "
            "place of its square. The claim is against this algorithm, not for it.",
        ),
        Statement(
            "Model-Based Reinforcement Learning", "claim",
            "The third part costs no real samples, and takes any reinforcement learner.",
            code=(f"{SLBO}/virtual_env.py",),
            tests=(f"{SLBO_TESTS}::test_virtual_steps_are_the_models",
                   f"{SLBO_TESTS}::test_what_a_stage_costs"),
            remark="The model is an environment, so that other learners could take the place of "
            "TRPO, the only one here.",
        ),
        Statement(
            "Challenges in Analyzing Deep Model-Based RL", "question",
            "States and actions have many dimensions, dynamics and policies are not linear. Is "
            "there an algorithm whose number of samples is polynomial in the dimension, if some "
            "computations are free? Earlier work has it for finite states and for linear dynamics, "
            "and there is one result on sample complexity (Sun et al. 2017).",
            remark="A question about proofs; no run can answer it.",
        ),
        Statement(
            "Challenges in Analyzing Deep Model-Based RL", "claim",
            "A learned model is wrong in states that the training trajectories have not seen.",
            figures=(("vins", "diagnostics"),),
            code=("benchmarks/studies/vins_diagnostics.py",),
            remark="The figure shows it for the model of VINS on FetchPush: its error grows with "
            "the distance to the demonstrated states.",
        ),
        Statement(
            "Challenges in Analyzing Deep Model-Based RL", "claim",
            "One can exploit, and go only where the model is certain, or explore, and make it "
            "certain by trying diverse policies.",
            claims=claims(
                "model_based",
                "With noise on real actions SLBO has a higher return than without",
            ),
            code=(f"{SLBO}/exploration.py",),
            tests=(f"{SLBO_TESTS}::test_noise_wanders_and_begins_at_0",),
            remark="The noise makes the real steps more diverse, which is the nearest row. No "
            "method here knows where its model is certain.",
        ),
        Statement(
            "A Classical Idea: Optimism in the Face of Uncertainty", "definition",
            "Optimism: explore a policy if it is good under some dynamics that the data allow.",
            remark="No method here is optimistic. It would take an ensemble or another set of "
            "models and a maximum over it.",
        ),
        Statement(
            "A Classical Idea: Optimism in the Face of Uncertainty", "question",
            "Question 1: how is the constraint written for models that are not linear? Confidence "
            "intervals work for finite states and linear models, not for neural networks.",
            remark="Answered below by a bound on returns. No run can show that intervals are not "
            "feasible.",
        ),
        Statement(
            "A Classical Idea: Optimism in the Face of Uncertainty", "question",
            "Question 2: how is the consistency with the data, that is, the error of the model, "
            "measured?",
            code=(f"{SLBO}/model.py",),
            tests=(f"{MODEL_TESTS}::test_loss_over_two_steps_by_hand",),
            remark="SLBO's answer is the length of the error over unrolled steps.",
        ),
        Statement(
            "The Same Prediction Loss Could Mean Very Differently", "claim",
            "Errors of the same size matter differently in different states and actions.",
            claims=claims(
                "model_based",
                "With an error over two steps SLBO has a higher return than over one",
            ),
            remark="The claim is only near: a loss over two steps counts what the first error "
            "leads to. No loss here weighs errors by what they do to the return.",
        ),
        Statement(
            "Our Idea", "definition",
            "The ideal loss of a model is its error of the predicted payoff. An upper bound on it "
            "serves as a loss, or as a measure of consistency.",
            code=(f"{SLBO}/slbo.py",),
            tests=(f"{SLBO_TESTS}::test_it_learns_to_walk_to_the_middle",),
            remark="The test is of a toy task. It tests only that SLBO learns, and that the mean "
            "rewards in the model and in reality differ by less than 0.3. No test measures the "
            "ideal loss.",
        ),
        Statement(
            "Our Idea", "equation",
            "`|V(pi, M) - V(pi, M*)| <= D(M, pi)`: a model is consistent with the data if it "
            "predicts the real reward with a small bound on the error.",
            remark="SLBO takes the form of the bound for Lipschitz values, a norm. No run measures "
            "the constant.",
        ),
        Statement(
            "Our Idea", "algorithm",
            "Repeat: collect steps, then maximise `V(pi, M)` over policy and model where `D(pi, M) "
            "<= epsilon`. The models that are allowed form a confidence region that depends on the "
            "policy and the reward. Next the constraint moves into the objective.",
            remark="Not here: a constraint over networks cannot be kept exactly. SLBO is the form "
            "with the constraint in the objective.",
        ),
        Statement(
            "Meta-Algorithm for Model-Based RL with Convergence Guarantees", "algorithm",
            "In each stage collect steps with `pi_k`, build the bound around it, and maximise "
            "`V(pi, M) - D(pi, M)`, a lower bound of the real reward, over both.",
            code=(f"{SLBO}/stages.py",),
            tests=(f"{SLBO_TESTS}::test_it_learns_to_walk_to_the_middle",),
            remark="Policy and model take turns instead of a joint maximum. The test tests only "
            "that SLBO learns on a toy task, and that the mean rewards in the model and in reality "
            "differ by less than 0.3. It tests no lower bound.",
        ),
        Statement(
            "Meta-Algorithm for Model-Based RL with Convergence Guarantees", "claim",
            "Theorem: if the model class holds the true dynamics and the inner problem is solved, "
            "real returns never fall from one stage to the next, and converge to a local maximum.",
            figures=(("model_based", "curves"),),
            remark="A theorem about an inner problem that no program solves. Whether returns fall "
            "between evaluations can be seen in the learning curves; no claim is about it. The "
            "curves can show neither a maximum nor that it is local.",
        ),
        Statement(
            "Meta-Algorithm for Model-Based RL with Convergence Guarantees", "figure",
            "The lower bound `L(M_k, pi)` touches the real return at the present policy; the next "
            "policy is at the top of the bound.",
            remark="A drawing of the proof. The bound has a Lipschitz constant that is not known, "
            "so ours cannot be drawn.",
        ),
        Statement(
            "Optimizable Upper Bounds of Ideal Loss", "claim",
            "The bound is built around a reference policy, and can be used again while the policy "
            "changes little.",
            code=(f"{SLBO}/config.py", "imitbench/algos/rl/trpo.py"),
            tests=(TRPO_STEP,),
            remark="TRPO bounds each step of the policy. How far the policy moves in a whole stage "
            "is neither bounded nor measured.",
        ),
        Statement(
            "Optimizable Upper Bounds of Ideal Loss", "equation",
            "For Lipschitz values the bound is a norm of the prediction error, not its square. "
            "SLBO descends it by stochastic gradients.",
            claims=claims(
                "model_based",
                "With the length of the model's error SLBO has a higher return than with its "
                "square",
            ),
            code=(f"{SLBO}/model.py", DYNAMICS),
            tests=(f"{MODEL_TESTS}::test_loss_over_two_steps_by_hand",
                   f"{TESTS}/test_dynamics.py::test_model_is_fitted_by_length_not_by_its_square"),
        ),
        Statement(
            "Optimizable Upper Bounds of Ideal Loss", "claim",
            "In practice no optimism is needed.",
            code=(f"{SLBO}/stages.py",),
            remark="SLBO has none here. No row with optimism stands beside it.",
        ),
        Statement(
            "Demo: learning to walk to the right as fast as possible", "figure",
            "Videos of a humanoid at iterations 10, 20 and 210: what the model predicts beside "
            "what happens.",
            code=(f"{SLBO}/stages.py",),
            tests=(f"{SLBO_TESTS}::test_it_learns_to_walk_to_the_middle",),
            remark="Nothing on this page stands in for the videos. A run records the metrics "
            "`virtual_reward` and `reward`, the mean rewards of a step in the model and in "
            "reality, and the test compares them on a toy task. The suite's tasks are HalfCheetah "
            "and Hopper; the humanoid has no known reward here.",
        ),
        Statement(
            "Evaluations on MuJoCo Benchmark Tasks", "figure",
            "SLBO outperforms earlier methods with at most a million samples.",
            claims=claims(
                "model_based",
                "After the same number of real steps SLBO has a higher return than TRPO, which has "
                "no model",
                "On Hopper, too, SLBO has after the same number of real steps a higher return than "
                "TRPO",
                "After the same number of real steps SLBO has a higher return than SAC, which has "
                "no model",
                TURNS,
            ),
            figures=(("model_based", "curves"),),
            remark="Of the earlier methods the suite has TRPO, SAC and MB-TRPO; the cpu profile "
            "has up to 200,000 steps, the full one a million. Hopper is no task of the source; "
            "five seeds do not tell SLBO from TRPO there.",
        ),
        Statement(
            "Follow-up: Model-based Multi-task RL", "claim",
            "A model that is shared by a sequence of tasks of one robot (speeds, directions) "
            "spreads its samples over them, so that each needs fewer.",
            claims=claims(
                "model_based",
                "At 1 m/s a policy that was warmed up in a model of earlier speeds, without real "
                "steps at that speed, has a higher return than a policy trained from nothing has "
                "after 10,000, by more than 100",
                "At 1 m/s, with a model of earlier speeds, the return after 10,000 real steps is "
                "higher by more than 100",
                "At 1 m/s, with a model of earlier speeds, the return after 20,000 real steps is "
                "higher by more than 100",
                "At 1 m/s, with a model of earlier speeds, the return of the warmed-up policy, "
                "without real steps at that speed, is higher than that of an untrained policy, "
                "which stands still, by more than 100",
                "At 1 m/s, with a model of earlier speeds, the return after 10,000 real steps is "
                "higher than that of an untrained policy, which stands still, by more than 100",
                "At 1 m/s, with a model of earlier speeds, the return after 20,000 real steps is "
                "higher than that of an untrained policy, which stands still, by more than 100",
            ),
            code=(f"{SLBO}/sequence.py",),
            tests=(f"{SEQUENCE_TESTS}::test_the_policy_is_warmed_up_in_the_model_alone",
                   f"{SEQUENCE_TESTS}::test_real_steps_of_the_earlier_tasks_are_kept_and_cut"),
            remark="Speeds alone: no task here has a direction. The real steps of the earlier "
            "speeds (50,000 in the cpu profile) are not counted, and the policy has the updates of "
            "its warm-up beside them: the claims are about what one more task costs. The last "
            "three are the floor of the others.",
        ),
        Statement(
            "Follow-up: Model-based Multi-task RL", "claim",
            "MAML, the earlier way, learns a shared policy that adapts to each task.",
            remark="MAML is not in the package, so sharing a policy and sharing a model are not "
            "compared.",
        ),
        Statement(
            "Follow-up: Model-based Multi-task RL", "figure",
            "Curves of tasks that ask for random velocities from an interval or a region.",
            figures=(("model_based", "curves"),),
            code=("imitbench/envs/known_reward.py",),
            tests=(f"{SEQUENCE_TESTS}::test_earlier_targets_differ_by_seed_and_cover_the_range",
                   "tests/envs/test_known_reward.py::"
                   "test_target_speeds_are_a_family_with_the_same_dynamics"),
            remark="Earlier targets are drawn from an interval; the last task is 1 or 2 m/s. No "
            "task draws a velocity in the plane.",
        ),
        Statement(
            "Imitation Learning", "claim",
            "Reinforcement learning from nothing may still need too many samples.",
            claims=claims("vins_rl", "VINS+RL has a higher success rate than HER"),
            remark="HER starts from nothing and has no model. No row of this suite has a model "
            "without demonstrations, so it is not tested whether a model alone would do.",
        ),
        Statement(
            "Imitation Learning", "definition",
            "Experts run a policy to collect trajectories. From these, with or without further "
            "samples, a policy is learned.",
            code=("imitbench/data/sources/collection.py",
                  "imitbench/algos/model_based/vins.py", "imitbench/algos/model_based/vins_rl.py"),
            tests=("tests/algos/test_contract.py::test_touches_only_what_it_declares_and_keeps_the_type_of_its_state",),
        ),
        Statement(
            "A Classic Algorithm: Behavioral Cloning", "algorithm",
            "Cloning fits a policy to the demonstrated actions by supervised learning.",
            code=("imitbench/algos/cloning/bc.py", "imitbench/algos/cloning/supervised.py"),
            tests=("tests/algos/cloning/test_bc.py::test_mse_by_hand",
                   "tests/algos/cloning/test_bc.py::test_bc_solves_the_toy_task"),
        ),
        Statement(
            "A Classic Algorithm: Behavioral Cloning", "claim",
            "A clone drifts off the demonstrations, and its errors cascade.",
            claims=claims(
                "dagger",
                "On long tightropes DAgger has a higher return (a lower regret) than BC with the "
                "same number of expert actions",
            ),
            figures=(("dagger", "compounding"),),
        ),
        Statement(
            "Another Attempt: Learning Value Functions from Demonstrations", "claim",
            "On demonstrated states the expert's value is known, and can be learned there by "
            "supervised learning. Off them it extrapolates falsely.",
            claims=claims("vins", WITHOUT_NEGATIVES),
            figures=(("vins", "diagnostics"),),
            tests=(f"{TESTS}/test_vins.py::"
                   "test_the_value_climbs_to_the_goal_and_falls_off_the_demonstrations",),
            remark="The slide learns the value by supervised learning on known payoffs; no row "
            "does that. The value without negative samples learns by temporal differences. The "
            "claim is hardly testable where `alpha`, the distance from the clone's action, is "
            "small. The two rows that reproduce it are FetchPush with the scripted expert, where "
            "`alpha` is 0.2; elsewhere it is 0.05 or 0.1.",
        ),
        Statement(
            "Our Idea: Learning a Better Value Function", "claim",
            "The value should be lower off the demonstrations; to follow it then leads back, and "
            "corrects the clone's mistakes.",
            claims=claims("vins", "VINS has a higher success rate than BC"),
            figures=(("vins", "diagnostics"),),
            code=(NEGATIVES,),
            tests=(f"{TESTS}/test_vins_value.py::test_negatives_fall_off_with_their_distance",),
            remark="Success is judged. That rollouts come back is hardly visible in the figure.",
        ),
        Statement(
            "Our Idea: Learning a Better Value Function", "figure",
            "Two drawn values, one that extrapolates falsely and one conservatively.",
            figures=(("vins", "diagnostics"),),
            code=("benchmarks/studies/vins_diagnostics.py",),
            remark="Ours are of FetchPush, with and without negative samples.",
        ),
        Statement(
            "Theoretical Results", "definition",
            "A conservatively-extrapolated value is the expert's on the demonstrations, and "
            "elsewhere that of the nearest demonstrated state minus `lambda` times the distance, "
            "both up to `delta_V`.",
            code=(NEGATIVES,),
            tests=(f"{TESTS}/test_negative_samples.py::"
                   "test_targets_fall_by_the_slope_per_unit_of_distance",),
        ),
        Statement(
            "Theoretical Results", "claim",
            "Theorem: with an approximate model, the policy `argmax_a V(M(s, a))` stays close to "
            "the demonstrations and performs well.",
            claims=claims("vins", TRUE_WITHOUT_PRIOR),
            remark="A theorem cannot be reproduced by runs. The claim compares the true dynamics "
            "with the learned model; it does not test the theorem. This form of the policy is the "
            "one without the clone. On FetchPickAndPlace 100 it reaches the goal at some step in "
            "{vins | vins-no-bc | FetchPickAndPlace 100, learned | success_any} of the episodes "
            "with the learned model and in "
            "{vins | vins-true-no-bc | FetchPickAndPlace 100, learned | success_any} with the true "
            "dynamics; BC does in {vins | bc | FetchPickAndPlace 100, learned | success_any}. On "
            "FetchPush 100 these are "
            "{vins | vins-no-bc | FetchPush 100, learned | success_any}, "
            "{vins | vins-true-no-bc | FetchPush 100, learned | success_any} and "
            "{vins | bc | FetchPush 100, learned | success_any}.",
        ),
        Statement(
            "Theoretical Results (Cont'd)", "claim",
            "Dynamics may be hard to learn from demonstrations: a model can only be expected to "
            "work around the expert's actions.",
            claims=claims("vins", TRUE_WITHOUT_PRIOR),
            figures=(("vins", "diagnostics"),),
            remark="Away from the clone's actions the true dynamics gain much over the learned "
            "ones; that is the claim.",
        ),
        Statement(
            "Theoretical Results (Cont'd)", "equation",
            "If the model is right near the demonstrations alone, the theorem holds for the "
            "maximum over actions near the clone's, `|a - pi_BC(s)| <= epsilon`.",
            claims=claims("vins", WITH_PRIOR),
            code=(VINS_POLICY,),
            tests=(f"{TESTS}/test_vins.py::test_candidates_are_drawn_around_their_centre_and_clipped",
                   f"{TESTS}/test_vins.py::test_the_best_candidate_around_the_prior_is_taken"),
        ),
        Statement(
            "Experiments", "algorithm",
            "Negative sampling, borrowed from language processing, teaches the conservative value. "
            "Value, policy and model from demonstrations are the start of a learner with further "
            "samples.",
            code=(NEGATIVES, "imitbench/algos/model_based/vins_rl.py"),
            tests=(f"{TESTS}/test_vins_value.py::test_negatives_fall_off_with_their_distance",
                   f"{TESTS}/test_vins_rl.py::"
                   "test_rl_continues_vins_without_negatives_and_without_the_prior"),
            remark="Value and model go on; the clone does not, as in the algorithm of the other "
            "slides.",
        ),
        Statement(
            "Experiments", "figure",
            "A figure of results (an image without text).",
            claims=claims("vins", "VINS has a higher success rate than BC")
            + claims(
                "vins_rl",
                "VINS+RL has a higher success rate than DDPG with demonstrations (Nair et al. "
                "2018)",
                "VINS+RL has a higher success rate than HER",
                "VINS+RL has a higher success rate than DAC",
            ),
            figures=(("vins", "scores"), ("vins_rl", "curves")),
            remark="The claims are those of the [slides about VINS](self_correction.md). HER has "
            "no demonstrations. The claim against DDPG with demonstrations fails in the shipped "
            "cells, which are of older versions (VINS+RL and DDPG with demonstrations of version "
            "1, now 3 and 2): at some step VINS+RL reaches the goal in "
            "{vins_rl | vins_rl | FetchPickAndPlace 10, scripted | success_any} of the episodes, "
            "and DDPG with demonstrations in "
            "{vins_rl | nair | FetchPickAndPlace 10, scripted | success_any}.",
        ),
        Statement(
            "Summary", "claim",
            "The talk gave a meta-algorithm that converges, a loss for the model that takes the "
            "reward into account, SLBO as a simple form that works well, a model for many tasks, "
            "and a policy that corrects itself by a conservative value.",
            remark="It says no more than the statements above. SLBO's own loss does not take the "
            "reward into account; the bound behind it does.",
        ),
        Statement(
            "Summary", "question",
            "How to use optimism, how to tailor algorithms to environments, where else models "
            "help (hierarchical learning, for example).",
            remark="Open questions of the authors; no suite is about them.",
        ),
    ),
)  # fmt: skip
