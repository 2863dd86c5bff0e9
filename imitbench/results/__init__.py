"""Finished cells: storing, comparing, judging, tabulating and drawing them."""
