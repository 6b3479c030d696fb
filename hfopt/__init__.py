"""Optimizers for recurrent networks and other problems with curvature products.

The package is reserved for Hessian-free optimization (truncated Newton by conjugate gradients on
Gauss-Newton products, with Tikhonov and structural damping) and first-order methods. This release
holds no optimizer yet: importing it works and gives nothing to call.
"""
