"""Federated averaging in one process, and what each role in it can tell of a party's examples."""
