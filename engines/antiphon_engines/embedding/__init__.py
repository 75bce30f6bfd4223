"""Sentences as vectors, for search by meaning: numpy alone, so that a helper process of the gateway may hold it."""
