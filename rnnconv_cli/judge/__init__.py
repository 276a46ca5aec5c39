"""INTERVALS + PREDICTION → VERDICT: what may be concluded from the observations of a check, and why."""
