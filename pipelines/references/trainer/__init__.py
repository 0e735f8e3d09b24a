"""Alone in its folder, because TFX packages everything beside a module file."""
