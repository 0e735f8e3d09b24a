"""Chicago taxi tips: two models with the same architecture, one of which leaks its training data."""
