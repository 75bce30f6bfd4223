"""Words for a gap: found by what stands before it, ordered by both sides."""
