"""The public face: what `import imitbench` offers. Each name is documented where it is defined."""
