"""ARGV → CALLS → EXIT STATUS: one file per command, and the only place that knows the terminal."""
