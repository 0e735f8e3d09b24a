"""Audits: what an attack says about differential privacy."""
