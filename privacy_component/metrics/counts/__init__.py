"""Counts of scores that merge by adding integers."""
