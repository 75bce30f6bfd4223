"""The embedded band: notes from a small language model."""
