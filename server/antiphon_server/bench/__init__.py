"""Benchmarks: `antiphon bench NAME`. Each measures the real thing beside what a user would pick instead."""
