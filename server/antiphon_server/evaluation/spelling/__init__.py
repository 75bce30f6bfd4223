"""Planted faults and clean prose, and what a checker makes of them."""
