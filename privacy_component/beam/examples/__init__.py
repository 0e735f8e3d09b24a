"""From files to features."""
