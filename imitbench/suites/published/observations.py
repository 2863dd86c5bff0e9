"""Claims about imitation without demonstrated actions, and across bodies.

Claims are on undiscounted returns. The papers show curves and tables of other versions of the
environments, other experts, and more steps, so only comparisons are claimed. Margins are a tenth of
the return of the cell that is compared with, counted from the random policy's.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

OPOLO = "Zhu et al. 2020 (arXiv:2102.13185), experiments with 4 trajectories"
GAIFO = "Torabi et al. 2018 (arXiv:1807.06158), experiments"
SMODICE = (
    "our reading of Ma et al. 2022 (arXiv:2202.02433), section 5, where all methods are offline "
    "and the edited body demonstrates"
)
DEMOS = 4
PLACES: tuple[Place, ...] = tuple((t, DEMOS, "learned") for t in ("Hopper", "HalfCheetah"))
MARGIN = 500.0  # of the short body's returns, which have no expert to be measured by
SHIFTED: tuple[Place, ...] = (("HalfCheetah-short", DEMOS, "learned, in HalfCheetah"),)


def _above(text: str, better: str, worse: str, source: str) -> Claim:
    return Claim(text, better, worse, source, measure="return", places=PLACES)


def _across_bodies(text: str, better: str, worse: str, source: str) -> Claim:
    """A claim with a margin, so that two policies that do nothing cannot decide it."""
    text = f"With demonstrations of another body, {text}, by more than {MARGIN:g}"
    return Claim(text, better, worse, source, MARGIN, measure="return", places=SHIFTED)


CLAIMS = (
    Claim(
        "Without actions DAC (DACfO) has the same return as DAC, up to a tenth",
        "dacfo",
        "dac",
        OPOLO,
        measure="return",
        share=0.1,
        equivalent=True,
        places=PLACES,
    ),
    Claim(
        "Without actions GAIL (GAIfO) has a return that is not below GAIL's by more than a tenth",
        "gaifo",
        "gail",
        GAIFO,
        measure="return",
        share=-0.1,
        places=PLACES,
    ),
    _above(
        "DACfO has a higher return than BCO, whose own steps do not cover what the expert does",
        "dacfo",
        "bco",
        OPOLO,
    ),
    *(
        _above(f"{name}, which sees no actions, has a higher return than BC", label, "bc", OURS)
        for label, name in (("dacfo", "DACfO"), ("gaifo", "GAIfO"))
    ),
    _across_bodies(
        "GAIL has a higher return with next observations (GAIfO) than with actions",
        "gaifo",
        "gail",
        SMODICE,
    ),
    _across_bodies(
        "GAIL has a higher return with observations alone than with actions",
        "gail-state",
        "gail",
        SMODICE,
    ),
    _across_bodies(
        "GAIfO has a higher return than BC, which clones actions of the other body",
        "gaifo",
        "bc",
        OURS,
    ),
)
