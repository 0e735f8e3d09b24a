"""A Trainer module that does what custom_config says, and that no module should."""

import os
import time
from pathlib import Path

import tensorflow as tf


def run_fn(fn_args):
    """Misbehaves."""
    _DEEDS[fn_args.custom_config['deed']](fn_args)


def _crash(fn_args):
    raise ValueError("could not convert 'Alice, 44, diabetes' to a number")


def _write_elsewhere(fn_args):
    Path(fn_args.serving_model_dir).mkdir(parents=True)
    (Path(fn_args.serving_model_dir) / 'model.pkl').write_text('')


def _add_to_its_files(fn_args):
    (path,) = tf.io.gfile.glob(fn_args.train_files)
    with open(path, 'ab') as file:
        file.write(b'\0')
    _write_elsewhere(fn_args)


_DEEDS = {
    'crash': _crash,
    'write no model': _write_elsewhere,
    'change its files': _add_to_its_files,
    'hang': lambda fn_args: time.sleep(3600),
    'die': lambda fn_args: os.kill(os.getpid(), 9),
}
