"""Published claims about motion imitation.

Claims are on undiscounted returns, of which the clip itself gets one for each step. The papers have
other bodies and simulators, and up to a hundred times the environment steps, so only comparisons
are claimed. Of the motions in AWR's table 2 only the trot is in the cpu profile. The spin of the
full profile is another motion than its turn; the dog's canter is in none of the packages with
clips.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

AWR = "Peng et al. 2019 (arXiv:1910.00177), table 2"
DEEPMIMIC = "Peng et al. 2018 (arXiv:1804.02717), ablation on the walk: .980 and .981"
ABLATION = f"{OURS}, whose ablation has the walk, a kick and two flips"
OTHERS = f"{OURS}, where AWR is above RWR on all motions but the trot"
# DeepMimic's code says that a motion takes about 60 million samples; AWR's paper does not say how
# many its table 2 has.
SAMPLES = 60_000_000
TROT, SPIN, WALK, RUN, KICK = (
    (task, 0, "")
    for task in (
        "Quadruped-trot",
        "Quadruped-spin",
        "Walker2d-mocap-walk",
        "Walker2d-mocap-run",
        "Humanoid-mocap-spinkick",
    )
)
DEMOS = 20
FROM_CLIP: tuple[Place, ...] = tuple(
    (task, DEMOS, "reference, clip") for task in ("Walker2d-mocap-walk", "Quadruped-trot")
)


def _at(suffix: str, *places: Place) -> tuple[Place, ...]:
    """The places of an ablation."""
    return tuple((task + suffix, demos, who) for task, demos, who in places)


CLAIMS = (
    Claim(
        "On the trot AWR's return is not below PPO's by more than a tenth",
        "awr", "ppo", AWR, measure="return", share=-0.1, source_steps=SAMPLES, places=(TROT,),
    ),
    Claim(
        "On the spin, in place of a turn, AWR has a higher return than PPO",
        "awr", "ppo", AWR, measure="return", source_steps=SAMPLES, places=(SPIN,),
    ),
    Claim(
        "On the trot RWR has the same return as AWR, up to a tenth",
        "rwr", "awr", AWR, measure="return", share=0.1, equivalent=True, source_steps=SAMPLES,
        places=(TROT,),
    ),
    Claim(
        "AWR has a higher return than RWR on the run of the person",
        "awr", "rwr", OTHERS, measure="return", source_steps=SAMPLES, places=(RUN,),
    ),
    Claim(
        "On the run PPO has a higher return where episodes begin anywhere in the clip than where "
        "all begin at its start",
        "ppo", "ppo", ABLATION, measure="return", places=(RUN,), worse_at=_at("-fixed-start", RUN),
    ),
    Claim(
        "PPO has a higher return where a failure ends the episode than where it goes on for the "
        "rest of 10 s, and earns nothing while it is away from the clip",
        "ppo", "ppo", ABLATION, measure="return", places=(RUN, TROT),
        worse_at=_at("-fh", RUN, TROT),
    ),
    Claim(
        "On the walk PPO has the same return where all episodes begin at the start of the clip, up "
        "to a tenth",
        "ppo", "ppo", DEEPMIMIC, measure="return", share=0.1, equivalent=True, places=(WALK,),
        worse_at=_at("-fixed-start", WALK),
    ),
    Claim(
        "On the spin kick PPO has a higher return where a fall ends the episode than where it goes "
        "on",
        "ppo", "ppo", "Peng et al. 2018 (arXiv:1804.02717), ablation: .848 and .358",
        measure="return", places=(KICK,), worse_at=_at("-fh", KICK),
    ),
    Claim(
        "PPO on the reward has a higher return than GAIL on the clip's states",
        "ppo", "gail", OURS, measure="return",
        places=tuple((task, 0, "") for task, _, _ in FROM_CLIP), worse_at=FROM_CLIP,
    ),
)  # fmt: skip
