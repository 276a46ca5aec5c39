"""SPEC → TRIALS → OBSERVATIONS: what to measure, where, and with which part of the machine."""
