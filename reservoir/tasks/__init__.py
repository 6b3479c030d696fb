"""Benchmark sequences and data sets, one a file."""
