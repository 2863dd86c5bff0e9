"""Inverse reinforcement learning without an adversary: rewards and values without a classifier."""
