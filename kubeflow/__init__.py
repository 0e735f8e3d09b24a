"""The taxi pipeline on Kubeflow Pipelines v2."""

import warnings

# Google's libraries, which TFX imports, warn some twenty times of what they will need one day, and nobody who compiles
# a pipeline can act on it.
warnings.filterwarnings('ignore', category=FutureWarning, module=r'google\.(api_core|cloud)\.')
