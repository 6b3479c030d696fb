"""h5py, imported with the plugin loader of HDF5 switched off.

A file can name a filter that HDF5 then looks for as a shared library and loads. HDF5 reads
``HDF5_PLUGIN_PRELOAD`` once, at the first use of its plugin interface (not at its import), and
"::" forbids every plugin for the rest of the process; the variable is put back afterwards, so
that child processes see what the user had set. If the process has used the plugin interface
before this module is imported, the switch comes too late and nothing can be done; the reader
still opens no dataset whose filters it does not know.

Filters that a program registers by itself (H5Zregister) are not affected.
"""

from __future__ import annotations

import os

_VARIABLE = "HDF5_PLUGIN_PRELOAD"
_before = os.environ.get(_VARIABLE)
os.environ[_VARIABLE] = "::"
try:
    import h5py
    from h5py import h5a, h5d, h5f, h5g, h5o, h5s, h5t, h5z

    h5py.h5pl.size()  # makes HDF5 read the variable now
finally:
    if _before is None:
        del os.environ[_VARIABLE]
    else:
        os.environ[_VARIABLE] = _before

__all__ = ["h5a", "h5d", "h5f", "h5g", "h5o", "h5py", "h5s", "h5t", "h5z"]
