"""All learners beside each other on three series."""
