"""The voices of a film: who speaks with which, and the lines as sound."""
