from typing import Any

Figure: Any
