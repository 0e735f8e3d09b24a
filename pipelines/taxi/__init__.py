"""Chicago taxi tips: two models with the same architecture, one of which leaks its training data."""

import sys

# Read by tensorflow_privacy, which otherwise imports Estimators, and TensorFlow no longer has those.
vars(sys)['skip_tf_privacy_import'] = True
