"""Imitation learning: multimodality, compounding errors, frontiers."""

from docs._generate.book.schema import Document, Statement, claims

HEADS = "tests/core/heads"
CLONING = "tests/algos/cloning"
CCIL = "tests/algos/model_based"
TIGHTROPE = "tests/envs/test_tightrope.py"
PLANS = "tests/experts/test_plans.py"
DISCRIMINATOR = "tests/algos/adversarial/test_discriminator.py"
FRONTIERS = "Frontiers in Imitation Learning"
NO_MARKOV = "Dealing with non-Markovian demonstrators"
PERSPECTIVES = "Perspectives on Imitation"

DOCUMENT = Document(
    "imitation_lecture",
    "Imitation learning. Lecture of Abhishek Gupta, University of Washington, Reinforcement "
    "Learning, autumn 2024.",
    "Why cloning fails, in fitting (several ways to act) and in acting (errors add up), and what "
    "helps: richer policies, other divergences, corrective labels, hindsight, histories.",
    (
        Statement(
            "Framework for RL - Markov Decision Process", "definition",
            "States, initial distribution, actions, rewards, discount and transitions "
            "`p(s_{t+1} | s_t, a_t)` make up a Markov decision process; trajectories are its "
            "states, actions and rewards in turn. Policy and transitions see the present alone.",
            code=("imitbench/core/types.py", "imitbench/envs/base.py"),
            tests=("tests/core/test_rollout.py::"
                   "test_next_obs_is_the_true_successor_also_at_an_end",
                   "tests/core/test_actor.py::test_a_policy_is_an_actor_without_memory"),
        ),
        Statement(
            "Idea 1: Imitation Learning via Supervised Learning", "equation",
            "From demonstrations of optimal behaviour BC maximises `E log pi(a* | s*)`: squared "
            "error for continuous actions, cross-entropy for choices.",
            code=("imitbench/algos/cloning/bc.py", "imitbench/algos/cloning/supervised.py"),
            tests=(f"{CLONING}/test_bc.py::test_errors_by_hand",
                   f"{CLONING}/test_bc.py::test_mse_by_hand"),
        ),
        Statement(
            "So does behavior cloning really work?", "equation",
            "BC maximises the likelihood in the expert's states; what counts is how often the "
            "policy agrees with the expert in its own states, `E_{s ~ rho(pi)} 1(a = a*)`. The two "
            "differ.",
            claims=claims(
                "history",
                "On Hopper without velocities, BC that sees the previous action has a lower loss "
                "on held-out episodes than BC without it",
                "Where velocities are hidden, BC that sees the previous action has a lower return "
                "than BC without it",
            ),
            remark="Together the claims ask for a lower loss with a lower return. In the shipped "
            "cells that is so on Hopper alone, near the floor. On Walker2d and HalfCheetah the "
            "loss is lower, too (its rows stand under \"Why might this be challenging?\"), and the "
            "return is not.",
        ),
        Statement(
            "How well does BC do?", "claim",
            "If a clone errs with probability `epsilon` in each demonstrated state, and falling "
            "off is as bad as it can be, its cost is up to `O(epsilon H^2)`, quadratic in the "
            "horizon.",
            claims=claims(
                "dagger",
                "On long tightropes DAgger has a higher return (a lower regret) than BC with the "
                "same number of expert actions",
            ),
            figures=(("dagger", "compounding"),),
            code=("benchmarks/studies/compounding_error.py", "imitbench/envs/toys/tightrope.py"),
            tests=("tests/benchmarks/test_compounding_error.py::test_a_power_law_is_found",
                   f"{TIGHTROPE}::test_one_mistake_costs_the_whole_way_back"),
            remark="The figure fits the exponent of the regret on tightropes of five lengths. BC "
            "has 1.93 [1.89, 1.97] (theory: 2). DAgger has 1.37 [1.31, 1.43] (theory: 1, so not "
            "reached). The claim says that DAgger is above BC; only the figure is about the "
            "growth.",
        ),
        Statement(
            "Let's try and understand where the problem lies?", "claim",
            "Cloning is hard in theory and in practice.",
            remark="It says no more than the sections that follow; see their verdicts.",
        ),
        Statement(
            "But won't a bigger neural net just solve this?", "claim",
            "The bound needs an error of at most `epsilon` on the training states, and a clone may "
            "underfit and miss that.",
            remark="Not tested by itself: no claim is about losses on training data.",
        ),
        Statement(
            "But won't a bigger neural net just solve this?", "question",
            "A bigger network helps, but something more fundamental remains.",
            claims=claims(
                "policies",
                "With demonstrations of two sides, diffusion succeeds more often than regression",
            ),
            tests=(f"{HEADS}/test_two_points.py::test_regression_averages",),
            remark="No row varies the network: all of `policies` have layers of the same width. In "
            "the test, the network is large enough for both points, and regression still "
            "averages them.",
        ),
        Statement(
            "Distributional Expressivity", "claim",
            "What a policy can express depends on its network and on its family of distributions, "
            "and the richer it is, the harder it is to compute with.",
            code=("imitbench/core/heads/head.py", "benchmarks/perf/heads.py"),
            remark="The tables of `policies` count passes through the network for one action: "
            "6.25 for diffusion, 0.125 for regression. `make perf-heads` measures speeds. No claim "
            "is about the trade-off.",
        ),
        Statement(
            "How does this reflect on imitation learning?", "claim",
            "A Gaussian policy that is fitted by likelihood averages the modes of demonstrations.",
            claims=claims(
                "policies",
                "On Forks a mixture of Gaussians keeps more modes than regression (entropy of the "
                "modes)",
                "On Forks a mixture of Gaussians succeeds more often than regression",
            ),
            tests=(f"{HEADS}/test_two_points.py::test_regression_averages",
                   f"{HEADS}/test_two_points.py::"
                   "test_a_gaussian_covers_both_points_with_its_width"),
            remark="Regression is a Gaussian of fixed width. The row `gaussian` learns its width: "
            "it has a mode entropy of "
            "{policies | gaussian | Forks 96, scripted | mode_entropy | interval} and succeeds in "
            "{policies | gaussian | Forks 96, scripted | success_final | interval}. Its mean "
            "averages, and its width covers. The rows of the claims execute chunks of 8 actions. "
            "With single actions the mixture (`mixture, 1`) succeeds in "
            "{policies | mixture, 1 | Forks 96, scripted | success_final} and has a mode entropy "
            "of {policies | mixture, 1 | Forks 96, scripted | mode_entropy}; regression "
            "(`deterministic, 1`) succeeds in "
            "{policies | deterministic, 1 | Forks 96, scripted | success_final} and has "
            "{policies | deterministic, 1 | Forks 96, scripted | mode_entropy}. So much of the "
            "leads is the chunk and not the averaging.",
        ),
        Statement(
            "Let's take a closer look at the objective", "equation",
            "f-divergences: `D_f(p, q) = E_q f(p / q)`; the forward Kullback-Leibler divergence "
            "(`f(x) = x log x`) covers modes, the reverse one (`f(x) = -log x`) seeks them.",
            code=("imitbench/algos/adversarial/f_divergence.py",),
            tests=(f"{DISCRIMINATOR}::test_divergences_are_estimated",
                   f"{DISCRIMINATOR}::test_bounds_by_hand"),
            remark="The divergences are a setting of the discriminator "
            "(`discriminator.divergence`); the reverse one alone is a row, in the full profile of "
            "`gail`. The "
            "slides compare actions in demonstrated states, which takes no environment; the "
            "discriminator compares steps of the expert with the policy's own.",
        ),
        Statement(
            "Effects of choice of f-divergence on behavior", "claim",
            "BC, which is the forward divergence, can be mended in two ways: by another divergence "
            "or by a richer distribution.",
            remark="Both follow, each with what became of it. No row has both at once.",
        ),
        Statement(
            "Using alternative f-divergences: Reverse KL", "claim",
            "The reverse divergence, `E_pi log(pi / pi_expert)`, helps, because it seeks one mode.",
            tests=(f"{DISCRIMINATOR}::"
                   "test_a_centred_reward_is_0_where_both_densities_are_equal",),
            remark="Not tested. A policy equal to the expert gets -1 a step from the reward of Ke "
            "et al., so ending an episode early pays best; `f-vim-rkl` in the full profile of "
            "`gail` shifts the reward so that such a policy gets 0. Hopper has no modes; rows on "
            "Forks would tell.",
        ),
        Statement(
            "Using alternative f-divergences: Reverse KL", "equation",
            "It needs the expert's likelihood, which is unknown, so it is estimated by samples: "
            "`min_theta max_phi E_pi phi(a) - E_expert f*(phi(a))` (Ke et al., arXiv:1905.12888).",
            code=("imitbench/algos/adversarial/f_divergence.py",
                  "imitbench/algos/adversarial/discriminator_losses.py"),
            tests=(f"{DISCRIMINATOR}::test_bounds_by_hand",
                   f"{DISCRIMINATOR}::test_divergences_are_estimated"),
            remark="Ours is `E_expert v - E_policy f*(v)`, the bound on `D_f(expert, policy)` as "
            "the slides define it. The slides' formula has expert and policy exchanged. Ours also "
            "compares steps, not actions in a given state.",
        ),
        Statement(
            "Using Richer Policy Distribution Classes", "claim",
            "Mixtures of Gaussians, latent variables, autoregressive bins and diffusion represent "
            "several modes.",
            claims=claims(
                "policies",
                "On Forks a latent variable keeps more modes than regression (entropy of the "
                "modes)",
                "On Forks a latent variable succeeds more often than regression",
                "On Forks bins one after the other keep more modes than regression (entropy of "
                "the modes)",
                "On Forks k-means with offsets (BeT) keeps more modes than regression (entropy of "
                "the modes)",
                "On Forks k-means with offsets (BeT) succeeds more often than regression",
                "On Forks diffusion (DDPM) keeps more modes than regression (entropy of the modes)",
                "On Forks diffusion (DDPM) succeeds more often than regression",
                "On Forks flow matching keeps more modes than regression (entropy of the modes)",
                "On Forks flow matching succeeds more often than regression",
                "With demonstrations of two sides, diffusion succeeds more often than regression",
            ),
            code=("imitbench/core/heads/mixture.py", "imitbench/core/heads/latent.py",
                  "imitbench/core/heads/bins.py", "imitbench/core/heads/diffusion.py",
                  "imitbench/core/heads/flow.py", "imitbench/core/heads/kmeans.py"),
            tests=(f"{HEADS}/test_two_points.py::"
                   "test_heads_that_learn_distributions_reproduce_both_points",
                   f"{HEADS}/test_losses.py::test_the_noise_schedule_is_the_formula"),
            remark="All leads on Forks but that of the bins are over regression in chunks of 8 "
            "actions. It has a mode entropy of "
            "{policies | deterministic | Forks 96, scripted | mode_entropy | interval} and "
            "succeeds in "
            "{policies | deterministic | Forks 96, scripted | success_final | interval}. "
            "With single actions (`deterministic, 1`) it has "
            "{policies | deterministic, 1 | Forks 96, scripted | mode_entropy | interval} and "
            "{policies | deterministic, 1 | Forks 96, scripted | success_final | interval}. So "
            "much of these leads is the chunk and not the averaging. The latent variable keeps "
            "more modes, {policies | latent | Forks 96, scripted | mode_entropy | interval}. That "
            "it succeeds more often, in "
            "{policies | latent | Forks 96, scripted | success_final | interval}, is undecided.",
        ),
        Statement(
            "Why does this work?", "equation",
            "Autoregressive bins: `p(a|s) = p(a_0|s) p(a_1|s, a_0) p(a_2|s, a_0, a_1)`.",
            claims=claims(
                "policies",
                "On Forks bins one after the other keep to a mode where independent bins mix them "
                "(success)",
            ),
            code=("imitbench/core/heads/bins.py",),
            tests=(f"{HEADS}/test_losses.py::test_autoregressive_bins_see_the_components_before",
                   f"{HEADS}/test_two_points.py::"
                   "test_independent_bins_mix_the_components_of_both_points"),
            remark="The claim fails. A likely reason: at a fork the demonstrations differ in the "
            "sideways move alone, so that independent bins have nothing to mix, while errors of "
            "bins one after the other may add up. It takes a task whose ways differ in several "
            "components of an action at once, as in the test.",
        ),
        Statement(
            "Can we avoid compounding error in special cases?", "question",
            "A car that was trained by imitation drives (Bojarski et al. 2016). Why did that work?",
            remark="Not tested: no task is a road seen by three cameras. The slides' answer is the "
            "next statement.",
        ),
        Statement(
            "What is the general principle?", "claim",
            "Corrective labels: examples of how to come back to the data.",
            code=("imitbench/algos/cloning/dagger.py", "imitbench/algos/cloning/dart.py",
                  "imitbench/algos/model_based/ccil.py"),
            tests=(f"{CCIL}/test_ccil.py::test_labels_help_a_clone_of_few_demonstrations",),
            remark="DAgger, DART and CCIL each get such labels in another way; their verdicts "
            "follow.",
        ),
        Statement(
            "What might this mean mathematically?", "question",
            "How is this principle written as a formula?",
            remark="The slide has an image without text. The formula of the next statement is "
            "DAgger's.",
        ),
        Statement(
            "Concrete Instantation: DAgger", "equation",
            "Can the data have the policy's own distribution, `p_data(o) = p_policy(o)`? DAgger "
            "changes the data, not the policy.",
            code=("imitbench/algos/cloning/dagger.py",),
            tests=(f"{CLONING}/test_dagger.py::"
                   "test_the_aggregate_holds_the_demonstrations_and_expert_labels",),
            remark="The aggregate also keeps the expert's own states and those of earlier "
            "policies.",
        ),
        Statement(
            "Concrete Instantation: DAgger", "algorithm",
            "Train, run the policy, ask the expert for actions in the visited states, aggregate, "
            "and repeat.",
            claims=claims(
                "dagger",
                "DAgger has a higher return than BC with the same number of expert actions",
                "DAgger has a higher success rate at the last step than BC with the same number of "
                "expert actions",
            ),
            figures=(("dagger", "curves"),),
            code=("imitbench/algos/cloning/dagger.py",),
            tests=(f"{CLONING}/test_dagger.py::"
                   "test_the_aggregate_holds_the_demonstrations_and_expert_labels",
                   f"{CLONING}/test_dagger.py::test_rounds_come_first_and_a_closing_fit_after_them"),
        ),
        Statement(
            "DAgger Example", "figure",
            "A robot that learned by DAgger (Ross et al. 2013).",
            remark="Not tested: it takes a robot and a person who labels.",
        ),
        Statement(
            "What's the problem?", "claim",
            "A person has to label every state that the policy visits.",
            claims=claims(
                "gail",
                "DAgger with 4 trajectories, and the expert's actions on all steps of 20 more, a "
                "hundred times as many, has a higher return than BC with 4",
            ),
            tests=(f"{CLONING}/test_dagger.py::"
                   "test_the_aggregate_holds_the_demonstrations_and_expert_labels",),
            remark="Tables count expert queries; in this claim DAgger has "
            "{gail | dagger | Hopper 4, learned | expert_queries} and BC "
            "{gail | bc | Hopper 4, learned | expert_queries}. The experts are programs, so "
            "that a person's time is not measured.",
        ),
        Statement(
            "How might we fix this?", "question",
            "Corrective labels could be made without asking a person in each state.",
            remark="Noise and models of the dynamics, which follow, are two ways.",
        ),
        Statement(
            "Noising the Data Collection Process", "claim",
            "Noise while the expert demonstrates makes it show corrections (DART).",
            claims=claims(
                "dagger",
                "DART has a higher return than BC with the same number of expert actions",
                "DART has a higher success rate at the last step than BC with the same number of "
                "expert actions",
            ),
            code=("imitbench/algos/cloning/dart.py",),
            tests=(f"{CLONING}/test_dart.py::test_noise_has_the_covariance_of_the_errors",),
        ),
        Statement(
            "Why might this not be enough?", "claim",
            "Some experts cannot do the task under noise.",
            remark="Not tested: no row measures an expert under DART's noise. That takes an expert "
            "that fails under it, such as a scripted law that ignores disturbances.",
        ),
        Statement(
            "Can we avoid expensive online data collection/labeling?", "question",
            "Corrective labels should come without a person in the loop and without new steps.",
            code=("imitbench/algos/model_based/ccil.py",),
            remark="CCIL, in the suite `labels`, asks nobody and takes no step.",
        ),
        Statement(
            "Generating Corrective Labels From True Dynamics", "algorithm",
            "With known dynamics, find actions that lead disturbed states back to the data. That "
            "is easy, but dynamics are seldom known.",
            claims=claims(
                "labels",
                "CCIL's return with the true dynamics is not below that with the learned model by "
                "more than 5%",
                "CCIL's success rate at the last step with the true dynamics is not below that "
                "with the learned model (BackTrack) by more than 5%",
            ),
            code=("imitbench/algos/model_based/ccil_true.py",
                  "imitbench/algos/model_based/steering.py"),
            tests=(f"{CCIL}/test_ccil_true.py::test_labels_lead_back_in_the_physics",),
            remark="The claims compare true and learned dynamics. No claim compares the true ones "
            "with BC, which has as many gradient steps. With the true dynamics CCIL is at the goal "
            "at the last step of {labels | ccil-true | FetchPush 50, scripted | success_final} of "
            "the episodes on FetchPush 50, and BC of "
            "{labels | bc | FetchPush 50, scripted | success_final}; on FetchPickAndPlace 10 of "
            "{labels | ccil-true | FetchPickAndPlace 10, scripted | success_final} and "
            "{labels | bc | FetchPickAndPlace 10, scripted | success_final}. On Hopper 1 its mean "
            "return is the lower one: {labels | ccil-true | Hopper 1, learned | return | interval} "
            "beside {labels | bc | Hopper 1, learned | return | interval}.",
        ),
        Statement(
            "Generating Corrective Labels with Learned Dynamics", "equation",
            "Fit a model `f` to the next states, and find `s_t` and `a_t` with the least "
            "`|s*_{t+1} - f(s_t, a_t)|`, at most `epsilon`, where `|s* - s| <= e_1` and `|a* - a| "
            "<= e_2`: near the data a model with a bounded Lipschitz constant can be trusted "
            "(CCIL, arXiv:2310.12972).",
            claims=claims(
                "labels",
                "Where the dynamics jump, DisturbedAction has a higher return with the Lipschitz "
                "penalty than without it",
            ),
            code=("imitbench/algos/model_based/ccil.py",
                  "imitbench/algos/model_based/corrective_labels.py"),
            tests=(f"{CCIL}/test_corrective_labels.py::"
                   "test_the_bound_holds_for_any_model_of_lipschitz_dynamics",
                   f"{CCIL}/test_corrective_labels.py::test_loss_by_hand",
                   f"{CCIL}/test_ccil.py::test_labels_are_kept_by_their_bound"),
            remark="Ours takes the closed forms of the authors' code (BackTrack and "
            "DisturbedAction) and keeps labels by the bound on their error. The slack variables "
            "for jumps of the dynamics are left out.",
        ),
        Statement(
            "How well does generating corrective labels work?", "figure",
            "Policies with and without corrective labels, side by side.",
            claims=claims(
                "labels",
                "CCIL with BackTrack has a higher return than BC",
                "CCIL with BackTrack has a higher success rate at the last step than BC",
                "CCIL with DisturbedAction has a higher return than BC",
                "CCIL with DisturbedAction has a higher success rate at the last step than BC",
                "BC's return is not below that of noise-BC by more than 5%",
                "BC's success rate at the last step is not below that of noise-BC by more than 5%",
            ),
            remark="The slides' results are images and videos without numbers. At no place is "
            "CCIL, whose model is learned, above BC beyond doubt. On Swing-walls it is below BC "
            "with BackTrack. "
            "DisturbedAction keeps no label on FetchPush, and hardly any on Walker2d, so no claim "
            "about it is judged there. "
            "`noise-bc` is the control, whose labels do not lead back: noise is added to the "
            "observations, and the label is the demonstrated action, unchanged.",
        ),
        Statement(
            FRONTIERS, "question",
            "Demonstrators that are not Markovian, with a humanoid's transformer as the picture.",
            remark="A section of its own follows.",
        ),
        Statement(
            FRONTIERS, "question",
            "How far a policy generalises.",
            remark="Not tested: evaluations begin in fresh states of the same task. `labels` also "
            "has noise on observations; no suite changes objects or scenes.",
        ),
        Statement(
            FRONTIERS, "question",
            "Data without actions.",
            claims=claims(
                "observations",
                "Without actions DAC (DACfO) has the same return as DAC, up to a tenth",
                "Without actions GAIL (GAIfO) has a return that is not below GAIL's by more than a "
                "tenth",
            ),
            code=("imitbench/algos/cloning/bco.py",),
            remark="All rows are undecided.",
        ),
        Statement(
            FRONTIERS, "question",
            "Which data to keep, and how good they are.",
            claims=claims(
                "offline", "On mixed data BC on the best two fifths has a higher return than BC"
            ),
            code=("imitbench/data/recordings/inspection.py",),
            tests=("tests/data/test_inspection.py::test_each_trap_is_found_alone",),
            remark="The claim picks episodes by their returns; data without rewards have none.",
        ),
        Statement(
            FRONTIERS, "question",
            "Interfaces for teleoperation.",
            remark="No suite is about them: they need people and robots.",
        ),
        Statement(
            FRONTIERS, "question",
            "The shift from one body to another.",
            claims=claims(
                "observations",
                "With demonstrations of another body, GAIL has a higher return with observations "
                "alone than with actions, by more than 500",
                "With demonstrations of another body, GAIfO has a higher return than BC, which "
                "clones actions of the other body, by more than 500",
            ),
            code=("imitbench/envs/bodies.py",),
            remark="That observations alone are better than actions is undecided. With them GAIL "
            "(`gail-state`) has a return of "
            "{observations | gail-state | HalfCheetah-short 4, learned, in HalfCheetah | return}, "
            "and with actions a higher one, "
            "{observations | gail | HalfCheetah-short 4, learned, in HalfCheetah | return}.",
        ),
        Statement(
            FRONTIERS, "question",
            "Learning how to retry and improve.",
            remark="Not tested: no suite is about retrying.",
        ),
        Statement(
            "Accounting for Suboptimal Data", "question",
            "What are episodes good for that did not reach their goal?",
            claims=claims(
                "goals",
                "On undirected data GCBC reaches goals more often than BC without relabelled goals",
                "On undirected data GCSL reaches goals more often than BC without relabelled goals",
            ),
        ),
        Statement(
            "Hindsight relabeling for Imitation Learning", "claim",
            "They show how to reach the states that they did reach: a policy with goals, "
            "`pi(a | s, g)`, learns from them with these states as goals.",
            claims=claims(
                "goals",
                "On undirected data GCBC reaches goals more often than BC without relabelled goals",
                "On undirected data GCSL reaches goals more often than BC without relabelled goals",
                "Online GCSL learns FetchReach: it is at the goal at the end of an episode more "
                "often than random actions are, by more than 50 points",
            ),
            code=("imitbench/algos/common/hindsight.py", "imitbench/algos/goal/gcsl.py"),
            tests=("tests/algos/goal/test_relabelling.py::test_goals_never_reach_across_episodes",
                   "tests/algos/goal/test_goal_data.py::"
                   "test_relabelled_goals_are_learned_from_random_actions_and_others_are_not"),
            remark="The slide is about given data, and so are the first two claims. Online GCSL "
            "collects its own. It is above random actions, but fails the margin: it is at the goal "
            "at the last step of {goals | gcsl | FetchReach 0 | success_final} of the episodes, "
            "random actions of {goals | random | FetchReach 0 | success_final}.",
        ),
        Statement(
            "What does this result in?", "figure",
            "Undirected play gives goal-directed behaviour.",
            claims=claims(
                "goals",
                "On undirected data GCBC reaches goals more often than BC without relabelled goals",
                "On undirected data GCSL reaches goals more often than BC without relabelled goals",
                "On play WGCSL has a higher return than without weights",
            ),
            tests=("tests/envs/test_rooms.py::test_the_wanderer_plays",),
            remark="PointMass-rooms has the play. At the goal at the last step are GCBC in "
            "{goals | gcbc | PointMass-rooms 1000, player, play | success_final} of the episodes, "
            "GCSL in {goals | gcsl-data | PointMass-rooms 1000, player, play | success_final}, "
            "near the floor, and BC without relabelled goals in "
            "{goals | bc | PointMass-rooms 1000, player, play | success_final}. The claim about "
            "WGCSL is about its weights.",
        ),
        Statement(
            NO_MARKOV, "claim",
            "A Markovian demonstrator does the same whenever it sees the same. People often rely "
            "on the past, and a mixture of Markovian people need not be Markovian.",
            claims=claims(
                "policies",
                "With demonstrations that pause, chunks of 16 succeed more often than single "
                "actions",
                "With demonstrations that pause, ten observations succeed more often than one",
            ),
            tests=(f"{PLANS}::test_a_plan_is_kept_for_the_episode_and_differs_between_episodes",
                   f"{PLANS}::test_a_pause_begins_above_the_block_and_ends"),
            remark="The claims test pauses only. The demonstrators of Forks and of two sides draw "
            "a plan for each episode, which makes them such mixtures, but no row with a history "
            "learns from them.",
        ),
        Statement(
            NO_MARKOV, "claim",
            "A policy that sees the past, `pi(a_t | s_t, ..., s_0)`: past frames side by side are "
            "of no fixed number, and take too many weights.",
            claims=claims(
                "history",
                "Where velocities are hidden, three observations give a higher return than one",
                "Where velocities are hidden, three observations and their differences give a "
                "higher return than one observation",
            ),
            code=(
                "imitbench/core/observations/encoders.py",
                "imitbench/algos/cloning/memory/config.py",
            ),
            tests=("tests/core/observations/test_encoders.py::test_stack_joins_the_tokens",),
            remark="A window has a fixed length here, and the test shows that a stack's inputs "
            "grow with it. No row compares numbers of weights; three frames are few enough.",
        ),
        Statement(
            NO_MARKOV, "claim",
            "Or use a recurrent network or a transformer.",
            claims=claims(
                "history",
                "Where velocities are hidden, a GRU over ten observations gives a higher return "
                "than one observation",
                "Where velocities are hidden, a transformer over ten observations gives a higher "
                "return than one observation",
            ),
            code=(
                "imitbench/core/observations/encoders.py",
                "imitbench/algos/cloning/memory/windows.py",
            ),
            tests=(f"{CLONING}/test_memory.py::test_every_encoder_sees_the_past",
                   "tests/core/observations/test_encoders.py::test_gru_equals_a_plain_loop",
                   "tests/core/observations/test_encoders.py::test_transformer_equals_plain_attention"),
        ),
        Statement(
            "Why might this be challenging?", "claim",
            "Policies that see the past leave the data more easily and learn shortcuts.",
            claims=claims(
                "history",
                "On MountainCar BC without the previous action has a higher return than BC that "
                "sees it, with one demonstration",
                "On MountainCar with the previous action BC has a lower loss on held-out episodes "
                "than BC without it",
                "On MountainCar with the previous action DAgger has a higher return than BC with "
                "the same number of expert actions",
                "On Hopper without velocities, BC that sees the previous action has a lower loss "
                "on held-out episodes than BC without it",
                "On Walker2d without velocities, BC that sees the previous action has a lower "
                "loss on held-out episodes than BC without it",
                "On HalfCheetah without velocities, BC that sees the previous action has a lower "
                "loss on held-out episodes than BC without it",
                "Where velocities are hidden, BC that sees the previous action has a lower return "
                "than BC without it",
                "At a hidden target speed BC with the past has a lower loss on held-out episodes "
                "than BC without it",
                "At a hidden target speed BC with the past has a lower return than BC without it",
                "At a hidden target speed DAgger with the past has a higher return than BC with it "
                "and as many expert actions",
                "At a hidden target speed DAgger with the past has a higher return than DAgger "
                "without it",
                "At a hidden target speed, a hidden past in half of the examples gives BC with the "
                "past a higher return",
                "At a hidden target speed, predicting past actions too gives BC with several "
                "observations a higher return",
                "Where velocities are hidden, DAgger that sees three observations has a higher "
                "return than BC that sees them, with the same number of expert actions",
            ),
            remark="With the previous action the loss falls on the three robots. On Hopper the "
            "return falls, too, from "
            "{history | bc | Hopper-no-velocity 24, learned | return | interval} to "
            "{history | bc, actions | Hopper-no-velocity 24, learned | return | interval}, "
            "undecided because both are at the floor. If clones with a memory left the data more "
            "easily, the lead of DAgger, which learns in its own states, would be larger with a "
            "memory than without. Of the robots without velocities it is so on Hopper alone. "
            "Without a memory DAgger has "
            "{history | dagger | Hopper-no-velocity 4, learned | return} and BC with as many "
            "expert actions {history | bc | Hopper-no-velocity 24, learned | return} there; on "
            "Walker2d {history | dagger | Walker2d-no-velocity 4, learned | return} and "
            "{history | bc | Walker2d-no-velocity 24, learned | return}, a lead like that with a "
            "memory; on HalfCheetah "
            "{history | dagger | HalfCheetah-no-velocity 4, learned | return} and "
            "{history | bc | HalfCheetah-no-velocity 24, learned | return}, a larger one. It is "
            "larger at a hidden target speed, too: there DAgger has without a memory "
            "{history | dagger | HalfCheetah-target 4, learned | return}, and BC "
            "{history | bc | HalfCheetah-target 24, learned | return}.",
        ),
        Statement(
            "Some cool imitation videos", "figure",
            "Humanoid robots of 1X and Tesla; fine manipulation by ALOHA and CherryBot.",
            code=("imitbench/algos/cloning/memory/config.py",),
            tests=(f"{CLONING}/test_memory.py::test_chunks_equal_a_plain_loop",
                   f"{CLONING}/test_memory.py::test_averaged_predictions_equal_a_plain_loop"),
            remark="Not tested: that takes these robots. ALOHA's chunks and averaged predictions "
            "are settings of BC.",
        ),
        Statement(
            "TRI Diffusion Policies", "figure",
            "Videos of diffusion policies (TRI).",
            claims=claims(
                "policies",
                "With demonstrations of one side, diffusion succeeds more often than regression "
                "with the same network",
            ),
            remark="The videos are not tested: that takes these robots. The claim is about a "
            "simulated arm.",
        ),
        Statement(
            PERSPECTIVES, "claim",
            "Imitation is easy to use and needs no further infrastructure.",
            remark="Not tested. BC needs neither steps in an environment nor rewards, as its rows "
            "show.",
        ),
        Statement(
            PERSPECTIVES, "claim",
            "It is sometimes surprisingly effective.",
            remark="Not judged. On Hopper the shipped cells of `gail` have a return of "
            "{gail | bc | Hopper 11, learned | return | interval} for BC from 550 steps of 11 "
            "trajectories; the expert has 3,562.",
        ),
        Statement(
            PERSPECTIVES, "claim",
            "Its errors add up, and it struggles with several ways to act.",
            remark="See the verdicts on the horizon, on DAgger and on modes above.",
        ),
        Statement(
            PERSPECTIVES, "claim",
            "It does not really generalise.",
            remark="Not tested: see the frontier about generalisation.",
        ),
        Statement(
            PERSPECTIVES, "claim",
            "It takes many expensive data.",
            claims=claims("gail", "BC has a higher return with 11 trajectories than with 4"),
            figures=(("gail", "budget"),),
            remark="The figure has scores against numbers of demonstrations. What they cost is not "
            "measured.",
        ),
    ),
)  # fmt: skip
