"""Claims about policies that see the past."""

from imitbench.suites.published.schema import OURS, Claim, Place

MANDLEKAR = "Mandlekar et al. 2021 (arXiv:2108.03298), section 5.1 (recurrent policies)"
DE_HAAN = "de Haan et al. 2019 (arXiv:1905.11979), section 5 (MountainCar)"
SPENCER = "Spencer et al. 2021 (arXiv:2102.02872)"
SWAMY = "Swamy et al. 2022 (arXiv:2208.02225; there a target is hidden)"
SWAMY_TARGET = "Swamy et al. 2022 (arXiv:2208.02225), section 5 (HalfCheetah)"
TORNE = "Torne et al. 2025 (arXiv:2505.09561), abstract"

ROBOTS = ("Hopper-no-velocity", "Walker2d-no-velocity", "HalfCheetah-no-velocity")
TARGET: tuple[Place, ...] = (("HalfCheetah-target", 24, "learned"),)
TARGET_START: tuple[Place, ...] = (("HalfCheetah-target", 4, "learned"),)
CAR: Place = ("MountainCar", 6, "scripted")
CAR_START: Place = ("MountainCar", 1, "scripted")
CONFOUNDED: Place = ("MountainCar-confounded", 6, "scripted")
CONFOUNDED_START: Place = ("MountainCar-confounded", 1, "scripted")
FEW: tuple[Place, ...] = tuple((task, 4, "learned") for task in ROBOTS)
MANY: tuple[Place, ...] = tuple((task, 24, "learned") for task in ROBOTS)


def _robots(text: str, better: str, source: str, places: tuple[Place, ...] = MANY) -> Claim:
    return Claim(text, better, "bc", source, measure="return", places=places)


CLAIMS = (
    _robots(
        "Where velocities are hidden, three observations give a higher return than one",
        "bc, stack", OURS,
    ),
    _robots(
        "Where velocities are hidden, three observations and their differences give a higher "
        "return than one observation",
        "bc, differences", OURS,
    ),
    _robots(
        "Where velocities are hidden, a GRU over ten observations gives a higher return than one "
        "observation",
        "bc, gru", MANDLEKAR,
    ),
    _robots(
        "Where velocities are hidden, a transformer over ten observations gives a higher return "
        "than one observation",
        "bc, transformer", OURS, MANY[-1:],
    ),
    *(
        Claim(
            f"On {task} without velocities, BC that sees the previous action has a lower loss on "
            "held-out episodes than BC without it",
            "bc", "bc, actions", SPENCER, measure="metric/val_loss", places=(place,),
        )
        for task, place in zip(("Hopper", "Walker2d", "HalfCheetah"), MANY, strict=True)
    ),
    Claim(
        "Where velocities are hidden, BC that sees the previous action has a lower return than BC "
        "without it",
        "bc", "bc, actions", SPENCER, measure="return", places=MANY,
    ),
    Claim(
        "Where velocities are hidden, DAgger that sees three observations has a higher return than "
        "BC that sees one, with the same number of expert actions",
        "dagger, stack", "bc", SWAMY, measure="return", places=FEW, worse_at=MANY,
    ),
    Claim(
        "Where velocities are hidden, DAgger that sees three observations has a higher return than "
        "BC that sees them, with the same number of expert actions",
        "dagger, stack", "bc, stack", SWAMY, measure="return", places=FEW, worse_at=MANY,
    ),
    Claim(
        "Where velocities are hidden, DAgger that sees three observations has a higher return than "
        "DAgger that sees one",
        "dagger, stack", "dagger", SWAMY, measure="return", places=FEW,
    ),
    Claim(
        "On MountainCar BC without the previous action has a higher return than BC that sees it, "
        "with one demonstration",
        "bc", "bc", DE_HAAN, measure="return", places=(CAR_START,), worse_at=(CONFOUNDED_START,),
    ),
    Claim(
        "On MountainCar with the previous action BC has a lower loss on held-out episodes than BC "
        "without it",
        "bc", "bc", DE_HAAN, measure="metric/val_loss", places=(CAR,), worse_at=(CONFOUNDED,),
    ),
    Claim(
        "On MountainCar with the previous action DAgger has a higher return than BC with the same "
        "number of expert actions",
        "dagger", "bc", DE_HAAN, measure="return", places=(CONFOUNDED_START,),
        worse_at=(CONFOUNDED,),
    ),
    Claim(
        "At a hidden target speed BC with the past has a lower loss on held-out episodes than BC "
        "without it",
        "bc", "bc, stack, actions", SPENCER, measure="metric/val_loss", places=TARGET,
    ),
    Claim(
        "At a hidden target speed BC with the past has a lower return than BC without it",
        "bc", "bc, stack, actions", SWAMY_TARGET, measure="return", places=TARGET,
    ),
    Claim(
        "At a hidden target speed DAgger with the past has a higher return than BC with it and as "
        "many expert actions",
        "dagger, stack, actions", "bc, stack, actions", SWAMY_TARGET, measure="return",
        places=TARGET_START, worse_at=TARGET,
    ),
    Claim(
        "At a hidden target speed DAgger with the past has a higher return than DAgger without it",
        "dagger, stack, actions", "dagger", SWAMY_TARGET, measure="return", places=TARGET_START,
    ),
    Claim(
        "At a hidden target speed, a hidden past in half of the examples gives BC with the past a "
        "higher return",
        "bc, stack, actions, dropout", "bc, stack, actions", OURS, measure="return",
        places=TARGET,
    ),
    Claim(
        "At a hidden target speed, predicting past actions too gives BC with several observations "
        "a higher return",
        "bc, stack, past", "bc, stack", TORNE, measure="return", places=TARGET,
    ),
)  # fmt: skip
