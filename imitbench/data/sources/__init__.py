"""Where demonstrations come from: experts of a grade, learners, other cells, clips, a user."""
