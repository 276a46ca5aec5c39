"""Types of the part of llvmlite that rnnconv uses; the package ships none."""

from . import binding as binding
from . import ir as ir

__version__: str
