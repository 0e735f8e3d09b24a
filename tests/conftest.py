"""Quiet logs: a failing test should show its own error, not Beam's and TensorFlow's. And a salt, for equal ids."""

import logging
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['PRIVACY_COMPONENT_SALT'] = 'a salt for tests only'
logging.getLogger('apache_beam').setLevel(logging.CRITICAL)
