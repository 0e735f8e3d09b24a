"""One trainer with every defence of privacy_component.training."""
