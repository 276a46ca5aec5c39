"""Arrays to arrays: forward pass, gradient, descent and layer products of the recurrent network, twice.

`reference.py` is written for reading, `compiled.py` for speed; `backend.py` names both. Compiled code is cached on
disk, and numba fixes the place when `compiled.py` is imported: it must be set here, before that. It is set in the
environment, where worker processes and numba itself find it; where numba has been imported before, in its configuration
too. Importing this package alone imports no compiler.
"""

from __future__ import annotations

import os
import sys

from rnnconv_cli.kernels.cache import VARIABLE, choose_folder

CACHE_FOLDER = choose_folder(os.environ)
os.environ[VARIABLE] = str(CACHE_FOLDER)
if "numba" in sys.modules:
    sys.modules["numba"].config.CACHE_DIR = os.environ[VARIABLE]
