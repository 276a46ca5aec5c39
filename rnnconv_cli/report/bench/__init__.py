"""BENCH → TEXT: what a bench has found, as a table, a document and a plot."""
