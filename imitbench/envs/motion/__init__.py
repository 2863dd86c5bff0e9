"""Motion imitation: reference clips, bodies that follow them, and the reward for doing so."""
