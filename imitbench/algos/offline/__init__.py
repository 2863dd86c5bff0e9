"""Learning from fixed data with rewards."""
