"""Imitation learning: multimodality, compounding errors, frontiers."""

from docs._generate.book.schema import Document, Statement, claims

HEADS = "tests/core/heads"
CLONING = "tests/algos/cloning"
CCIL = "tests/algos/model_based"

DOCUMENT = Document(
    "imitation_lecture",
    "Imitation learning. Lecture of Abhishek Gupta, University of Washington, Reinforcement "
    "Learning, autumn 2024.",
    "Why cloning fails, in fitting (several ways to act) and in acting (errors add up), and what "
    "helps: richer policies, other divergences, corrective labels, hindsight, histories.",
    (
        Statement(
            "Idea 1: Imitation Learning via Supervised Learning", "equation",
            "BC maximises `E log pi(a* | s*)`: squared error for continuous actions, cross-entropy "
            "for choices.",
            code=("imitbench/algos/cloning/bc.py", "imitbench/algos/cloning/supervised.py"),
            tests=(f"{CLONING}/test_bc.py::test_errors_by_hand",
                   f"{CLONING}/test_bc.py::test_mse_by_hand"),
        ),
        Statement(
            "How well does BC do?", "claim",
            "If a clone errs with probability `epsilon` in each demonstrated state, its cost is up "
            "to `O(epsilon H^2)`, quadratic in the horizon.",
            claims=claims(
                "dagger",
                "On long tightropes DAgger has a higher return (a lower regret) than BC with as "
                "many expert actions",
            ),
            figures=(("dagger", "compounding"),),
            code=("benchmarks/studies/compounding_error.py",),
            tests=("tests/benchmarks/test_compounding_error.py::test_a_power_law_is_found",),
            remark="The figure fits the exponent of the regret on tightropes of five lengths. It "
            "is a bound: other tasks are kinder.",
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
        ),
        Statement(
            "Let's take a closer look at the objective", "equation",
            "f-divergences: `D_f(p, q) = E_q f(p / q)`; the forward Kullback-Leibler divergence "
            "covers modes, the reverse one seeks them.",
            code=("imitbench/algos/adversarial/f_divergence.py",),
            tests=("tests/algos/adversarial/test_discriminator.py::test_divergences_are_estimated",
                   "tests/algos/adversarial/test_discriminator.py::test_bounds_by_hand"),
            remark="The divergences are a setting of the discriminator, and rows of the suite "
            "`gail`.",
        ),
        Statement(
            "Using alternative f-divergences: Reverse KL", "equation",
            "The divergence is estimated by samples: `min_theta max_phi E_pi phi(a) - E_expert "
            "f*(phi(a))` (Ke et al., arXiv:1905.12888).",
            code=("imitbench/algos/adversarial/f_divergence.py",
                  "imitbench/algos/adversarial/discriminator_losses.py"),
            tests=("tests/algos/adversarial/test_discriminator.py::test_the_loss_by_hand",),
        ),
        Statement(
            "Using Richer Policy Distribution Classes", "claim",
            "Mixtures of Gaussians, latent variables, autoregressive bins and diffusion represent "
            "several modes.",
            claims=claims(
                "policies",
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
                  "imitbench/core/heads/diffusion.py", "imitbench/core/heads/flow.py",
                  "imitbench/core/heads/kmeans.py"),
            tests=(f"{HEADS}/test_two_points.py::"
                   "test_heads_that_learn_distributions_reproduce_both_points",
                   f"{HEADS}/test_losses.py::test_the_noise_schedule_is_the_formula"),
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
        ),
        Statement(
            "Concrete Instantation: DAgger", "algorithm",
            "Train, run the policy, ask the expert for actions in the visited states, aggregate, "
            "and repeat.",
            claims=claims(
                "dagger",
                "DAgger has a higher return than BC with as many expert actions",
                "DAgger has a higher success rate at the last step than BC with as many expert "
                "actions",
            ),
            figures=(("dagger", "curves"),),
            code=("imitbench/algos/cloning/dagger.py",),
            tests=(f"{CLONING}/test_dagger.py::"
                   "test_the_aggregate_holds_the_demonstrations_and_expert_labels",
                   f"{CLONING}/test_dagger.py::test_rounds_come_first_and_a_closing_fit_after_them"),
        ),
        Statement(
            "Noising the Data Collection Process", "claim",
            "Noise while the expert demonstrates makes it show corrections (DART).",
            claims=claims(
                "dagger",
                "DART has a higher return than BC with as many expert actions",
                "DART has a higher success rate at the last step than BC with as many expert "
                "actions",
            ),
            code=("imitbench/algos/cloning/dart.py",),
            tests=(f"{CLONING}/test_dart.py::test_noise_has_the_covariance_of_the_errors",),
        ),
        Statement(
            "Generating Corrective Labels From True Dynamics", "algorithm",
            "With known dynamics, find actions that lead disturbed states back to the data.",
            claims=claims(
                "labels",
                "CCIL's return with the true dynamics is not below that with the learned model by "
                "more than 5%",
                "CCIL's success rate at the last step with the true dynamics is not below that "
                "with the learned model by more than 5%",
            ),
            code=("imitbench/algos/model_based/ccil_true.py",
                  "imitbench/algos/model_based/steering.py"),
            tests=(f"{CCIL}/test_ccil_true.py::test_labels_lead_back_in_the_physics",),
        ),
        Statement(
            "Generating Corrective Labels with Learned Dynamics", "equation",
            "`min |s*_{t+1} - f(s_t, a_t)|` near the data, where the model's Lipschitz constant is "
            "bounded (CCIL, arXiv:2310.12972).",
            claims=claims(
                "labels",
                "CCIL with BackTrack has a higher return than BC",
                "CCIL with BackTrack has a higher success rate at the last step than BC",
                "CCIL with DisturbedAction has a higher return than BC",
                "CCIL with DisturbedAction has a higher success rate at the last step than BC",
                "BC's return is not below that of noise-BC by more than 5%",
                "Where the dynamics jump, DisturbedAction has a higher return with the Lipschitz "
                "penalty than without it",
            ),
            code=("imitbench/algos/model_based/ccil.py",
                  "imitbench/algos/model_based/corrective_labels.py"),
            tests=(f"{CCIL}/test_corrective_labels.py::"
                   "test_the_bound_holds_for_any_model_of_lipschitz_dynamics",
                   f"{CCIL}/test_ccil.py::test_labels_are_kept_by_their_bound"),
        ),
        Statement(
            "Hindsight relabeling for Imitation Learning", "claim",
            "Data that did not reach their goals are good data for the goals that they did reach; "
            "undirected play gives goal-directed behaviour.",
            claims=claims(
                "goals",
                "On undirected data GCBC reaches goals more often than BC without relabelled goals",
                "On undirected data GCSL reaches goals more often than BC without relabelled goals",
                "On play WGCSL reaches goals more often than without weights",
                "Online GCSL learns FetchReach: it reaches goals more often than random actions",
            ),
            code=("imitbench/algos/common/hindsight.py", "imitbench/algos/goal/gcsl.py"),
            tests=("tests/algos/goal/test_relabelling.py::test_goals_never_reach_across_episodes",),
        ),
        Statement(
            "Dealing with non-Markovian demonstrators", "claim",
            "Demonstrators use the past; stack past observations, or use a recurrent network or a "
            "transformer.",
            claims=claims(
                "history",
                "Where velocities are hidden, three observations give a higher return than one",
                "Where velocities are hidden, three observations and their differences give a "
                "higher return than one observation",
                "Where velocities are hidden, a GRU over ten observations gives a higher return "
                "than one observation",
                "Where velocities are hidden, a transformer over ten observations gives a higher "
                "return than one observation",
            ),
            code=("imitbench/core/encoders.py", "imitbench/algos/cloning/memory/windows.py"),
            tests=(f"{CLONING}/test_memory.py::test_every_encoder_sees_the_past",),
        ),
        Statement(
            "Dealing with non-Markovian demonstrators", "claim",
            "A mixture of Markovian demonstrators may not be Markovian, and people pause.",
            claims=claims(
                "policies",
                "With demonstrations that pause, chunks of 16 succeed more often than single "
                "actions",
                "With demonstrations that pause, ten observations succeed more often than one",
            ),
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
                "as many expert actions",
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
            ),
        ),
        Statement(
            "Frontiers in Imitation Learning", "question",
            "Data without actions, and the shift from one body to another.",
            claims=claims(
                "observations",
                "Without actions DAC (DACfO) has the same return as DAC, up to a tenth",
                "Without actions GAIL (GAIfO) has a return that is not below GAIL's by more than a "
                "tenth",
                "With demonstrations of another body, GAIL has a higher return with observations "
                "alone than with actions",
            ),
            code=("imitbench/algos/cloning/bco.py", "imitbench/envs/bodies.py"),
        ),
        Statement(
            "Frontiers in Imitation Learning", "question",
            "Teleoperation, curation of data, and learning how to retry.",
            remark="No suite is about them: they need people or robots.",
        ),
        Statement(
            "TRI Diffusion Policies", "claim",
            "Diffusion policies manipulate finely.",
            claims=claims(
                "policies",
                "With demonstrations of one side, diffusion succeeds more often than regression "
                "with the same network",
                "With demonstrations of one side, regression in two passes succeeds as often as "
                "flow matching",
                "With demonstrations of one side, plain regression succeeds as often as flow "
                "matching",
            ),
        ),
    ),
)  # fmt: skip
