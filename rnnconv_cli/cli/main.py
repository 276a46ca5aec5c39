"""The `rnnconv` command: the only place that turns an error into a message and an exit status."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from rnnconv_cli import __version__
from rnnconv_cli.cli.baseline import baseline
from rnnconv_cli.cli.bench import bench
from rnnconv_cli.cli.bundle import bundle
from rnnconv_cli.cli.check_bundle import check_bundle
from rnnconv_cli.cli.compare import compare
from rnnconv_cli.cli.completion import answered
from rnnconv_cli.cli.console import complain
from rnnconv_cli.cli.doctor import doctor
from rnnconv_cli.cli.list import list_claims
from rnnconv_cli.cli.new import new
from rnnconv_cli.cli.options import example
from rnnconv_cli.cli.plot import plot
from rnnconv_cli.cli.replay import replay
from rnnconv_cli.cli.report import report
from rnnconv_cli.cli.results import results
from rnnconv_cli.cli.show import show
from rnnconv_cli.cli.signals import disarm, stoppable
from rnnconv_cli.cli.validate import validate
from rnnconv_cli.cli.verify import verify
from rnnconv_cli.errors import (
    EXIT_CLOSED_PIPE,
    EXIT_COULD_NOT_MEASURE,
    EXIT_USAGE,
    Interrupted,
    RnnconvError,
    SpecError,
    Terminated,
    UsageError,
)

UNUSABLE = frozenset({errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR})  # what a name may lead to
UNWRITABLE = frozenset({errno.EBADF, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})  # what a stream may say
COMMANDS: dict[str, click.Command] = {
    "list": list_claims,
    "show": show,
    "verify": verify,
    "validate": validate,
    "new": new,
    "results": results,
    "report": report,
    "replay": replay,
    "plot": plot,
    "compare": compare,
    "baseline": baseline,
    "bundle": bundle,
    "check-bundle": check_bundle,
    "doctor": doctor,
    "bench": bench,
}


@click.group(
    commands=COMMANDS,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
    epilog=example("rnnconv verify perturbation-bound --check first-order-identity"),
)
@click.version_option(__version__, prog_name="rnnconv", message="%(prog)s %(version)s")
def program() -> None:
    """Measure which scalings of "On the Convergence Rate of Training Recurrent Neural Networks"
    (arXiv 1810.12065) hold at sizes that a computer reaches.

    \b
    Exit status:
      0         no verdict contradicts what its claim file expects; an inconclusive contradicts nothing
      2         usage error, an invalid claim file, a budget too small, a trial too large for the memory
      3         a verdict contradicts its expectation
      4         something is inconclusive, and --strict was given
      5         something could not be measured, kept or written
      130, 143  stopped by Ctrl-C, by SIGTERM
      141       the reader of the output has gone
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status. A crash stays a traceback."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    if sys.stdout is None:
        sys.stdout = _refusing()
    with stoppable() as stop:
        try:
            ended = _run(words)
            return ended if stop.number is None else _end(stop.number).exit_status  # a stopped bench shows what it has
        except BaseException as error:
            disarm()
            status = _reported(error if stop.number is None else _end(stop.number))
            if status is None:
                raise
            return status


def _run(words: Sequence[str]) -> int:
    if (status := answered(program)) is not None:
        return status
    try:
        with program.make_context("rnnconv", list(words), obj=("rnnconv", *words)) as context:
            program.invoke(context)
        status = 0
    except click.exceptions.Exit as end:
        status = end.exit_code
    sys.stdout.flush()  # here, where a closed pipe is still served
    return status


def _refusing() -> TextIO:
    """What stands for a stdout that is closed: a stream that takes nothing, as on a full disk."""
    return open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")


def _end(number: int) -> Interrupted:
    """What a signal asks for; any other error of a stopped command only follows from it."""
    return Terminated() if number == signal.SIGTERM else Interrupted()


def _reported(error: BaseException) -> int | None:
    """Say what went wrong and return the exit status; None where it is a crash."""
    match error:
        case click.ClickException():
            error.show(shown := io.StringIO())
            complain(shown.getvalue().rstrip("\n"))
            return error.exit_code
        case Exception() if _follows_from_a_lost_folder(error):
            complain(f"rnnconv: {UsageError('no current folder', 'one that exists', 'cd to another')}")
            return EXIT_USAGE
        case SpecError():
            complain(str(error))  # lines that an editor can follow
            return error.exit_status
        case RnnconvError():
            complain(f"rnnconv: {error}")
            return error.exit_status
        case BrokenPipeError():
            _discard(sys.stdout, sys.stderr)
            return EXIT_CLOSED_PIPE
        case OSError(errno=number, filename=str() as name) if number in UNUSABLE:
            complain(f"rnnconv: found {name!r} ({error.strerror}), wanted a file that can be reached")
            return EXIT_USAGE
        case OSError(errno=number, filename=None) if number in UNWRITABLE:
            _discard(sys.stdout)
            complain(f"rnnconv: standard output could not be written ({error.strerror})")
            return EXIT_COULD_NOT_MEASURE
        case _:
            return None


def _follows_from_a_lost_folder(error: Exception) -> bool:
    """Whether the current folder has been deleted, and the error comes of asking where it is."""
    root = error.__cause__ or error
    if not isinstance(root, FileNotFoundError) or root.filename is not None:
        return False
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _discard(*streams: TextIO | None) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush has nothing to complain about."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
