"""The command line, `imitbench`."""
