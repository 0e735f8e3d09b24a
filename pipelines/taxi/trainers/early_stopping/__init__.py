"""A Trainer module."""
