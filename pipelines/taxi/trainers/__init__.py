"""One folder per trainer: TFX packages everything in the folder of a module file."""
