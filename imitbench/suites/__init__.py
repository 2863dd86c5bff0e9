"""Suites: what is run, as typed lists of cells, and what the literature says of it."""
