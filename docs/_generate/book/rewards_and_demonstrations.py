"""Learning from demonstrations and task rewards, off-policy RL, adversarial imitation."""

from docs._generate.book.schema import Document, Statement, claims

ADVERSARIAL = "tests/algos/adversarial"
DISCRIMINATOR_TESTS = f"{ADVERSARIAL}/test_discriminator.py"
IMAGE_TESTS = f"{ADVERSARIAL}/test_image_imitation.py"
BEHAVIOUR = "tests/data/test_behaviour.py"
OFFLINE = "tests/algos/offline/test_offline.py"
DISCRIMINATOR = "imitbench/algos/adversarial/discriminator_losses.py"
FITTING = "imitbench/algos/adversarial/discriminator.py"
WAYS = "Learning from demonstrations and task rewards"  # slides without a heading of their own
NO_BUFFER = "Why model-free RL does not work with fixed experience buffers?"
REWARD = "What should be our imitation reward?"
GAIL = "Generative Adversarial Imitation learning"
ZHU = "Reinforcement and Imitation Learning for Diverse Visuomotor Skills"

DOCUMENT = Document(
    "rewards_and_demonstrations",
    "Learning from demonstrations and task rewards, Off policy RL, Adversarial Imitation learning. "
    "Lecture of Katerina Fragkiadaki, CMU 10-403, 2021.",
    "How demonstrations speed up reinforcement learning: in the replay buffer, as fixed data (BCQ, "
    "arXiv:1812.02900), as a discriminator's reward (GAIL, arXiv:1606.03476), and mixed with the "
    "task's reward (Zhu et al. 2018, arXiv:1802.09564).",
    (
        Statement(
            "Learning from demonstrations", "claim",
            "Demonstrations show a learner which actions to try, so that it needs far fewer trials "
            "of its own.",
            claims=claims(
                "vins_rl",
                "DDPG with demonstrations (Nair et al. 2018), without resets, has a higher success "
                "rate than HER",
                "VINS+RL has a higher success rate than HER",
            ),
            figures=(("vins_rl", "curves"),),
            remark="HER has no demonstrations, and the same number of environment steps. VINS+RL "
            "differs from it in more than the demonstrations.",
        ),
        Statement(
            "Learning from demonstrations", "claim",
            "They give a first policy that is safe enough for the real world.",
            code=("imitbench/algos/adversarial/clone_start.py",),
            tests=(f"{ADVERSARIAL}/test_gail.py::test_cloning_comes_before_the_first_update",),
            remark="The test checks that the first policy is near the demonstrated actions. Safety "
            "is not tested: no suite counts damage during training.",
        ),
        Statement(
            "Learning from demonstrations", "claim",
            "They take time to record.",
            remark="Not tested: the demonstrators here are programs. The tables count their steps "
            "as expert queries.",
        ),
        Statement(
            "Learning from demonstrations", "claim",
            "Demonstrators may be suboptimal, noisy, and different from each other.",
            claims=claims("bcq", "On imperfect demonstrations BCQ has a higher return than BC")
            + claims(
                "policies",
                "With demonstrations of two sides, diffusion succeeds more often than regression",
            ),
            tests=("tests/data/test_grades.py::"
                   "test_noisy_executes_noise_and_keeps_the_intended_actions",),
        ),
        Statement(
            "Learning from demonstrations", "claim",
            "A policy that imitates cannot surpass the expert.",
            remark="Not judged: no claim is about surpassing the expert. The learning curves of "
            "returns have the expert's score as a line.",
        ),
        Statement(
            "Learning from task rewards", "claim",
            "Rewards are cheap supervision, and they say what the task really asks for.",
            remark="Not tested: no suite counts what supervision costs.",
        ),
        Statement(
            "Learning from task rewards", "claim",
            "Learning from them alone takes far too many samples for the real world.",
            figures=(("learners", "curves"), ("vins_rl", "curves")),
            remark="The curves show scores against environment steps. No claim names a number of "
            "steps that a robot could afford.",
        ),
        Statement(
            "Learning from task rewards", "claim",
            "The first policy acts at random, which is dangerous on a robot.",
            remark="Not tested: see the statement about safe first policies.",
        ),
        Statement(
            "Goals", "question",
            "Both kinds of supervision together should need fewer samples than rewards alone, "
            "start well, and end above the human expert.",
            claims=claims(
                "vins_rl",
                "VINS+RL has a higher success rate than VINS from the same demonstrations, without "
                "environment steps",
                "VINS+RL has a higher success rate than BC from the same demonstrations, without "
                "environment steps",
            ),
            remark="None of the three goals is judged here. The claims only ask whether own steps "
            "add to the demonstrations, and they have not run. The first statement of this page "
            "compares with learners that have the task's reward alone.",
        ),
        Statement(
            "Challenges for kinesthetic demonstrations", "question",
            "How to deal with experts that are not optimal.",
            claims=claims(
                "offline",
                "On mixed data BC on the best two fifths has a higher return than BC",
                "On mixed data MARWIL has a higher return than BC by likelihood, which is MARWIL "
                "without weights",
            ),
            remark="Half of the mixed episodes come from a half-trained policy, and returns tell "
            "the halves apart. Nobody leads a robot by hand here.",
        ),
        Statement(
            "Additional challenges for learning from video demonstrations", "question",
            "Videos need visual perception, and the demonstrator's actions are not the imitator's.",
            claims=claims(
                "observations",
                "Without actions DAC (DACfO) has the same return as DAC, up to a tenth",
                "With demonstrations of another body, GAIL has a higher return with next "
                "observations (GAIfO) than with actions, by more than 500",
                "With demonstrations of another body, GAIfO has a higher return than BC, which "
                "clones actions of the other body, by more than 500",
            )
            + claims(
                "pixels",
                "With the same number of gradient steps BC reaches more goals from positions than "
                "from a depth image",
            ),
            remark="The demonstrations of another body are recorded states. No suite learns from "
            "videos of people.",
        ),
        Statement(
            WAYS, "algorithm",
            "Put demonstrations into the replay buffer of a model-free learner, and remove them "
            "later or keep them.",
            claims=claims(
                "vins_rl",
                "DDPG with demonstrations (Nair et al. 2018), without resets, has a higher success "
                "rate than HER",
                "VINS+RL has a higher success rate than DDPG with demonstrations (Nair et al. "
                "2018)",
            ),
            code=("imitbench/algos/rl/ddpg_demos.py",),
            tests=("tests/algos/rl/test_hindsight.py::test_demonstrated_steps_follow_the_own_ones",
                   "tests/algos/rl/test_sac_td3.py::"
                   "test_demonstrations_draw_the_policy_where_the_critic_prefers_them"),
            remark="`nair` in the suite `vins_rl` does this and keeps them. It also clones where "
            "the critic prefers the demonstrated action, learns with hindsight goals, and begins "
            "half of its episodes at demonstrated states, which `nair-no-resets` does not. HER has "
            "no demonstrations. Where the claim about VINS+RL is not reproduced, `nair` is above "
            "VINS+RL: this does not speak against demonstrations in the replay.",
        ),
        Statement(
            WAYS, "algorithm",
            "Pretrain policy and value on demonstrations, then go on with own steps.",
            code=("imitbench/algos/model_based/vins_rl.py",),
            tests=("tests/algos/model_based/test_vins_rl.py::"
                   "test_rl_continues_vins_without_negatives_and_without_the_prior",),
            remark="VINS+RL is the nearest: its value and its model go on, its clone does not. No "
            "model-free learner here pretrains both. Its verdicts are on the page about VINS.",
        ),
        Statement(
            WAYS, "algorithm",
            "Pay an imitation reward and the task's reward together.",
            remark="The verdicts are below, under the section that has its formula.",
        ),
        Statement(
            WAYS, "algorithm",
            "Begin near the end of a demonstration, then earlier and earlier, so that the tasks to "
            "solve grow longer step by step.",
            remark="Not implemented: resets draw evenly from the demonstrated states. A curriculum "
            "would need resets that move backwards as success rises, and a row beside even ones.",
        ),
        Statement(
            "On policy versus off policy training", "definition",
            "On-policy methods improve the policy that collects the data. Off-policy methods "
            "improve another one, and may learn from demonstrations.",
            code=("imitbench/algos/common/on_policy.py", "imitbench/algos/common/off_policy.py"),
        ),
        Statement(
            "Off-policy RL seen so far", "claim",
            "A replay buffer holds the steps of earlier versions of the policy. These resemble its "
            "own steps, so that learning from them is hardly off-policy.",
            code=("imitbench/algos/common/replay_buffer.py",),
            remark="Not tested by itself: no run measures how far a replay is from the policy. The "
            "suite `bcq` compares the outcomes.",
        ),
        Statement(
            "Batch RL", "definition",
            "Batch RL learns from a fixed buffer that the learner does not fill, such as expert "
            "demonstrations: this is truly off-policy.",
            code=("imitbench/algos/offline/fixed_data.py",),
            tests=(f"{OFFLINE}::test_minibatches_hold_real_rows_alone_all_of_them",),
        ),
        Statement(
            "Batch RL", "definition",
            "The behavioural DDPG collects with a little noise. Off-policy DDPG has the same "
            "updates, and no influence on its data.",
            code=("imitbench/algos/rl/ddpg.py", "imitbench/algos/offline/offline_ddpg.py"),
            tests=("tests/algos/reference/test_stable_baselines.py::"
                   "test_td3_and_ddpg_learn_as_sb3",),
        ),
        Statement(
            "Batch RL", "definition",
            "Final buffer: all steps of an agent with exploration noise 0.5. Concurrent: the steps "
            "of an agent with noise 0.1, as both learn. Imitation: the steps of a trained agent.",
            code=("imitbench/suites/bcq.py",),
            tests=(f"{BEHAVIOUR}::test_a_finished_cell_stores_its_experience_for_other_cells",
                   f"{BEHAVIOUR}::test_concurrent_learning_weighs_only_collected_rows"),
            remark="The slides' data have a million steps each; the cpu profile has 47,000, of "
            "which the first 2,000 of an agent are random. The imitation data are those of the "
            "expert that ships, in place of a trained DDPG.",
        ),
        Statement(
            "Batch RL", "figure",
            "On the final buffer and on concurrent data off-policy DDPG learns less than the agent "
            "that collected them, even if both see the same data: it fails when it is truly "
            "off-policy.",
            claims=claims(
                "bcq",
                "Off-policy DDPG has a lower return than the agent that made its data (ddpg-0.5)",
                "Off-policy DDPG has a lower return than the agent that made its data (ddpg-0.1)",
            ),
        ),
        Statement(
            "Batch RL", "figure",
            "Off-policy DDPG on the imitation data, which an expert made.",
            remark="The suite `bcq` has its cell (HalfCheetah 47, learned expert), which has not "
            "run. The claim about value estimates, in the next statement, would cover it. Its "
            "return is not judged: the expert is a policy that ships, and not a row.",
        ),
        Statement(
            "Batch RL", "figure",
            "The estimated action values are higher than the true ones.",
            claims=claims(
                "bcq",
                "Off-policy DDPG's value estimate is higher than its discounted return, by more "
                "than 0.12 in signed logarithms",
            ),
            remark="Values are compared as sign(x) log(1 + |x|). After the cpu profile's steps a "
            "learned value is still about 11% short of what it would become. Where returns are "
            "positive this makes the estimate too low, so it works against the claim. Where they "
            "are negative it makes the estimate too high, by less than the margin.",
        ),
        Statement(
            NO_BUFFER, "claim",
            "A value function from fixed data cannot know whether actions outside of the data are "
            "better or worse.",
            remark="The reason behind the figures above. No run tests it alone. The claim about "
            "value estimates would show what follows from it; it has not run.",
        ),
        Statement(
            "Extrapolation Error", "equation",
            "`Q(s, a) <- r + gamma Q(s', a')` with `a' = argmax_a Q(s', a)`: where `(s', a')` is "
            "not in the data, `Q(s', a')` is wrong, and so is `Q(s, a)`.",
            code=("imitbench/algos/common/bellman.py", "imitbench/algos/offline/offline_ddpg.py"),
        ),
        Statement(
            "Extrapolation Error", "claim",
            "The policy is evaluated without enough of the pairs of state and action that it "
            "visits.",
            remark="No run measures which pairs the data lack.",
        ),
        Statement(
            "Solution: Batch constrained RL", "claim",
            "A policy that takes only the data's transitions can be evaluated without error.",
            remark="A theorem about finitely many states; see the next statement.",
        ),
        Statement(
            "Solution: Batch constrained RL", "equation",
            "Tabular form: `Q(s, a)` moves by `alpha` towards `r + gamma max Q(s', a')` over the "
            "actions `a'` that the data have in `s'`.",
            remark="There is no tabular learner here. It would take one, and a task with finitely "
            "many states whose values are known.",
        ),
        Statement(
            "Solution: Batch constrained RL", "equation",
            "BCQ visits states and actions much as the data do: it takes the best of n actions of "
            "a generative model of the data, each moved by a bounded perturbation.",
            code=("imitbench/algos/offline/bcq.py",),
            tests=(f"{OFFLINE}::test_bcq_acts_by_the_first_critics_best_proposal",),
            remark="The results are below, after algorithm 1.",
        ),
        Statement(
            "Learning stochastic generative models", "claim",
            "Other draws of the latent give other plausible actions.",
            code=("imitbench/core/heads/latent.py",),
            tests=("tests/core/heads/test_two_points.py::"
                   "test_heads_that_learn_distributions_reproduce_both_points",),
            remark="The test is of the policy head, an autoencoder of the same kind as BCQ's.",
        ),
        Statement(
            "Conditional VAE", "equation",
            "The generative model is a conditional variational autoencoder: reconstruction plus "
            "the divergence of the latent from its prior.",
            code=("imitbench/algos/offline/bcq_losses.py",),
            tests=(f"{OFFLINE}::test_bcq_vae_loss",),
            remark="As in the official code the divergence is a mean over components, with a "
            "weight of 1/2.",
        ),
        Statement(
            "Algorithm 1 BCQ", "algorithm",
            "Fit the autoencoder; targets are the greatest of n perturbed samples, where the "
            "lesser of two critics weighs `lambda`; the perturbation climbs the first critic; "
            "targets follow slowly.",
            code=("imitbench/algos/offline/bcq_losses.py",),
            tests=(f"{OFFLINE}::test_bcq_target_is_the_best_of_the_proposals",
                   f"{OFFLINE}::test_bcq_perturbation_climbs_the_first_critic_within_its_bound",
                   "tests/algos/reference/test_d3rlpy.py::test_bcq_learns_as_d3rlpy"),
        ),
        Statement(
            "Algorithm 1 BCQ", "figure",
            "Pictures without text, probably the results of BCQ.",
            claims=claims(
                "bcq",
                "On the final buffer BCQ has a higher return than off-policy DDPG",
                "On concurrent data BCQ has a higher return than off-policy DDPG",
                "On an expert's demonstrations BCQ has a higher return than off-policy DDPG",
                "On imperfect demonstrations BCQ has a higher return than off-policy DDPG",
                "On the final buffer BCQ has a higher return than BC",
                "On concurrent data BCQ has a higher return than BC",
                "On imperfect demonstrations BCQ has a higher return than BC",
            ),
            remark="The pictures have no text, so the claims are those of the paper (Fujimoto et "
            "al. 2019). The paper also says that off-policy DDPG overestimates values by more than "
            "BCQ. This is not judged: after the cpu profile's steps a learned value is still about "
            "11% short of what it would become. A BCQ with large returns therefore seems to "
            "underestimate by more than a DDPG that failed.",
        ),
        Statement(
            REWARD, "question",
            "A policy may be asked to act as the expert does in demonstrated states, or to visit "
            "the states that the expert visits.",
            code=("imitbench/algos/cloning/bc.py", FITTING),
            tests=(f"{DISCRIMINATOR_TESTS}::test_actions_are_inputs_unless_only_states_are",),
            remark="BC does the first, GAIL the second; `discriminator.inputs=state` compares "
            "states alone.",
        ),
        Statement(
            "State-action distribution matching objective", "claim",
            "To match the distribution of states and actions is a new answer to errors that add "
            "up.",
            claims=claims(
                "gail",
                "GAIL has a higher return than BC with 1 trajectory",
            ),
            remark="The growth of regret with the length of an episode is measured for BC and "
            "DAgger alone (suite `dagger`). It would take rows of GAIL on the tightropes.",
        ),
        Statement(
            "BC Maximizes Conditional Likelihood", "equation",
            "BC maximises the likelihood of demonstrated actions, which for a deterministic policy "
            "is the squared error.",
            code=("imitbench/algos/cloning/supervised.py",),
            tests=("tests/algos/cloning/test_bc.py::test_mse_by_hand",
                   "tests/algos/cloning/test_bc.py::test_nll_by_hand"),
        ),
        Statement(
            "BC Maximizes Conditional Likelihood", "claim",
            "Nothing constrains the actions in states that the expert does not visit.",
            tests=("tests/envs/test_tightrope.py::test_correct_choice_is_reversed_on_the_ladder",),
            remark="On the tightrope the expert never stands on the ladder, where its rule is "
            "wrong.",
        ),
        Statement(
            "Distribution mismatch (distribution shift)", "equation",
            "`p_expert(o) != p_policy(o)`: the policy sees other observations than the expert did.",
            claims=claims(
                "dagger",
                "On long tightropes DAgger has a higher return (a lower regret) than BC with the "
                "same number of expert actions",
            ),
            figures=(("dagger", "compounding"),),
            remark="DAgger learns from the observations that its policy meets, BC does not.",
        ),
        Statement(
            "Adversarial Nets Framework", "equation",
            "`min_G max_D E_data[log D(x)] + E_z[log(1 - D(G(z)))]`.",
            code=(DISCRIMINATOR,),
            tests=(f"{DISCRIMINATOR_TESTS}::test_cross_entropy_and_entropy_by_hand",),
        ),
        Statement(
            "Adversarial Nets Framework", "figure",
            "Figure 3: (a) the discriminator is updated; (b) the generator is updated.",
            code=(FITTING,),
            remark="A drawing; the section on the training procedure, below, has the updates.",
        ),
        Statement(
            "A Generator network (DCGAN)", "figure",
            "A convolutional generator of images.",
            remark="No method here generates images.",
        ),
        Statement(
            "Training Procedure", "algorithm",
            "Step on a minibatch of data and one of generated samples at once, with Adam or the "
            "like; one player may take k steps for each of the other's.",
            code=(FITTING,),
            tests=(f"{DISCRIMINATOR_TESTS}::test_the_loss_by_hand",),
            remark="`discriminator.batch` and `discriminator.steps` are the sizes and k.",
        ),
        Statement(
            "Training Procedure", "question",
            "What if the generator makes one perfect sample, whatever the noise?",
            remark="Not judged. Forks, a task with 24 ways, has no row of an adversarial method.",
        ),
        Statement(
            "Training Procedure", "question",
            "What if the discriminator is trained until it tells all samples apart?",
            tests=(f"{DISCRIMINATOR_TESTS}::test_the_penalty_is_on_points_between_the_two",
                   f"{DISCRIMINATOR_TESTS}::"
                   "test_the_spectral_norm_is_the_largest_singular_value"),
            remark="A usual answer is that its reward then teaches little, and that a gradient "
            "penalty or spectral normalisation prevents this. It is not measured here: the tests "
            "check the formulas of both. The suite `gail` has rows without the penalty and with "
            "spectral normalisation, which have not run. No claim compares them with GAIL; on "
            "Hopper and on Reacher the row without the penalty is compared with BC.",
        ),
        Statement(
            "A minimax game", "equation",
            "The best discriminator is `p_data / (p_data + p_G)`, and then the objective is twice "
            "the Jensen-Shannon divergence minus log 4, least where `p_G = p_data`.",
            code=(DISCRIMINATOR,),
            tests=(f"{DISCRIMINATOR_TESTS}::test_the_best_discriminator_is_p_over_p_plus_q",
                   f"{DISCRIMINATOR_TESTS}::test_divergences_are_estimated"),
        ),
        Statement(
            "Next Video Frame Prediction", "figure",
            "Predicted frames of a video (Lotter et al. 2016).",
            remark="Not tested: nothing here predicts videos.",
        ),
        Statement(
            "Maybe an explanation of why GANs work", "figure",
            "A picture that may explain why adversarial nets work.",
            remark="Nothing to test: the text does not say what the picture shows.",
        ),
        Statement(
            GAIL, "equation",
            "The policy is the generator, conditioned on the state. Its reward `log D(s, a)` says "
            "how well it confuses a discriminator of the expert's pairs and its own.",
            code=(FITTING, DISCRIMINATOR),
            tests=(f"{DISCRIMINATOR_TESTS}::test_rewards_and_their_signs",),
            remark="As on the slides, D is high for the expert. Their reward is "
            "`discriminator.reward=negative`; ours is `-log(1 - D)` by default.",
        ),
        Statement(
            GAIL, "algorithm",
            "GAIL alternates gradient steps of a discriminator of state-action pairs, `min_D "
            "E_expert log(1 - D) + E_policy log D`, with a policy gradient on the discriminator's "
            "reward.",
            code=("imitbench/algos/adversarial/gail.py", DISCRIMINATOR),
            tests=(f"{ADVERSARIAL}/test_gail.py::"
                   "test_ppo_gets_the_rewards_of_the_discriminator",
                   "tests/algos/reference/test_imitation.py::"
                   "test_the_discriminator_learns_as_imitations"),
            remark="The slides' loss of the discriminator has no lower bound; ours is the "
            "cross-entropy, `E_expert -log D + E_policy -log(1 - D)`, which prefers the same. The "
            "policy gradient is PPO's, or TRPO's in `gail_trpo`.",
        ),
        Statement(
            GAIL, "claim",
            "GAIL is reinforcement learning on a reward for matching trajectories, BC is "
            "supervised learning of single actions, and GAIL performs better.",
            claims=claims(
                "gail",
                "GAIL has a higher return than BC with 1 trajectory",
                "GAIL has a higher return than BC with 4 trajectories",
                "GAIL has a higher return than BC with 11 trajectories",
                "GAIL without a gradient penalty has a higher return than BC with 4 trajectories",
                "GAIL with TRPO has a higher return than BC with 4 trajectories",
                "On Reacher BC has a higher return than GAIL, with 4 trajectories",
                "On Reacher BC has a higher return than GAIL without a gradient penalty, with 4 "
                "trajectories",
            ),
            figures=(("gail", "budget"), ("gail", "curves")),
            remark="On Hopper with 11 trajectories GAIL is below BC, which is undecided: "
            "{gail | gail | Hopper 11, learned | return | interval} and "
            "{gail | bc | Hopper 11, learned | return | interval}. On Reacher table 3 of Ho and "
            "Ermon 2016 has BC above GAIL. Here BC has "
            "{gail | bc | Reacher 4, learned | return | interval} and GAIL "
            "{gail | gail | Reacher 4, learned | return | interval}.",
        ),
        Statement(
            GAIL, "claim",
            "GAIL needs more steps in the environment.",
            figures=(("gail", "curves"),),
            remark="Not judged: BC takes none, so there is nothing to compare. GAIL took "
            "{gail | gail | Hopper 4, learned | env_steps} in the shipped cells.",
        ),
        Statement(
            GAIL, "question",
            "Can BC or GAIL outperform the expert?",
            remark="Not judged. On Hopper, where the expert has 3,562, BC has "
            "{gail | bc | Hopper 11, learned | return} with 11 trajectories and GAIL "
            "{gail | gail | Hopper 11, learned | return}.",
        ),
        Statement(
            "Combining imitation and task rewards", "equation",
            "`r = lambda r_GAIL + (1 - lambda) r_task`, with `r_GAIL = -log(1 - D)`.",
            claims=claims(
                "mix",
                "A mixture of both rewards has a higher success rate than the task's reward",
            ),
            code=("imitbench/algos/common/reward_model.py",),
            tests=(f"{ADVERSARIAL}/test_gail.py::test_rewards_are_mixed_by_their_shares",
                   f"{ADVERSARIAL}/test_dac.py::test_the_tasks_reward_has_the_rest"),
            remark="In the suite `mix` the discriminator's reward is the logit of D, without a "
            "bound, and the learner is DDPG with hindsight goals, so that half of each is another "
            "balance than the authors'. `pixels` has `-log(1 - D)` and PPO.",
        ),
        Statement(
            ZHU, "algorithm",
            "Demonstrations are videos without rewards; imitation reward and task reward are "
            "combined.",
            code=("imitbench/suites/pixels.py", "imitbench/algos/adversarial/gail.py"),
            remark="Demonstrations here are recorded states. Their rewards are not used.",
        ),
        Statement(
            ZHU, "algorithm",
            "Begin episodes at demonstrated states, which takes a simulator whose state can be "
            "set.",
            claims=claims(
                "mix",
                "A mixture of both rewards has a higher success rate with resets than without",
                "The task's reward has a higher success rate with resets than without",
            )
            + claims("pixels", "Resets to demonstrated states give a higher return than none"),
            tests=("tests/algos/rl/test_resets.py::test_a_share_of_the_episodes_begins_there",),
            remark="The slides only list it; the claims ask whether it helps. In `pixels` it is "
            "judged on FetchPush, in the full profile: on FetchReach the goal is a few steps "
            "away. Steps at the goal are not begun from.",
        ),
        Statement(
            ZHU, "algorithm",
            "The value sees the state, in training alone; the policy sees pixels.",
            code=("imitbench/algos/common/image_policy.py",),
            tests=(f"{IMAGE_TESTS}::"
                   "test_policies_never_see_the_state_and_values_see_what_the_setting_says",
                   f"{IMAGE_TESTS}::"
                   "test_gail_runs_on_images_with_resets_and_acts_without_the_state"),
        ),
        Statement(
            ZHU, "algorithm",
            "The discriminator sees the state of the scene alone.",
            code=("imitbench/algos/adversarial/state_view.py",),
            tests=(f"{IMAGE_TESTS}::test_a_masked_discriminator_sees_the_object_alone",),
        ),
        Statement(
            ZHU, "algorithm",
            "The policy's image network also learns to predict where objects are, by the squared "
            "error; other tasks of perception would do as well.",
            code=("imitbench/algos/common/image_policy.py",),
            tests=(f"{IMAGE_TESTS}::test_the_auxiliary_error_by_hand",
                   f"{IMAGE_TESTS}::test_the_loss_adds_the_weighted_auxiliary_error"),
            remark="Positions are the only auxiliary task here.",
        ),
        Statement(
            ZHU, "algorithm",
            "Randomised domains carry the policy from the simulator to the robot.",
            remark="Not tested: nothing here goes to a real robot.",
        ),
        Statement(
            ZHU, "figure",
            "(a) Ablation of the model's components.",
            code=("imitbench/envs/pixels.py", "imitbench/suites/pixels.py"),
            figures=(("pixels", "curves"),),
            remark="The six statements below are the slide's. In the cpu profile `pixels` has the "
            "rows of the first two, on FetchReach alone, where the discriminator sees the gripper. "
            "FetchPush, where it sees the object without the arm, and the other rows are in the "
            "full profile. The claims of `mix` are in the cpu profile.",
        ),
        Statement(
            ZHU, "figure",
            "(b) Sensitivity to `lambda`.",
            code=("imitbench/suites/mix.py",),
            figures=(("mix", "curves"),),
            remark="No claim compares two mixtures. The cpu profile has 0, 0.5 and 1, the full one "
            "0.1 and 0.9 too.",
        ),
        Statement(
            ZHU, "claim",
            "A value function learns slowly from pixels.",
            claims=claims(
                "pixels",
                "A value that sees the state gives a higher return than one that sees images",
            ),
            remark="The claim is about the return after the same number of steps.",
        ),
        Statement(
            ZHU, "claim",
            "Learning is slow without GAIL's reward, where demonstrations are only states to begin "
            "episodes in.",
            claims=claims(
                "pixels",
                "A mixture of both rewards gives a higher return than the task's reward",
            )
            + claims(
                "mix",
                "With resets, a mixture of both rewards has a higher success rate than the task's "
                "reward",
            ),
            remark="The claims are about the same number of steps.",
        ),
        Statement(
            ZHU, "claim",
            "Imitation alone, without the task's reward, seems not to work. Why?",
            claims=claims(
                "mix",
                "With resets, a mixture of both rewards has a higher success rate than the "
                "discriminator's reward",
            )
            + claims(
                "pixels",
                "A mixture of both rewards gives a higher return than the discriminator's",
            ),
            remark="The claims ask for the order. Why it fails is not tested.",
        ),
        Statement(
            ZHU, "claim",
            "A policy without a recurrent network is no problem: such networks are no great way to "
            "combine what single frames show.",
            code=("imitbench/algos/common/image_policy.py",),
            remark="Not tested: policies that learn from rewards see one frame here.",
        ),
        Statement(
            ZHU, "claim",
            "To leave out the auxiliary task is no big problem.",
            claims=claims(
                "pixels",
                "Without the auxiliary task the return is the same, up to a tenth",
            ),
        ),
        Statement(
            ZHU, "claim",
            "A discriminator that sees the arm creates problems.",
            claims=claims(
                "pixels",
                "A discriminator that does not see the arm gives a higher return than one that "
                "does",
            ),
        ),
    ),
)  # fmt: skip
