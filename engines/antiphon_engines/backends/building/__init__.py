"""Plans are built here, mostly in child processes."""
