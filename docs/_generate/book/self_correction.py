"""Learning Self-Correctable Policies and Value Functions from Demonstrations (VINS)."""

from docs._generate.book.schema import Document, Statement, claims

VINS = "imitbench/algos/model_based/vins.py"
VALUE = "imitbench/algos/model_based/vins_value.py"
POLICY = "imitbench/algos/model_based/vins_policy.py"
NEGATIVES = "imitbench/algos/model_based/negative_samples.py"
DYNAMICS = "imitbench/algos/model_based/dynamics.py"
VINS_RL = "imitbench/algos/model_based/vins_rl.py"
STUDY = "benchmarks/studies/vins_diagnostics.py"
TESTS = "tests/algos/model_based"
WITH_PRIOR = (
    "VINS has a higher success rate with the BC prior than without it, by more than 10 points"
)
SAME_SETTINGS = (
    "VINS has a higher success rate with negative sampling than without it, at the same settings"
)
ABLATIONS = (
    SAME_SETTINGS,
    "VINS has a higher success rate with negative sampling than without it, each with an alpha of "
    "its own",
    "VINS without negative sampling has a lower success rate than BC",
    WITH_PRIOR,
    "VINS's success rate with the true dynamics is not below that with the learned model by more "
    "than 2 points",
    "VINS without the BC prior has a higher success rate with the true dynamics than with the "
    "learned model",
)
COMPOUNDING = claims(
    "dagger",
    "On long tightropes DAgger has a higher return (a lower regret) than BC with the same number "
    "of expert actions",
)
ABOVE_START = claims(
    "vins_rl",
    "VINS+RL has a higher success rate than VINS from the same demonstrations, without "
    "environment steps",
)

