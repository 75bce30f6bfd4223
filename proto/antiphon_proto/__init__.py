"""The Antiphon wire protocol: typed messages, their codec and a sans-I/O connection state machine.

Nothing here opens a socket or imports a framework. `PROTOCOL.md` beside this package is the specification.
"""
