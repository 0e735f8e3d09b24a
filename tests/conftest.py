"""Quiet logs: a failing test should show its own error, not Beam's and TensorFlow's."""

import logging
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
logging.getLogger('apache_beam').setLevel(logging.CRITICAL)
