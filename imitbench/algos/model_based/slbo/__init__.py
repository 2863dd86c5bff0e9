"""SLBO: a model and a policy that learn in turns, and tasks that come one after the other."""
