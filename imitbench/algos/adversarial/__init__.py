"""Imitation by learned or fixed rewards for expert-like steps: GAIL, AIRL, DAC, SQIL."""
