"""`python -m rnnconv_cli`: the same as `rnnconv`."""

from __future__ import annotations

import sys

from rnnconv_cli.cli.main import main

if __name__ == "__main__":  # worker processes import this module under another name
    sys.exit(main())
