"""Kernels and graph captures that replace parts of torch modules."""
