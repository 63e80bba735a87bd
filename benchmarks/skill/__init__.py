"""How far forecasts reach: learners with their default settings on known chaotic systems."""
