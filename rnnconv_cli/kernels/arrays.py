"""The one array type of the kernels: real floating arrays, float64 unless a claim asks for float32."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
