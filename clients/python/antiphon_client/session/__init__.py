"""The live connection of a room, its state and its runs."""
