"""Claims about policies that see images.

Zhu et al. 2018 train for far longer, on other tasks, from colour images with a recurrent policy; so
only the order is claimed. Their ablation compares variants on block stacking: without the
asymmetric value, without the discriminator's reward or without the task's, learning is slower or
fails; without the auxiliary task it is hardly slower; a discriminator that sees the arm fails. The
row without resets to demonstrated states is ours.

Here their order is claimed on FetchPush, whose discriminator sees the object and the goal without
the arm, and on FetchReach, which has no object: there it sees the gripper itself, the variant that
they say creates problems. The tasks are ours. The cpu profile has rows on FetchReach alone.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

ZHU = "Zhu et al. 2018 (arXiv:1802.09564), section 4 (ablation)"
BOTH = f"{ZHU}; both tasks are ours, and on FetchReach the discriminator sees the gripper"
REACH: Place = ("FetchReach-depth64", 30, "scripted")
PUSH: Place = ("FetchPush-depth64", 30, "scripted")
CLONED = ("FetchReach", "FetchPush")


def _clones(seen: str, demos: int) -> tuple[Place, ...]:
    return tuple((task + seen, demos, "scripted") for task in CLONED)


def _ablation(text: str, worse: str) -> Claim:
    return Claim(text, "mix", worse, BOTH, measure="return", places=(REACH, PUSH))


CLAIMS = (
    _ablation("A value that sees the state gives a higher return than one that sees images",
              "symmetric"),
    _ablation("A mixture of both rewards gives a higher return than the task's reward", "task"),
    _ablation("A mixture of both rewards gives a higher return than the discriminator's",
              "imitation"),
    Claim(
        "Resets to demonstrated states give a higher return than none",
        "mix", "no resets", OURS, measure="return", places=(PUSH,),
    ),
    Claim(
        "Without the auxiliary task the return is the same, up to a tenth",
        "mix", "no auxiliary", BOTH, measure="return", places=(REACH, PUSH), share=0.1,
        equivalent=True,
    ),
    Claim(
        "A discriminator that does not see the arm gives a higher return than one that does",
        "mix", "unmasked", f"{ZHU}; the task is ours", measure="return", places=(PUSH,),
    ),
    Claim(
        "From images DAgger has a higher return than BC with the same number of expert actions",
        "dagger", "bc", OURS, measure="return", places=_clones("-depth64", 20),
        worse_at=_clones("-depth64", 120),
    ),
    Claim(
        "With the same number of gradient steps BC reaches more goals from positions than from a "
        "depth image",
        "bc", "bc", OURS, places=_clones("", 120), worse_at=_clones("-depth64", 120),
    ),
)  # fmt: skip
