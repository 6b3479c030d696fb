"""Numba kernels on bare arrays: no classes, no files; one concept a file."""
