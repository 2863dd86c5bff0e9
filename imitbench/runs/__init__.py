"""Running cells: planning, executing, tuning, training experts."""
