"""The training loop with its checkpoints, loggers, progress display, sharding and signals."""
