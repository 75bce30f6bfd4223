"""`antiphon join`: a room in a terminal. Needs the extra `[terminal]` (Textual)."""
