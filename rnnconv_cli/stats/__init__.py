"""VALUES → INTERVALS: estimators with intervals that hold for few replicates. Nothing here knows about networks."""
