"""The taxi pipeline on Kubeflow Pipelines v2."""
