from typing import Any

Line2D: Any
