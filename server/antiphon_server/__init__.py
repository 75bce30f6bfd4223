"""Antiphon's server: rooms, sockets, the store."""