DOCUMENT = Document(
    "self_correction",
    "Learning Self-Correctable Policies and Value Functions from Demonstrations with Negative "
    "Sampling. Slides of Yuping Luo, Huazhe Xu and Tengyu Ma about arXiv:1907.05634.",
    "A value function that falls off the demonstrated states makes a policy correct itself. The "
    "slides derive it, learn it by negative sampling (VINS), and start reinforcement learning from "
    "it (VINS+RL).",
    (
        Statement(
            "Reinforcement Learning (RL)", "figure",
            "Reinforcement learning has learned games and to turn things in a robot's hand.",
            remark="Pictures from the work of others; nothing to run. Further pictures of which "
            "the text keeps no caption are left out of this page, and the tables stand here "
            "without their errors.",
        ),
        Statement(
            "Imitation Learning (IL)", "definition",
            "A policy is learned from an expert's demonstrations, whose reward function is "
            "implicit. There are two settings: with environment steps, and without.",
            code=(VINS, VINS_RL),
            tests=("tests/algos/test_contract.py::test_touches_only_what_it_declares_and_keeps_the_type_of_its_state",),
            remark="A method whose `make` has no environment cannot take a step in one.",
        ),
        Statement(
            "Why Imitation Learning?", "claim",
            "Demonstrations save samples: from nothing, reinforcement learning needs very many "
            "steps (curves of Hessel et al. and Hess et al.).",
            claims=claims("vins_rl", "VINS+RL has a higher success rate than HER"),
            figures=(("vins_rl", "curves"),),
            remark="HER is the row without demonstrations, on FetchPush alone, where VINS+RL has "
            "not run. The claim judges success at any step of an episode: after 80,000 steps HER "
            "has {vins_rl | her | FetchPush 0 | success_any}. Our curves show success at the last "
            "step. The curves on the slide are not repeated.",
        ),
        Statement(
            "Why Imitation Learning?", "claim",
            "Good demonstrations exist already, and should be used.",
            code=("imitbench/data/formats/minari.py", "imitbench/data/formats/robomimic.py"),
            tests=("tests/data/test_own_data.py::"
                   "test_each_method_trains_on_a_data_set_or_says_what_it_lacks",),
            remark="Data sets of others can be trained on. The demonstrations of the suites come "
            "from experts of this package.",
        ),
        Statement(
            "Why Imitation Learning?", "equation",
            "Good rewards are hard to design. Popov et al. have four for stacking (equations 3 to "
            "6): 1 for the stack; also 0.25 for a grasp without the stack; also 0.125 where the "
            "hand has only reached the block; at last two shapes on top, `0.25 r_S2` while the "
            "block is held and `0.125 r_S1` before it is reached.",
            code=("imitbench/envs/goal.py",),
            tests=("tests/envs/test_envs.py::"
                   "test_reward_includes_the_threshold_and_success_excludes_it",),
            remark="The Fetch tasks pay for the goal alone, as equation 3 does. No task stacks "
            "blocks or shapes this reward, so no suite measures what a shape is worth.",
        ),
        Statement(
            "Basic Notations", "definition",
            "States are in R^d, actions in R^k, dynamics `s' = M*(s, a)` are deterministic, the "
            "discount `gamma` is in (0, 1]. `V^pi(s)` is the expected sum of `gamma^i r_i` from s "
            "on; `pi_e` is the expert.",
            code=("imitbench/core/types.py", "imitbench/algos/model_based/vins_config.py"),
        ),
        Statement(
            "Basic Notations", "equation",
            "The goal is the policy with the greatest mean value of the initial states.",
            code=("imitbench/training/evaluation.py",),
            remark="Evaluations estimate it by returns without discount, from initial states that "
            "are drawn anew. The claims are about success, as the tables of the slides are.",
        ),
        Statement(
            "Main Concern in Imitation Learning", "claim",
            "The states that a clone visits differ from the demonstrated ones, and its errors add "
            "up.",
            claims=COMPOUNDING,
            figures=(("dagger", "compounding"),),
        ),
        Statement(
            "Main Concern in Imitation Learning", "figure",
            "Heat map of a value function that the standard Bellman equation gives: it is not low "
            "where there are no demonstrations.",
            figures=(("vins", "diagnostics"),),
            code=(STUDY,),
            remark="Ours shows the value of one seed around the demonstrations, with and without "
            "negative sampling.",
        ),
        Statement(
            "Challenges", "claim",
            "Challenge 1: off the demonstrations the expert's V and Q are not unique.",
            figures=(("vins", "diagnostics"),),
            remark="Nothing to judge: the data say nothing there. The figure has two values from "
            "the same demonstrations. They disagree off the demonstrations, and at the "
            "demonstrated state in the figure, too, so the figure does not isolate the point.",
        ),
        Statement(
            "Challenges", "claim",
            "Challenge 2: the errors of behavioural cloning cascade.",
            claims=COMPOUNDING,
            code=("benchmarks/studies/compounding_error.py",),
            remark="The same claim as the main concern above.",
        ),
        Statement(
            "Challenges", "claim",
            "Challenge 3: reinforcement learning with a value function that starts at random "
            "destroys a good first policy.",
            claims=ABOVE_START,
            remark="The claim has not run. It is the converse: it says that VINS+RL, which starts "
            "with a learned value, ends above VINS with the clone. The shipped cell of version 1 "
            "(now 3) does not suggest it: on FetchPickAndPlace VINS+RL reaches the goal at some "
            "step in {vins_rl | vins_rl | FetchPickAndPlace 10, scripted | success_any} of the "
            "episodes, VINS of the suite `vins` in "
            "{vins | vins | FetchPickAndPlace 10, scripted | success_any}. No row joins a good "
            "policy with a random value.",
        ),
        Statement(
            "Conservatively-Extrapolated Value Function", "claim",
            "States off the demonstrations should be worth less than demonstrated ones, so they "
            "are penalised.",
            code=(NEGATIVES,),
            tests=(f"{TESTS}/test_vins_value.py::test_negatives_fall_off_with_their_distance",
                   f"{TESTS}/test_vins.py::"
                   "test_the_value_climbs_to_the_goal_and_falls_off_the_demonstrations"),
        ),
        Statement(
            "Conservatively-Extrapolated Value Function", "figure",
            "Colours show the conservative value, a black path the demonstration from its start "
            "(yellow) to the goal (green), and arrows the policy.",
            figures=(("vins", "diagnostics"),),
            code=(STUDY,),
            remark="Ours has no arrows, and a slice of FetchPush in place of the plane: the value "
            "where only the gripper is moved.",
        ),
        Statement(
            "Conservatively-Extrapolated Value Function", "algorithm",
            "Learn a conservative V, learn the dynamics M, and act by `argmax_a V(M(s, a))`.",
            code=(VINS,),
            tests=(f"{TESTS}/test_vins.py::test_the_best_candidate_around_the_prior_is_taken",),
        ),
        Statement(
            "Problem Setup", "definition",
            "The task is to reach a goal: the reward is -1 while the distance to it is at least "
            "`epsilon`, else 0. The discount is 1.",
            code=("imitbench/envs/goal.py", VALUE),
            tests=("tests/envs/test_envs.py::"
                   "test_reward_includes_the_threshold_and_success_excludes_it",
                   f"{TESTS}/test_vins_value.py::test_td_targets_by_hand"),
            remark="At a distance of exactly `epsilon` our reward is 0, as in "
            "Gymnasium-Robotics. The setting `discount` is 1 unless it is changed.",
        ),
        Statement(
            "Problem Setup", "definition",
            "Initial states have a bounded support of few dimensions. U is the set of states that "
            "the expert can visit; it is assumed to be a manifold of few dimensions.",
            code=("imitbench/envs/fetch.py",),
            tests=("tests/envs/test_parity.py::"
                   "test_fetch_resets_have_the_original_distribution",),
            remark="FetchPush draws four numbers, the places of block and goal, within bounds. The "
            "dimension of U is not measured.",
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "A clone can be right in U and wrong outside of it.",
            code=("imitbench/envs/toys/tightrope.py",),
            tests=("tests/envs/test_tightrope.py::test_correct_choice_is_reversed_on_the_ladder",),
            figures=(("dagger", "compounding"),),
            remark="The tightrope makes it so: what is right on the rope is wrong below it, where "
            "the expert never is.",
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "Question 1 and assumption 1: clone and model are correct near U.",
            figures=(("vins", "diagnostics"),),
            code=(STUDY,),
            remark="The figure shows how the model's error grows with the distance to the "
            "demonstrated states. The clone's error there is not measured.",
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "Question 2 and assumption 2: some action corrects, so that the next state is within "
            "`epsilon` of U.",
            tests=(f"{TESTS}/test_ccil_true.py::test_labels_lead_back_in_the_physics",),
            remark="VINS does not check it. CCIL with the true dynamics searches for such actions. "
            "The test asks for less than the assumption: the actions that are kept leave less than "
            "0.8 of the displacement, for steps with random actions. The share of the states that "
            "have such an action is not shown here.",
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "Question 3 and assumption 3: clone, dynamics, values and the projection to U are "
            "Lipschitz.",
            tests=(f"{TESTS}/test_ccil.py::test_the_penalty_makes_the_model_flatter",),
            remark="No Lipschitz constant is measured, and nothing in VINS bounds one. CCIL has a "
            "penalty on its model's.",
        ),
        Statement(
            "Theoretical Motivation", "definition",
            "Conservative extrapolation: on demonstrated states V is the expert's value; elsewhere "
            "it is the value of the nearest demonstrated state minus `lambda` times the distance "
            "to it; both up to `delta_V`.",
            code=(NEGATIVES,),
            tests=(f"{TESTS}/test_negative_samples.py::"
                   "test_targets_fall_by_the_slope_per_unit_of_distance",
                   f"{TESTS}/test_vins.py::"
                   "test_the_value_climbs_to_the_goal_and_falls_off_the_demonstrations"),
        ),
        Statement(
            "Theoretical Motivation", "equation",
            "The self-correctable policy takes the action near the clone's that the model leads to "
            "the highest value: `argmax_a V(M(s, a))` over `|a - pi_bc(s)| <= zeta`.",
            code=(POLICY,),
            tests=(f"{TESTS}/test_vins.py::test_the_action_of_the_greatest_value_is_picked",),
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "Challenge 1 is then no problem: the definition says what V is off U.",
            tests=(f"{TESTS}/test_vins_value.py::test_negatives_fall_off_with_their_distance",),
            remark="It follows from the definition. The test checks that the targets off the "
            "demonstrations are fixed by the value at the demonstrated state and the distance from "
            "it.",
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "Main theorem: under the assumptions, from a state in U the policy stays within "
            "`epsilon` of the demonstrated states for its first `T_0 <= T` steps, and improves its "
            "value at every step if the expert does.",
            figures=(("vins", "diagnostics"),),
            code=(STUDY,),
            remark="A theorem cannot be reproduced by runs. Its assumptions cannot be checked on "
            "robots either; the study measures distances to the demonstrations and errors of the "
            "model along rollouts.",
        ),
        Statement(
            "Theoretical Motivation", "claim",
            "Challenge 2 is solved: where `V(s_cx) >= V(s')`, the policy prefers the correcting "
            "action `a_cx` to the other one, `a'`, so that errors do not cascade.",
            figures=(("vins", "diagnostics"),),
            code=(POLICY,),
            tests=(f"{TESTS}/test_vins.py::test_the_action_of_the_greatest_value_is_picked",),
            remark="The preference is tested. That rollouts stay nearer is hardly seen: the "
            "distance to the demonstrated states is about that of BC.",
        ),
        Statement(
            "Value Iteration with Negative Sampling (VINS)", "equation",
            "A demonstrated state is disturbed to `s~`. The loss is the squared temporal "
            "difference on demonstrated steps plus `mu` times the squared distance of V at `s~` "
            "from `V(s) - lambda |s - s~|`, where targets come from a slow copy of V.",
            code=(VALUE, NEGATIVES),
            tests=(f"{TESTS}/test_vins_value.py::test_td_targets_by_hand",
                   f"{TESTS}/test_vins_value.py::test_value_loss_by_hand",
                   f"{TESTS}/test_negative_samples.py::"
                   "test_fields_are_displaced_together_or_alone"),
            remark="The slides do not say how states are disturbed. Ours are displaced field by "
            "field. Values fall off from the temporal-difference target of s; with "
            "`centre=target` they fall off from the slow copy's value at s, as on the slides. "
            "Distances are in standard deviations. V sees named fields alone, and learns at states "
            "between s and s' (`interpolations=0`: at s).",
        ),
        Statement(
            "Value Iteration with Negative Sampling (VINS)", "algorithm",
            "The dynamics are learned by their prediction error. The policy draws k uniform noises "
            "of half width `alpha` around the clone's action (option 1), or around 0 (option 2), "
            "and takes the one of the highest value. The clone makes the search easier.",
            claims=claims("vins", WITH_PRIOR),
            code=(DYNAMICS, POLICY),
            tests=(f"{TESTS}/test_vins.py::test_candidates_are_drawn_around_their_centre_and_clipped",
                   f"{TESTS}/test_vins.py::test_the_best_candidate_around_the_prior_is_taken"),
        ),
        Statement(
            "Value Iteration with Environment Interaction", "algorithm",
            "VINS+RL starts with the value and the model of VINS, collects steps with the policy "
            "around 0, and goes on with temporal differences, a slow copy of the value, and the "
            "model's loss on demonstrations and own steps.",
            code=(VINS_RL,),
            tests=(f"{TESTS}/test_vins_rl.py::"
                   "test_rl_continues_vins_without_negatives_and_without_the_prior",),
            remark="Ours keeps demonstrations in every minibatch and bounds the targets by what a "
            "reward of -1 a step can sum to; the page of [`vins_rl`](../methods/vins_rl.md) says "
            "why. In the suite it has a discount of 0.98, keeps the newest 20,000 own steps alone, "
            "and its model takes steps of its own.",
        ),
        Statement(
            "Value Iteration with Environment Interaction", "claim",
            "Challenge 3 is solved: the value is reasonable from the start, so the policy is not "
            "destroyed.",
            claims=ABOVE_START,
            figures=(("vins_rl", "curves"),),
            remark="The claim has not run. It says that VINS+RL ends above VINS with the clone. "
            "The shipped cell of version 1 (now 3) does not suggest it: on FetchPickAndPlace "
            "VINS+RL ends with {vins_rl | vins_rl | FetchPickAndPlace 10, scripted | success_any} "
            "success at any step, and VINS of the suite `vins` has "
            "{vins | vins | FetchPickAndPlace 10, scripted | success_any}. The curve shows success "
            "at the last step: it rises slowly to "
            "{vins_rl | vins_rl | FetchPickAndPlace 10, scripted | success_final}.",
        ),
        Statement(
            "Environments for Experiments", "definition",
            "FetchReach, FetchPickAndPlace and FetchPush (v0) of OpenAI Gym. Observations are "
            "sensor data such as positions and velocities of arm and gripper; rewards are -1 off "
            "the goal.",
            code=("imitbench/envs/fetch.py", "imitbench/envs/fetch_model.py"),
            tests=("tests/envs/test_parity.py::test_fetch_steps_equal_the_original",),
            remark="Ours equal those of gymnasium-robotics v4, which has a later engine.",
        ),
        Statement(
            "Experimental Results", "table",
            "Table 1, success rates of VINS and BC without environment steps: Reach 10 99.3 and "
            "98.6%, Pick 100 75.7 and 66.8%, Pick 200 84.0 and 82.0%, Push 100 44.0 and 37.3%, "
            "Push 200 55.2 and 51.3%. VINS is above BC everywhere.",
            claims=claims(
                "vins",
                "VINS has a higher success rate than BC",
                "VINS has a higher success rate at the last step than BC",
                "VINS's lead over BC in success rate is smaller with 200 demonstrations than with "
                "100",
            ),
            figures=(("vins", "scores"),),
            remark="Our experts are not theirs and our engine is another version, so only the "
            "order is claimed. The suite has further numbers of demonstrations.",
        ),
        Statement(
            "Experimental Results", "figure",
            "With environment steps, VINS+RL is more sample efficient than Nair et al. 2018, HER, "
            "DAC and GAIL.",
            claims=claims(
                "vins_rl",
                "VINS+RL has a higher success rate than DDPG with demonstrations (Nair et al. "
                "2018)",
                "VINS+RL has a higher success rate than HER",
                "VINS+RL has a higher success rate than DAC",
                "VINS+RL has a higher success rate than BC from the same demonstrations, without "
                "environment steps",
            ),
            figures=(("vins_rl", "curves"),),
            remark="VINS+RL fails against Nair et al. in the shipped cells, which are of older "
            "versions (VINS+RL and Nair et al. of version 1, now 3 and 2): it reaches the goal at "
            "some step in {vins_rl | vins_rl | FetchPickAndPlace 10, scripted | success_any} of "
            "the episodes, Nair et al. in "
            "{vins_rl | nair | FetchPickAndPlace 10, scripted | success_any}. Success is judged "
            "at the last evaluation of a small budget, and the curve before it is not. HER, with "
            "{vins_rl | her | FetchPush 0 | success_any} on FetchPush, has hardly begun to learn, "
            "so a lead over it says little. DAC has not run, and GAIL is not a row of the suite. "
            "The curves show success at the last step of an episode, where VINS+RL ends with "
            "{vins_rl | vins_rl | FetchPickAndPlace 10, scripted | success_final}.",
        ),
        Statement(
            "Ablation Study", "definition",
            "VINS has three parts to vary: the dynamics (learned or true), the value (with or "
            "without negative sampling), and the search (with or without the clone).",
            code=("imitbench/suites/vins.py", "imitbench/algos/model_based/vins_true.py"),
            tests=(f"{TESTS}/test_vins.py::test_true_dynamics_step_the_environment",),
        ),
        Statement(
            "Ablation Study", "table",
            "Table 2, success in percent on Pick 100, Pick 200, Push 100 and Push 200: BC 66.8, "
            "82.0, 37.3, 51.3; VINS 75.7, 84.0, 44.0, 55.2; without the clone 28.5, 43.6, 14.3, "
            "24.9; without it and with the true dynamics 51.4, 62.3, 40.7, 42.9; with the true "
            "dynamics 76.3, 87.0, 48.7, 63.8; without negative sampling 48.5, 71.6, 29.3, 38.7.",
            claims=claims("vins", *ABLATIONS),
            figures=(("vins", "scores"),),
            remark="That VINS without negative sampling is below BC is hardly testable where "
            "`alpha` is small: `alpha` was chosen for the full method (0.05 on FetchPush and 0.1 "
            "on FetchPickAndPlace at the places of this table), so that the ablation stays close "
            "to the clone. The table has the true dynamics above the learned model everywhere. We "
            "only claim that they are not below it by more than 2 points. In the cpu profile they "
            "have 16 candidate actions and 50 episodes, the learned model has 100 and 200. With "
            "the true dynamics we have 100 demonstrations alone. The slides give VINS on Push 100 "
            "an error of 1.5 points in table 1 and of 0.8 here.",
        ),
        Statement(
            "Conclusion", "claim",
            "A conservatively-extrapolated value leads to self-correction.",
            figures=(("vins", "diagnostics"),),
            claims=claims("vins", "VINS has a higher success rate than BC", SAME_SETTINGS),
            remark="Success is what is judged. The correction itself is only drawn, for one seed, "
            "and is hardly visible there.",
        ),
        Statement(
            "Conclusion", "claim",
            "VINS can be an alternative to BC, and can be combined with it.",
            claims=claims("vins", "VINS has a higher success rate than BC", WITH_PRIOR),
            remark="The combination is above BC over all places together. In place of BC, that is "
            "without the clone, VINS is far below it, in table 2 and here. With 100 demonstrations "
            "of the learned expert it reaches the goal at some step in "
            "{vins | vins-no-bc | FetchPickAndPlace 100, learned | success_any} of the episodes on "
            "FetchPickAndPlace, and BC in {vins | bc | FetchPickAndPlace 100, learned | "
            "success_any}; on FetchPush in {vins | vins-no-bc | FetchPush 100, learned | "
            "success_any} and {vins | bc | FetchPush 100, learned | success_any}. So VINS without "
            "the clone is no alternative to BC here.",
        ),
        Statement(
            "Conclusion", "claim",
            "The value from demonstrations is a start from which learning converges faster.",
            claims=ABOVE_START,
            figures=(("vins_rl", "curves"),),
            remark="The speed is not tested: the claim is about the end of VINS+RL, and it has not "
            "run. It would take a row of VINS+RL without pretraining (`--set pretrain=0`) to judge "
            "the speed.",
        ),
    ),
)  # fmt: skip
