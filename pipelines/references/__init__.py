"""A pipeline whose model passes a loss threshold and is blocked by attacks with reference models."""
