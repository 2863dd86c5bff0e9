"""The reproduction book: what five documents state, and what this repository finds."""
