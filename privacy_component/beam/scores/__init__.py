"""Scores, fits and counts."""
