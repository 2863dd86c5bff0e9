"""Errors, files, checked JSON and the machine: nothing of arrays or learning."""
