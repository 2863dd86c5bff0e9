"""Learning from demonstrations and task rewards, off-policy RL, adversarial imitation."""

from docs._generate.book.schema import Document, Statement, claims

ADVERSARIAL = "tests/algos/adversarial"
OFFLINE = "tests/algos/offline/test_offline.py"
DISCRIMINATOR = "imitbench/algos/adversarial/discriminator_losses.py"

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
            "A policy that imitates cannot surpass the expert.",
            remark="Every table has the expert's score beside the rows; no claim is about "
            "surpassing it.",
        ),
        Statement(
            "Learning from task rewards", "algorithm",
            "Put demonstrations into the replay buffer of a model-free learner.",
            claims=claims(
                "vins_rl",
                "VINS+RL has a higher success rate than DDPG with demonstrations (Nair et al. "
                "2018)",
            ),
            code=("imitbench/algos/rl/ddpg_demos.py",),
            tests=("tests/algos/rl/test_hindsight.py::test_demonstrated_steps_follow_the_own_ones",
                   "tests/algos/rl/test_sac_td3.py::"
                   "test_demonstrations_draw_the_policy_where_the_critic_prefers_them"),
            remark="`nair` in the suite `vins_rl` is this algorithm.",
        ),
        Statement(
            "Learning from task rewards", "algorithm",
            "Pretrain policy and value on demonstrations, then go on with own steps.",
            code=("imitbench/algos/model_based/vins_rl.py",),
            remark="VINS+RL does it; its verdicts are on the page about VINS.",
        ),
        Statement(
            "Batch RL", "claim",
            "Off-policy learners fail when they are truly off-policy: from the data of another "
            "agent DDPG learns less than that agent, even if both see the same data.",
            claims=claims(
                "bcq",
                "Off-policy DDPG has a lower return than the agent that made its data (ddpg-0.5)",
                "Off-policy DDPG has a lower return than the agent that made its data (ddpg-0.1)",
            ),
            remark="The three data sets are those of the slides: the final buffer of a noisy "
            "agent, an agent that learns beside the other one, and an expert's demonstrations.",
        ),
        Statement(
            "Batch RL", "figure",
            "The estimated action values are higher than the true ones.",
            claims=claims(
                "bcq", "Off-policy DDPG's value estimate is higher than its discounted return"
            ),
        ),
        Statement(
            "Extrapolation Error", "equation",
            "`Q(s, a) <- r + gamma Q(s', a')` is wrong where `(s', a')` is not in the data.",
            code=("imitbench/algos/common/bellman.py", "imitbench/algos/offline/offline_ddpg.py"),
        ),
        Statement(
            "Solution: Batch constrained RL", "equation",
            "BCQ takes the best of n actions of a generative model of the data, each moved by a "
            "bounded perturbation.",
            claims=claims(
                "bcq",
                "BCQ's return is not below that of the agent that made its data (ddpg-0.5) by more "
                "than a tenth of the agent's",
                "BCQ's return is not below that of the agent that made its data (ddpg-0.1) by more "
                "than a tenth of the agent's",
                "BCQ's value estimate is not above its discounted return by more than a tenth of "
                "it",
                "On imperfect demonstrations BCQ has a higher return than BC",
            ),
            code=("imitbench/algos/offline/bcq.py",),
            tests=(f"{OFFLINE}::test_bcq_acts_by_the_first_critics_best_proposal",),
        ),
        Statement(
            "Conditional VAE", "equation",
            "The generative model is a conditional variational autoencoder: reconstruction plus "
            "the divergence of the latent from its prior.",
            code=("imitbench/algos/offline/bcq_losses.py",),
            tests=(f"{OFFLINE}::test_bcq_vae_loss",),
        ),
        Statement(
            "Algorithm 1 BCQ", "algorithm",
            "Targets weigh the lesser of two critics by `lambda`; the perturbation climbs the "
            "first critic; targets follow slowly.",
            code=("imitbench/algos/offline/bcq_losses.py",),
            tests=(f"{OFFLINE}::test_bcq_target_is_the_best_of_the_proposals",
                   f"{OFFLINE}::test_bcq_perturbation_climbs_the_first_critic_within_its_bound",
                   "tests/algos/reference/test_d3rlpy.py::test_bcq_learns_as_d3rlpy"),
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
            "Generative adversarial networks", "equation",
            "The best discriminator is `p_data / (p_data + p_G)`, and then the objective is twice "
            "the Jensen-Shannon divergence minus log 4, least where `p_G = p_data`.",
            code=(DISCRIMINATOR,),
            tests=(f"{ADVERSARIAL}/test_discriminator.py::"
                   "test_the_best_discriminator_is_p_over_p_plus_q",
                   f"{ADVERSARIAL}/test_discriminator.py::test_divergences_are_estimated"),
        ),
        Statement(
            "Generative Adversarial Imitation learning", "algorithm",
            "GAIL alternates gradient steps of a discriminator of state-action pairs with a policy "
            "gradient on the discriminator's reward.",
            code=("imitbench/algos/adversarial/gail.py", DISCRIMINATOR),
            tests=(f"{ADVERSARIAL}/test_discriminator.py::test_rewards_and_their_signs",
                   f"{ADVERSARIAL}/test_gail.py::"
                   "test_ppo_gets_the_rewards_of_the_discriminator",
                   "tests/algos/reference/test_imitation.py::"
                   "test_the_discriminator_learns_as_imitations"),
            remark="On the slides D is high for the agent, and the policy minimises its logarithm. "
            "Here D is high for the expert.",
        ),
        Statement(
            "Generative Adversarial Imitation learning", "claim",
            "GAIL performs better than BC, but needs many environment steps.",
            claims=claims(
                "gail",
                "GAIL has a higher return than BC with 1 trajectory",
                "GAIL has a higher return than BC with 4 trajectories",
                "GAIL has a higher return than BC with 11 trajectories",
                "BC has a higher return with 11 trajectories than with 4",
                "GAIL's return with 4 trajectories is not below its return with 11 by more than a "
                "tenth",
                "On Reacher BC has a higher return than GAIL with 4 trajectories",
            ),
            figures=(("gail", "budget"), ("gail", "curves")),
            remark="On Reacher the order is the other way round, as in the paper's table 3.",
        ),
        Statement(
            "Combining imitation and task rewards", "equation",
            "`r = lambda r_GAIL + (1 - lambda) r_task`, with `r_GAIL = -log(1 - D)`.",
            claims=claims(
                "mix",
                "A mixture of both rewards has a higher success rate than the task's reward",
                "A mixture of both rewards has a higher success rate than the discriminator's "
                "reward",
            ),
            code=("imitbench/algos/common/reward_model.py",),
            tests=(f"{ADVERSARIAL}/test_gail.py::test_rewards_are_mixed_by_their_shares",
                   f"{ADVERSARIAL}/test_dac.py::test_the_tasks_reward_has_the_rest"),
        ),
        Statement(
            "Reinforcement and Imitation Learning for Diverse Visuomotor Skills", "claim",
            "Episodes that begin in demonstrated states help.",
            claims=claims(
                "mix",
                "A mixture of both rewards has a higher success rate with resets than without",
                "The task's reward has a higher success rate with resets than without",
                "With resets, a mixture of both rewards has a higher success rate than the task's "
                "reward",
            ),
            tests=("tests/algos/rl/test_resets.py::test_a_share_of_the_episodes_begins_there",),
        ),
        Statement(
            "Reinforcement and Imitation Learning for Diverse Visuomotor Skills", "claim",
            "Without the task's reward, imitation alone does not work.",
            claims=claims(
                "mix",
                "With resets, a mixture of both rewards has a higher success rate than the "
                "discriminator's reward",
            ),
        ),
        Statement(
            "Reinforcement and Imitation Learning for Diverse Visuomotor Skills", "figure",
            "Ablation from pixels: a value of pixels is slow; without GAIL's reward it is slow; "
            "without the task's reward it fails; no auxiliary task is no big problem; a "
            "discriminator that sees the arm creates problems.",
            claims=claims(
                "pixels",
                "A value that sees the state gives a higher return than one that sees images",
                "A mixture of both rewards gives a higher return than the task's reward",
                "A mixture of both rewards gives a higher return than the discriminator's",
                "Resets to demonstrated states give a higher return than none",
                "Without the auxiliary task the return is the same, up to a tenth",
                "A discriminator that does not see the arm gives a higher return than one that "
                "does",
            ),
            code=("imitbench/envs/pixels.py",),
            remark="Recurrent policies and randomised domains are not among the rows: nothing here "
            "goes to a real robot.",
        ),
    ),
)  # fmt: skip
