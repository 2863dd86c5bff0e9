"""Supervised imitation: BC, DAgger, DART."""
