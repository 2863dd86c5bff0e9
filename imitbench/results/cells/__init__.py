"""Finished cells: what they hold, their files, and how they are read and sorted."""
