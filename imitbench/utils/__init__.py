"""Errors, files, checked JSON and the machine. This package knows neither learning nor arrays of
JAX."""
