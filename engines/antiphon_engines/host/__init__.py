"""The gateway's side of a worker process."""
