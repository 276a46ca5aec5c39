"""Types of the part of numba's types that rnnconv uses."""

from typing import Any

class Array: ...

def void(*arguments: Any) -> Any: ...
def float64(*arguments: Any) -> Any: ...

boolean: Any
intp: Any
int64: Any
