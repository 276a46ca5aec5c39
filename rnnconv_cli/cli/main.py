"""The `rnnconv` command: the only place that turns an error into a message and an exit status."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

import click

from rnnconv_cli import __version__
from rnnconv_cli.cli.console import complain
from rnnconv_cli.cli.doctor import doctor
from rnnconv_cli.cli.list import list_claims
from rnnconv_cli.cli.new import new
from rnnconv_cli.cli.options import example
from rnnconv_cli.cli.show import show
from rnnconv_cli.cli.validate import validate
from rnnconv_cli.cli.verify import verify
from rnnconv_cli.errors import EXIT_CLOSED_PIPE, Interrupted, RnnconvError, SpecError, Terminated

COMMANDS: dict[str, click.Command] = {
    "list": list_claims,
    "show": show,
    "verify": verify,
    "validate": validate,
    "new": new,
    "doctor": doctor,
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
      0    no verdict contradicts its expectation
      2    usage, or an invalid claim file: nothing was run
      3    a verdict contradicts its expectation
      4    something is inconclusive (only with --strict)
      5    something could not be measured or written
      130  interrupted; 143 terminated; 141 the reader of the output has gone
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status. A crash stays a traceback."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    with _sigterm_as_interrupt():
        try:
            return _run(words)
        except click.ClickException as error:
            error.show(shown := io.StringIO())
            complain(shown.getvalue().rstrip("\n"))
            return error.exit_code
        except RnnconvError as error:
            complain(str(error) if isinstance(error, SpecError) else f"rnnconv: {error}")
            return error.exit_status
        except KeyboardInterrupt as stop:
            end = Terminated() if stop.args == (signal.SIGTERM,) else Interrupted()
            complain(f"rnnconv: {end}")
            return end.exit_status
        except BrokenPipeError:
            _discard_output()
            return EXIT_CLOSED_PIPE


def _run(words: Sequence[str]) -> int:
    try:
        with program.make_context("rnnconv", list(words), obj=("rnnconv", *words)) as context:
            program.invoke(context)
        status = 0
    except click.exceptions.Exit as end:
        status = end.exit_code
    if sys.stdout is not None:
        sys.stdout.flush()  # here, where a closed pipe is still served
    return status


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Serve SIGTERM on the same path as Ctrl-C: no library swallows a KeyboardInterrupt."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.SIGTERM)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush has nothing to complain about."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
