"""What runs a method: the loop, checkpoints, sharding over devices, progress and signals."""
