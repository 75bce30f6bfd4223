"""Planted faults and clean prose, and a checker's findings in them."""
