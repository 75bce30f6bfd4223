"""Text from servers that stream."""
