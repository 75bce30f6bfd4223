"""One class per backend that computes a network."""
