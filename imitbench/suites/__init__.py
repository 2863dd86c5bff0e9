"""Suites: typed lists of cells to run, and the published claims and numbers about them."""
