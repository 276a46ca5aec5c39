"""RESULT ↔ BUNDLE: one file that holds all that a result rests on, and its check without measuring."""
