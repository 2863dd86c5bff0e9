"""Small tasks: steps that cost nothing, each for one question."""
