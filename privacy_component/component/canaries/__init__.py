"""CanaryInjector: examples made up for an audit, each in the training data or not by a fair coin."""
