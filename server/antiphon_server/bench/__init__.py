"""Benchmarks: `antiphon bench NAME`. Each measures Antiphon beside its alternatives."""
