"""The evaluation as an Apache Beam job."""
