"""The TFX component."""
