"""Running cells: planning, execution, search for settings, and training of experts."""
