"""Example TFX pipelines that end in a PrivacyEvaluator."""
