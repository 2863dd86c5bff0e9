"""What policies see beyond one row of numbers: images, histories, and states in training alone."""
