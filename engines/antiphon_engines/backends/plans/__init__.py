"""Plans: which backend computes which network, at which sizes."""
