"""SEED → INSTANCE: the network and the sequences that one trial draws."""
