"""Messages between host and worker process."""
