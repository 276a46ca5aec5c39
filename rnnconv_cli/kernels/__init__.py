"""Arrays to arrays: forward pass, gradient, descent and layer products of the recurrent network, twice.

`reference.py` is written for reading, `compiled.py` for speed; `backend.py` names both. Compiled code is cached on
disk, and numba fixes the place when `compiled.py` is imported: it must be set here, before that. It is set in the
environment too, so that worker processes and a later reload of numba's configuration agree with this process.
"""

from __future__ import annotations

import os

from numba.core import config

from rnnconv_cli.kernels.cache import VARIABLE, choose_folder

CACHE_FOLDER = choose_folder(os.environ)
os.environ[VARIABLE] = config.CACHE_DIR = str(CACHE_FOLDER)
