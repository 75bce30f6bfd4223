"""The parts of the shared document: their shapes, bounds and messages."""
