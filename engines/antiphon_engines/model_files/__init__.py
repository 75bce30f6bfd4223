"""Files of models on this machine: fetched, put together, verified."""
