"""Tokens that are guessed, and checked by the model many at a time."""
