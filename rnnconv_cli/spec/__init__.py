"""Claim files: text becomes frozen values, or every violation with its place. Knows YAML, no networks and no arrays."""
