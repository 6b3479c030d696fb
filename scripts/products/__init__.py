"""Gradients and Gauss-Newton products of trained networks beside JAX and PyTorch."""
