"""Imitation by a discriminator or a fixed reward for demonstrated steps: GAIL, AIRL, DAC, SQIL."""
