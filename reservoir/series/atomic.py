"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, NoReturn

from reservoir.errors import CreateError
from reservoir.series.formats import descriptor, is_stream

Content = bytes | Callable[[BinaryIO], object]

TEMPORARY_PREFIX = ".reservoir-"
TEMPORARY_SUFFIX = ".tmp"

_NOT_CREATABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR}


def write_atomically(
    path: str | os.PathLike[str],
    data: Content,
    *,
    verify: Callable[[str], object] | None = None,
) -> None:
    """Write a file so that its name shows either the old content or the whole new one.

    The content goes to a temporary file in the same directory, which takes the name after it is
    on the disk. The mode is that of the file that was there (owner and group too, as far as the
    system permits), or else what `open` gives. A symbolic link stays, the file it points to is
    replaced. A pipe, a device or an open descriptor (``/dev/stdout``) is written straight.

    Parameters
    ----------
    path : str or path
        The file.
    data : bytes or callable
        The content, or a function that writes it to a binary file, piece by piece.
    verify : callable, optional
        Is given the name of the temporary file before it takes the place of the old one, and
        raises if its content is not what it should be. Not called for pipes and descriptors.

    Raises
    ------
    CreateError
        The directory is missing or not writable, or the target is a directory or write-protected.
    OSError
        The write failed, for example on a full disk. What was there is unharmed, and no
        temporary file is left. Errors without a file name get `path`.
    """
    name = os.fspath(path)
    with _naming(name):
        number = descriptor(name)
        if number is not None:  # opening it by its name would truncate a file behind it
            sys.stdout.flush()
            with os.fdopen(os.dup(number), "wb") as file:
                _fill(file, data)
        elif is_stream(name):
            with open(name, "wb") as file:
                _fill(file, data)
        else:
            _replace(os.path.realpath(name), name, data, verify)


def check_creatable(path: str | os.PathLike[str]) -> None:
    """Raise what `write_atomically` would raise before it writes; create nothing.

    Raises
    ------
    CreateError
        The directory is missing or not writable, or the target is a directory or write-protected.
    """
    name = os.fspath(path)
    if descriptor(name) is not None or is_stream(name):
        return
    target = os.path.realpath(name)
    directory = os.path.dirname(target)
    if not os.path.exists(directory):
        _refuse(errno.ENOENT, name, "no such directory", directory)
    if not os.path.isdir(directory):
        _refuse(errno.ENOTDIR, name, "not a directory", directory)
    if os.path.isdir(target):
        _refuse(errno.EISDIR, name, "it is a directory", target)
    if not os.access(directory, os.W_OK | os.X_OK):
        _refuse(errno.EACCES, name, "the directory is not writable", directory)
    if os.path.exists(target) and not os.access(target, os.W_OK):
        _refuse(errno.EACCES, name, "the file is write-protected", target)


def _refuse(code: int, name: str, reason: str, culprit: str) -> NoReturn:
    raise CreateError(code, f"cannot create {name}, {reason}", culprit)


def _fill(file: BinaryIO, data: Content) -> None:
    if callable(data):
        data(file)
    else:
        file.write(data)
    file.flush()


def _replace(target: str, name: str, data: Content, verify: Callable[[str], object] | None) -> None:
    check_creatable(name)
    directory = os.path.dirname(target)
    old = os.stat(target) if os.path.exists(target) else None
    temporary = os.path.join(
        directory, f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        opened = os.open(temporary, flags, 0o666)
    except OSError as error:  # refused by more than the mode: a system directory, a network
        if error.errno in _NOT_CREATABLE:
            _refuse(error.errno, name, "the directory takes no files", directory)
        raise
    try:
        with os.fdopen(opened, "wb") as file:
            if old is not None:
                _keep_owner_and_mode(opened, old)
            _fill(file, data)
            os.fsync(opened)
        if verify is not None:
            verify(temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_directory(directory)


def _keep_owner_and_mode(opened: int, old: os.stat_result) -> None:
    new = os.fstat(opened)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(opened, old.st_uid, old.st_gid)
    with contextlib.suppress(OSError):  # file systems without modes
        os.fchmod(opened, stat.S_IMODE(old.st_mode) & 0o777)


def _sync_directory(directory: str) -> None:
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # a directory that may be written and not read
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot
            raise
    finally:
        os.close(opened)


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Give errors of the system that name no file, or the temporary one, the name of the output."""
    try:
        yield
    except CreateError:
        raise
    except OSError as error:
        culprit = os.path.basename(str(error.filename or TEMPORARY_PREFIX))
        if error.errno is None or not culprit.startswith(TEMPORARY_PREFIX):
            raise
        raise OSError(error.errno, error.strerror, name) from error
