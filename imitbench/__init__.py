"""imitbench: imitation-learning methods compared honestly and fast, in JAX and MuJoCo."""

__version__ = "0.1.0"
