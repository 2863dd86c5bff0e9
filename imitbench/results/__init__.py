"""Finished cells: stored, compared, judged by the literature's claims, tabulated and drawn."""
