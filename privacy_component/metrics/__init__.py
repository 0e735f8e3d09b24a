"""From scores to figures: counts that merge, the ROC, and limits with a stated error rate."""
