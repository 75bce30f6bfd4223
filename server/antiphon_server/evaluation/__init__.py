"""How well a text model does what people ask of it: tasks whose answers a program can check."""
