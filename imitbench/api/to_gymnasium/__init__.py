"""Environments of imitbench for programs that expect Gymnasium's: one at a time, and vectorised."""
