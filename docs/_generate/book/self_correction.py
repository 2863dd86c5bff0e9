"""Learning Self-Correctable Policies and Value Functions from Demonstrations (VINS)."""

from docs._generate.book.schema import Document, Statement, claims

VALUE = "imitbench/algos/model_based/vins_value.py"
POLICY = "imitbench/algos/model_based/vins_policy.py"
NEGATIVES = "imitbench/algos/model_based/negative_samples.py"
DYNAMICS = "imitbench/algos/model_based/dynamics.py"
VINS_RL = "imitbench/algos/model_based/vins_rl.py"
TESTS = "tests/algos/model_based"
ABLATIONS = (
    "VINS without negative sampling has a lower success rate than BC",
    "VINS has a higher success rate with the BC prior than without it, by more than 10 points",
    "VINS's success rate with the true dynamics is not below that with the learned model by more "
    "than 2 points",
    "VINS without the BC prior has a higher success rate with the true dynamics than with the "
    "learned model",
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
            "Main Concern in Imitation Learning", "claim",
            "The states that a clone visits differ from the demonstrated ones, and its errors add "
            "up.",
            claims=claims(
                "dagger",
                "On long tightropes DAgger has a higher return (a lower regret) than BC with as "
                "many expert actions",
            ),
            figures=(("dagger", "compounding"),),
        ),
        Statement(
            "Main Concern in Imitation Learning", "figure",
            "Heat map of a value function that the standard Bellman equation gives: it is not low "
            "where there are no demonstrations.",
            figures=(("vins", "diagnostics"),),
            remark="Ours shows the value of one seed around the demonstrations, with and without "
            "negative sampling; `make pictures-vins` draws it.",
        ),
        Statement(
            "Challenges", "claim",
            "Reinforcement learning with a value function that starts at random destroys a good "
            "first policy.",
            claims=claims(
                "vins_rl",
                "VINS+RL has a higher success rate than VINS from the same demonstrations, without "
                "environment steps",
            ),
            remark="The claim that is judged is the converse: VINS+RL, which starts with a learned "
            "value, ends above its start.",
        ),
        Statement(
            "Conservatively-Extrapolated Value Function", "definition",
            "On demonstrated states V is the expert's value, up to `delta_V`. Elsewhere it is the "
            "value of the nearest demonstrated state minus `lambda` times the distance to it.",
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
            "Main theorem: under assumptions about model, clone and corrections, the policy stays "
            "within `epsilon` of the demonstrated states, and improves its value where the expert "
            "does.",
            figures=(("vins", "diagnostics"),),
            remark="A theorem cannot be reproduced by runs. Its assumptions cannot be checked on "
            "robots either; the study `benchmarks/studies/vins_diagnostics.py` measures distances "
            "to the demonstrations and errors of the model along rollouts.",
        ),
        Statement(
            "Value Iteration with Negative Sampling (VINS)", "equation",
            "The loss is the squared temporal difference on demonstrated steps plus `mu` times the "
            "squared distance of V at a disturbed state from `V(s) - lambda |s - s~|`.",
            code=(VALUE, NEGATIVES),
            tests=(f"{TESTS}/test_vins_value.py::test_td_targets_by_hand",
                   f"{TESTS}/test_vins_value.py::test_value_loss_by_hand"),
        ),
        Statement(
            "Value Iteration with Negative Sampling (VINS)", "algorithm",
            "The dynamics are learned by their prediction error. The policy draws k uniform noises "
            "around the clone's action, or around 0, and takes the one of the highest value.",
            code=(DYNAMICS, POLICY),
            tests=(f"{TESTS}/test_vins.py::test_candidates_are_drawn_around_their_centre_and_clipped",
                   f"{TESTS}/test_vins.py::test_the_best_candidate_around_the_prior_is_taken"),
        ),
        Statement(
            "Value Iteration with Environment Interaction", "algorithm",
            "VINS+RL starts with the value and the model of VINS, collects steps with the policy "
            "around 0, and goes on with temporal differences and the model's loss on "
            "demonstrations and own steps.",
            code=(VINS_RL,),
            tests=(f"{TESTS}/test_vins_rl.py::"
                   "test_rl_continues_vins_without_negatives_and_without_the_prior",),
            remark="Ours keeps demonstrations in every minibatch and bounds the targets by what a "
            "reward of -1 a step can sum to; the page of [`vins_rl`](../methods/vins_rl.md) says "
            "why.",
        ),
        Statement(
            "Experimental Results", "table",
            "Table 1, success rates of VINS and BC: Reach 10 99.3 and 98.6%, Pick 100 75.7 and "
            "66.8%, Pick 200 84.0 and 82.0%, Push 100 44.0 and 37.3%, Push 200 55.2 and 51.3%.",
            claims=claims(
                "vins",
                "VINS has a higher success rate than BC",
                "VINS has a higher success rate at the last step than BC",
                "VINS's lead over BC in success rate is smaller with 200 demonstrations than with "
                "100",
            ),
            figures=(("vins", "scores"),),
            remark="Our experts are scripted and our engine is another version, so only the order "
            "is claimed. The suite has further numbers of demonstrations.",
        ),
        Statement(
            "Experimental Results", "figure",
            "With environment steps, VINS+RL succeeds more often than Nair et al. 2018, HER, DAC "
            "and GAIL after as many steps.",
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
            remark="GAIL is not a row of the suite.",
        ),
        Statement(
            "Ablation Study", "table",
            "Table 2: without the clone, with the true dynamics, and without negative sampling. "
            "Without negative sampling Pick 100 falls from 75.7 to 48.5%, without the clone to "
            "28.5%; the true dynamics give 76.3%.",
            claims=claims("vins", *ABLATIONS),
            figures=(("vins", "scores"),),
        ),
        Statement(
            "Conclusion", "claim",
            "VINS can replace BC and can be combined with it, and its value function is a good "
            "start for faster convergence.",
            remark="It says no more than the tables above; see their verdicts.",
        ),
    ),
)  # fmt: skip
