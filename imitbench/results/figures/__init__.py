"""Figures of finished cells: learning curves, scores, value estimates, performance profiles."""
