"""What RocCounts say: AUC, rates, intervals."""
