"""An evaluation on arrays, and the record of any."""
