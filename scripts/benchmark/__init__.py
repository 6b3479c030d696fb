"""Comparison with other packages: how fast, how near to the machine's floor, and how equal."""
