"""Claims about corrective labels.

The result tables of Ke et al. 2024 are images, so the claims are comparisons and not numbers. Tasks
without goals are judged by the return; Fetch by success at the last step, which does not count an
object that was pushed across its goal. Percentages of a return count from the random policy's.
DisturbedAction keeps no label on FetchPush, and one in 5,000 or fewer on Walker2d, where it is a
clone of fewer gradient steps: no claim about it is judged there.
"""

from __future__ import annotations

from typing import Any, Literal

from imitbench.suites.published.schema import OURS, Claim, Place

KE = "Ke et al. 2024 (arXiv:2310.12972)"
DESHPANDE = "Deshpande et al. 2024 (arXiv:2405.19307), abstract"
SWING = ("Swing", 10, "scripted")
WALLS = ("Swing-walls", 10, "scripted")
HOPPER, WALKER = ("Hopper", 1, "learned"), ("Walker2d", 1, "learned")
PICK, PUSH = ("FetchPickAndPlace", 10, "scripted"), ("FetchPush", 50, "scripted")
BY_RETURN: tuple[Place, ...] = (SWING, WALLS, HOPPER, WALKER)
BY_SUCCESS: tuple[Place, ...] = (PICK, PUSH)
WITHOUT_LABELS = {"ccil-disturbed": (WALKER, PUSH)}
"""The places where a row keeps no labels, or hardly any."""
MORE = {
    SWING: ("Swing", 50, "scripted"),
    WALLS: ("Swing-walls", 50, "scripted"),
    HOPPER: ("Hopper", 4, "learned"),
    WALKER: ("Walker2d", 4, "learned"),
    PICK: ("FetchPickAndPlace", 25, "scripted"),
    PUSH: ("FetchPush", 100, "scripted"),
}
"""The place with more demonstrations of each place with few."""
NOISES = (0.01, 0.03)
SUCCESS = "success rate at the last step"


def _measures(
    row: str,
) -> tuple[tuple[Literal["return", "success_final"], str, tuple[Place, ...]], ...]:
    """The measures of claims about a row, their names, and the places that they are of."""
    return (
        ("return", "return", _with_labels(row, BY_RETURN)),
        ("success_final", SUCCESS, _with_labels(row, BY_SUCCESS)),
    )


def _with_labels(row: str, places: tuple[Place, ...]) -> tuple[Place, ...]:
    return tuple(place for place in places if place not in WITHOUT_LABELS.get(row, ()))


def _both(text: str, better: str, worse: str, source: str, **fields: Any) -> list[Claim]:
    """The claim by return and by success at the last step, each where it is the measure."""
    return [
        Claim(text.format(name), better, worse, source, measure=measure, places=places, **fields)
        for measure, name, places in _measures(better)
    ]


def _shrinks(row: str) -> list[Claim]:
    return [
        Claim(
            f"The lead of {row} over BC in {name} is larger with few demonstrations than with more",
            row,
            "bc",
            DESHPANDE,
            measure=measure,
            shrinks=tuple((place, MORE[place]) for place in places),
        )
        for measure, name, places in _measures(row)
    ]


CLAIMS = (
    *_both("CCIL with BackTrack has a higher {} than BC", "ccil-backtrack", "bc", KE),
    *_both("CCIL with DisturbedAction has a higher {} than BC", "ccil-disturbed", "bc", KE),
    *_both(
        "BC's {} is not below that of noise-BC by more than 5%",
        "bc",
        "noise-bc",
        f"{KE}, whose control it is",
        share=-0.05,
    ),
    Claim(
        "Where the dynamics jump, DisturbedAction has a higher return with the Lipschitz penalty "
        "than without it",
        "ccil-disturbed",
        "ccil-no-lipschitz",
        f"{KE}, the ablation on the pendulum with discontinuities",
        measure="return",
        places=(WALLS, MORE[WALLS]),
    ),
    Claim(
        "CCIL's return with the true dynamics is not below that with the learned model by more "
        "than 5%",
        "ccil-true",
        "ccil-disturbed",
        OURS,
        measure="return",
        share=-0.05,
        effort="as run",
        places=_with_labels("ccil-disturbed", BY_RETURN),
    ),
    Claim(
        f"CCIL's {SUCCESS} with the true dynamics is not below that with the learned model "
        "(BackTrack) by more than 5%",
        "ccil-true",
        "ccil-backtrack",
        OURS,
        measure="success_final",
        share=-0.05,
        effort="as run",
        places=BY_SUCCESS,
    ),
    *_shrinks("ccil-backtrack"),
    *_shrinks("ccil-disturbed"),
    *(
        Claim(
            f"Under noise of {noise:g} standard deviations on the observations, CCIL with "
            f"{name} has a higher return than BC",
            f"{row}, noise {noise:g}",
            f"bc, noise {noise:g}",
            KE,
            measure="return",
            places=(SWING, HOPPER),
        )
        for row, name in (("ccil-backtrack", "BackTrack"), ("ccil-disturbed", "DisturbedAction"))
        for noise in NOISES
    ),
)
