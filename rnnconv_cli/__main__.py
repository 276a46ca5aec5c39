"""`python -m rnnconv_cli`: the same as `rnnconv`."""

from __future__ import annotations

import signal
import sys

from rnnconv_cli.errors import EXIT_INTERRUPTED


def main() -> int:
    """Carry out the command line of this process; a Ctrl-C while the program is imported ends it without a word."""
    try:
        from rnnconv_cli.cli.main import main as carry_out
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return carry_out()


if __name__ == "__main__":  # worker processes import this module under another name
    status = main()
    if status == EXIT_INTERRUPTED:
        # An interrupt that fell into text which Python was executing, as many an import does, is sent again at the end
        # of `python -m`, served or not. Blocked, it leaves the exit status as it is.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    sys.exit(status)
