"""Scores a text model in tasks whose answers a program can check."""
