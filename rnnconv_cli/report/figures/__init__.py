"""CHECK → FIGURE: what a check shows, as records; and their drawing."""
