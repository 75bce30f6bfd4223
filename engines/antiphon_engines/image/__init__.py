"""The image engine and its embedded model."""
