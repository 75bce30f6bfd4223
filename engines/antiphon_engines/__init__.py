"""Model engines, the scheduler that steps them, and the worker process that owns the device.

Importing this package, or anything that the gateway uses of it (`api`, `host`, `channel`, `config`), never imports
torch; each engine imports its heavy libraries when it is built.
"""
