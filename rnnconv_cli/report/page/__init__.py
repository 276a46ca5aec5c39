"""REPORT → PAGE: one HTML file that holds everything, for people."""
