"""What the program says and returns when it cannot do what was asked.

0 success, 1 runtime error, 2 usage, 65 bad input or checkpoint, 73 an output that cannot be
created, 74 an I/O error, 75 a training run that was asked to end, or has another owner, and wants
to be run again, 130 an interrupt.
"""

from __future__ import annotations

import os
import sys
import traceback

import click
from click.core import ParameterSource

from reservoir.cli.log import log
from reservoir.cli.parameters import variable
from reservoir.errors import ColumnError, CreateError, DataError

RUNTIME, USAGE, BAD_INPUT, CANNOT_CREATE, IO_ERROR, INTERRUPTED = 1, 2, 65, 73, 74, 130


def report(error: BaseException) -> int:
    """Write one line to the log, and the traceback if RESERVOIR_DEBUG is set; return the code."""
    if os.environ.get("RESERVOIR_DEBUG"):
        traceback.print_exception(error)
    code = exit_code(error)
    log.error(message(error), code)
    return code


def exit_code(error: BaseException) -> int:
    """The exit code that an error stands for."""
    match error:
        case click.Abort():
            return INTERRUPTED
        case click.ClickException():
            return error.exit_code
        case ColumnError():  # an option that does not fit the file
            return USAGE
        case DataError():
            return BAD_INPUT
        case CreateError():
            return CANNOT_CREATE
        case OSError():
            return IO_ERROR
    return RUNTIME


def message(error: BaseException) -> str:
    """The error in words, for somebody who does not know the code."""
    match error:
        case click.Abort():
            return "interrupted"
        case click.UsageError(ctx=click.Context() as context):
            source = _source(error, context)
            text = error.format_message().removesuffix(".")
            return f"{text} ({source}{context.command_path} -h shows the usage)"
        case click.ClickException():
            return error.format_message()
        case DataError():
            return str(error)
        case CreateError():
            return f"{error.strerror}: {error.filename}"
        case OSError(strerror=str() as reason, filename=str() as name):
            return f"{name}: {reason}"
        case OSError(strerror=str() as reason):  # of a standard stream
            return reason
        case MemoryError():
            return f"out of memory: {error}" if str(error) else "out of memory"
    return f"{type(error).__name__}: {error} (RESERVOIR_DEBUG=1 shows where)"


def give_up_output() -> None:
    """Write what standard output holds back; if it cannot be written, let it go.

    The interpreter would try again when it ends, and tell that failure in its own words.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _source(error: click.UsageError, context: click.Context) -> str:
    """Where a wrong value comes from, if it is not in sight on the command line."""
    param = error.param if isinstance(error, click.BadParameter) else None
    if param is None or param.name is None:
        return ""
    if context.get_parameter_source(param.name) is not ParameterSource.ENVIRONMENT:
        return ""
    return f"from the variable {variable(context, param)}; "
