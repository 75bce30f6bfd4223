"""The shared jam of a room."""
