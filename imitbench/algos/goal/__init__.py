"""Methods that take goals from what was reached."""
