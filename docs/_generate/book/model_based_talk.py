"""Model-based Algorithms for Reinforcement Learning and Imitation Learning."""

from docs._generate.book.schema import Document, Statement, claims

DYNAMICS = "imitbench/algos/model_based/dynamics.py"
SLBO = "imitbench/algos/model_based/slbo"
TESTS = "tests/algos/model_based"
MODEL_TESTS = f"{TESTS}/slbo/test_model.py"

DOCUMENT = Document(
    "model_based_talk",
    "Model-based Algorithms for Reinforcement Learning and Imitation Learning with Theoretical "
    "Analyses. Slides of Tengyu Ma, 2019.",
    "Models for fewer samples: a bound on the error of predicted returns and an algorithm from it "
    "(SLBO, arXiv:1807.03858), a sequence of tasks with one model (arXiv:1907.04964), and VINS.",
    (
        Statement(
            "Model-Based Reinforcement Learning", "algorithm",
            "Repeat: collect steps with the policy, fit a model by the squared error of the next "
            "state, find a good policy in the model.",
            claims=claims(
                "model_based",
                "Model and policy that learn in turns have a higher return than a policy that "
                "learns when the model has been fitted (MB-TRPO)",
            ),
            code=(f"{SLBO}/stages.py",),
            remark="`mb-trpo` in the suite is this algorithm.",
        ),
        Statement(
            "The Same Prediction Loss Could Mean Very Differently", "claim",
            "Errors of a model matter by what they do to the predicted return.",
            claims=claims(
                "model_based",
                "With an error over two steps SLBO has a higher return than over one",
            ),
        ),
        Statement(
            "Our Idea", "equation",
            "`|V(pi, M) - V(pi, M*)| <= D(M, pi)`: the loss of a model bounds the error of its "
            "returns.",
            remark="The bound holds for value functions with a Lipschitz constant, which no run "
            "measures.",
        ),
        Statement(
            "Meta-Algorithm for Model-Based RL with Convergence Guarantees", "claim",
            "If the model class holds the true dynamics and the inner problem is solved, real "
            "returns never fall from one stage to the next.",
            remark="A theorem about an inner problem that no program solves; the learning curves "
            "of SLBO are beside it.",
        ),
        Statement(
            "Optimizable Upper Bounds of Ideal Loss (Cont'd)", "equation",
            "For Lipschitz values the bound is the norm of the prediction error, not its square; "
            "SLBO descends it.",
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
            "Evaluations on MuJoCo Benchmark Tasks", "figure",
            "SLBO outperforms earlier methods with at most a million samples.",
            claims=claims(
                "model_based",
                "After as many real steps SLBO has a higher return than TRPO, which has no model",
            ),
            remark="Of the earlier methods the suite has TRPO and MB-TRPO, at fewer steps.",
        ),
        Statement(
            "Follow-up: Model-based Multi-task RL", "claim",
            "A model that is shared by a sequence of tasks (speeds and directions of one robot) "
            "needs fewer samples for each.",
            claims=claims(
                "model_based",
                "A policy that was warmed up in a model of earlier speeds, without real steps of "
                "its own speed, has a higher return than a policy trained from nothing has after "
                "10,000",
                "With a model of earlier speeds the return after 10,000 real steps is higher",
                "With a model of earlier speeds the return after 20,000 real steps is higher",
            ),
            code=(f"{SLBO}/sequence.py",),
        ),
        Statement(
            "A Classic Algorithm: Behavioral Cloning", "claim",
            "A clone drifts off the demonstrations, and its errors cascade.",
            claims=claims(
                "dagger",
                "On long tightropes DAgger has a higher return (a lower regret) than BC with as "
                "many expert actions",
            ),
            figures=(("dagger", "compounding"),),
        ),
        Statement(
            "Another Attempt: Learning Value Functions from Demonstrations", "claim",
            "A value function that is fitted to demonstrations extrapolates falsely.",
            claims=claims(
                "vins", "VINS without negative sampling has a lower success rate than BC"
            ),
        ),
        Statement(
            "Theoretical Results", "definition",
            "Conservatively-extrapolated values, and the policy `argmax V(M(s, a))` near the "
            "clone's actions.",
            code=("imitbench/algos/model_based/vins_policy.py",
                  "imitbench/algos/model_based/negative_samples.py"),
            tests=(f"{TESTS}/test_vins.py::"
                   "test_the_value_climbs_to_the_goal_and_falls_off_the_demonstrations",),
            remark="See the page about VINS.",
        ),
        Statement(
            "Experiments", "figure",
            "VINS above BC, and VINS+RL above learners with demonstrations.",
            claims=claims("vins", "VINS has a higher success rate than BC")
            + claims("vins_rl", "VINS+RL has a higher success rate than HER"),
            figures=(("vins", "scores"), ("vins_rl", "curves")),
        ),
        Statement(
            "Summary", "question",
            "How to use optimism, how to tailor algorithms to environments, where else models "
            "help.",
            remark="Open questions of the authors; no suite is about them.",
        ),
    ),
)  # fmt: skip
