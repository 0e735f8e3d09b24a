"""From figures to a verdict with reasons; pure."""
