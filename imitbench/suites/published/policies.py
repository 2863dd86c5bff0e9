"""Claims about policy heads and chunks of actions.

On Forks a policy has lost modes where the entropy of the modes among its successful episodes is
lower. The entropy counts the variety of the starts, too: a deterministic policy from drawn starts
does not have 0.
"""

from imitbench.suites.published.schema import OURS, Claim, Place

D3IL = "Jia et al. 2024 (arXiv:2402.14606), table 2 (Avoiding)"
CHI = "Chi et al. 2023 (arXiv:2303.04137), sections 3 and 4"
PAN = "Pan et al. 2025 (arXiv:2512.01809), abstract"
ZHAO = "Zhao et al. 2023 (arXiv:2304.13705), section 4.2"
CLOSE = f"{OURS}; Pan et al. 2025 (arXiv:2512.01809) report a small lead of flow matching"

FORKS: Place = ("Forks", 96, "scripted")
ONE_SIDE: Place = ("FetchPickAndPlace", 25, "scripted-one-side")
TWO_SIDES: Place = ("FetchPickAndPlace", 25, "scripted-two-sides")
PAUSED: Place = ("FetchPickAndPlace", 25, "scripted-paused")
GENERATIVE = {
    "mixture": "a mixture of Gaussians", "latent": "a latent variable",
    "kmeans": "k-means with offsets (BeT)", "ddpm": "diffusion (DDPM)", "flow": "flow matching",
}  # fmt: skip
TIE = 0.1  # of the success rate, within which two rows are equal


def _keeps_modes(head: str, name: str) -> tuple[Claim, Claim]:
    """D3IL compares the entropies of diffusion and BeT, and has no such lead in success."""
    source = D3IL if head in ("kmeans", "ddpm") else OURS
    entropy = Claim(
        f"On Forks {name} keeps more modes than regression (entropy of the modes)",
        head, "deterministic", source, margin=0.1, measure="mode_entropy", places=(FORKS,),
    )  # fmt: skip
    success = Claim(
        f"On Forks {name} succeeds more often than regression",
        head, "deterministic", OURS, measure="success_final", places=(FORKS,),
    )  # fmt: skip
    return entropy, success


CLAIMS = (
    Claim(
        "On Forks bins one after the other keep more modes than regression (entropy of the modes)",
        "autoregressive, 1", "deterministic, 1", OURS, margin=0.1, measure="mode_entropy",
        places=(FORKS,),
    ),
    *(claim for item in GENERATIVE.items() for claim in _keeps_modes(*item)),
    Claim(
        "On Forks bins one after the other keep to a mode where independent bins mix them "
        "(success)",
        "autoregressive, 1", "bins, 1", "Shafiullah et al. 2022 (arXiv:2206.11251), section 3",
        measure="success_final", places=(FORKS,),
    ),
    Claim(
        "With demonstrations of one side, diffusion succeeds more often than regression with the "
        "same network",
        "ddim", "deterministic", CHI, measure="success_final", places=(ONE_SIDE,),
    ),
    Claim(
        "With demonstrations of one side, regression in two passes succeeds as often as flow "
        "matching",
        "two-pass", "flow", PAN, margin=TIE, equivalent=True, measure="success_final",
        places=(ONE_SIDE,), effort="as run",
    ),
    Claim(
        "With demonstrations of one side, plain regression succeeds as often as flow matching",
        "deterministic", "flow", CLOSE, margin=TIE, equivalent=True, measure="success_final",
        places=(ONE_SIDE,), effort="as run",
    ),
    Claim(
        "With demonstrations of one side, plain regression succeeds as often as diffusion",
        "deterministic", "ddim", CLOSE, margin=TIE, equivalent=True, measure="success_final",
        places=(ONE_SIDE,), effort="as run",
    ),
    Claim(
        "With demonstrations of two sides, diffusion succeeds more often than regression",
        "ddim", "deterministic", CHI, measure="success_final", places=(TWO_SIDES,),
    ),
    Claim(
        "With demonstrations that pause, chunks of 16 succeed more often than single actions",
        "deterministic, 16", "deterministic, 1", ZHAO, measure="success_final", places=(PAUSED,),
    ),
    Claim(
        "With demonstrations that pause, ten observations succeed more often than one",
        "deterministic, 1, ten observations", "deterministic, 1", OURS, measure="success_final",
        places=(PAUSED,),
    ),
)  # fmt: skip
