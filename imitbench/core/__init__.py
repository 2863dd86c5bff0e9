"""The pieces that methods are built from: types, networks, buffers and rollouts."""
