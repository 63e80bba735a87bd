"""The parts of `recurra diagnose`: each answers one question about a trained network, or about an equation."""
