"""Types of matplotlib as far as a plot of a bench needs them; it is optional."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

def rc_context(rc: Mapping[str, str | float]) -> AbstractContextManager[None]: ...
