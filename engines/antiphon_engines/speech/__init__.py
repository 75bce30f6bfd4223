"""Speech: lines of dialogue as sound, with the shapes of a mouth. All of it runs in the worker process."""
