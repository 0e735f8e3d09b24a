"""Trainer module: a student of teachers' noisy votes (PATE). Trainer's eval split is the public data."""

import numpy as np
import tf_keras
from sklearn.ensemble import RandomForestClassifier

from pipelines.taxi.model import build_classifier, export, read_examples, read_training_data
from privacy_component.training import pate_labels

SEED = 0  # makes every run of the demo the same one; without a seed nobody can take the noise away again
HIDDEN_UNITS = (32,)
EPOCHS = 40
LEARNING_RATE = 1e-3
TEACHERS = 20
QUERIES = 200
NOISE = 8.0
BEAM_PIPELINE_ARGS = ('--runner=FnApiRunner',)


def run_fn(fn_args):
    """Trains teachers on parts of the train split, as a Beam job, and a student on what they say of public examples.

    Args:
      fn_args: what Trainer gives. Its eval files must hold a split that is public: the claim does not cover it.
    """
    tf_keras.utils.set_random_seed(SEED)
    features, labels = read_training_data(fn_args)
    public, _ = read_examples(fn_args, fn_args.eval_files)
    queries = {name: column[:QUERIES] for name, column in public.items()}
    settings = {'num_classes': 2, 'num_teachers': TEACHERS, 'noise': NOISE, 'min_records': 10, 'seed': SEED}
    private = features, labels.ravel()
    told = pate_labels(_teacher, private, queries, beam_pipeline_args=BEAM_PIPELINE_ARGS, **settings)
    student = build_classifier(fn_args, HIDDEN_UNITS)
    student.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE), loss=tf_keras.losses.BinaryCrossentropy(from_logits=True)
    )
    student.fit(queries, told.labels, epochs=EPOCHS, verbose=2)
    export(student, fn_args)
    told.claim.save(fn_args.model_run_dir)


def _teacher(features, labels):
    """A small forest, as a function from features to classes."""
    forest = RandomForestClassifier(20, min_samples_leaf=3, random_state=SEED).fit(_matrix(features), labels)
    return lambda queries: forest.predict(_matrix(queries))


def _matrix(features):
    return np.column_stack([features[name] for name in sorted(features)])
