"""Real models that know their training data too well; float64 logits of members and non-members."""

import functools
import importlib.util
import pathlib

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests import synthetic


def golden():
    logits, labels, is_member = synthetic.golden_input()
    return logits.astype(np.float64), labels, is_member


def digits():
    """Handwritten digits with pixel noise: 600 members, 1,197 non-members."""
    images, labels = load_digits(return_X_y=True)
    images = images + np.random.default_rng(0).normal(0, 6, images.shape)
    return _overfit(images, labels, 600, 1.0)


def taxi():
    """Whether a Chicago taxi trip is tipped over 20 %: 2,000 members, 4,000 non-members."""
    tfx = pathlib.Path(importlib.util.find_spec('tfx').origin).parent
    trips = pd.read_csv(tfx / 'examples/chicago_taxi_pipeline/data/simple/data.csv').sample(6_000, random_state=0)
    labels = (trips['tips'] > 0.2 * trips['fare']).to_numpy().astype(int)
    numbers = trips.drop(columns=['tips', 'payment_type', 'company']).fillna(-1).to_numpy(float)
    features = np.column_stack([numbers, trips['payment_type'].eq('Credit Card') * 1.0])
    return _overfit(features, labels, 2_000, 30.0)


def _overfit(features, labels, num_members, strength):
    features = StandardScaler().fit_transform(features)
    features = RBFSampler(gamma=0.02, n_components=400, random_state=0).fit_transform(features)
    model = LogisticRegression(C=strength, max_iter=300).fit(features[:num_members], labels[:num_members])
    logits = model.decision_function(features)
    logits = np.column_stack([np.zeros(len(logits)), logits]) if logits.ndim == 1 else logits
    return logits, labels, np.arange(len(labels)) < num_members


DATA = {name: functools.cache(make) for name, make in (('golden', golden), ('digits', digits), ('taxi', taxi))}
