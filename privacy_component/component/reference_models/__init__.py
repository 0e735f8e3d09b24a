"""ReferenceModels: models trained as the audited one is, each on half of the examples."""
