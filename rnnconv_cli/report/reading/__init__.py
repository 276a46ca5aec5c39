"""TEXT → REPORT: a stored document read back as a stranger's, every part checked."""
