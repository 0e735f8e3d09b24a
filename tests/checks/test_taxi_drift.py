"""Taxi trips split by time: a model that leaks little seems to leak much, and the blind baseline says why.

The attack's AUC is that of the loss on a regularised model of tips. Half of the early trips are members; the truth is
what the other half, trips of the same time that the model has never seen, show as non-members.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from privacy_component import PrivacyConfig, evaluate_privacy
from tests.checks.sketching import sketch_of
from tests.component.world import serialize

TRIPS = Path(importlib.util.find_spec('tfx').submodule_search_locations[0]).joinpath(
    'examples', 'chicago_taxi_pipeline', 'data', 'simple', 'data.csv'
)
CATEGORIES = ['company', 'payment_type', 'pickup_community_area', 'dropoff_community_area', 'trip_start_hour']
TIME = 'trip_start_timestamp'
NUMBERS = ['fare', 'trip_miles', 'trip_seconds', TIME]


@pytest.fixture(scope='module')
def trips():
    return pd.read_csv(TRIPS)


@pytest.fixture(scope='module')
def splits(trips):
    """Rows of: members, trips of the same time, later trips; and a random half and its rest."""
    in_time = np.argsort(trips[TIME].to_numpy(), kind='stable')
    rng = np.random.default_rng(0)
    early, late = np.split(in_time, 2)
    members, held_out = np.split(rng.permutation(early)[: len(early) // 2 * 2], 2)
    shuffled = np.split(rng.permutation(len(trips)), 2)
    return {'members': members, 'held out': held_out, 'late': late, 'random': shuffled[0], 'rest': shuffled[1]}


@pytest.fixture(scope='module')
def model(trips, splits):
    prepared = make_column_transformer(
        (OneHotEncoder(handle_unknown='ignore', min_frequency=10), CATEGORIES),
        (make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
    )
    network = MLPClassifier((32,), alpha=1.0, early_stopping=True, max_iter=60, random_state=0)
    members = trips.iloc[splits['members']]
    return make_pipeline(prepared, network).fit(members, big_tip(members))


def big_tip(trips):
    return (trips['tips'] > 0.2 * trips['fare']).astype(int).to_numpy()


def loss_auc(trips, splits, model, members, non_members):
    rows = trips.iloc[np.concatenate([splits[members], splits[non_members]])]
    result = evaluate_privacy(
        is_member=np.arange(len(rows)) < len(splits[members]),
        labels=big_tip(rows),
        probabilities=model.predict_proba(rows),
        config=PrivacyConfig(attacks=('loss_threshold',), slices={'by_class': False}),
    )
    return result.results[0].metrics['auc'].value


def blind(trips, splits, members, non_members, leave_out=()):
    """The blind baseline as the job measures it, on serialized trips."""
    kept = trips.drop(columns=['tips', *leave_out])
    records = [
        [
            serialize({name: value for name, value in row.items() if value == value})
            for row in kept.iloc[splits[name]].to_dict('records')
        ]
        for name in (members, non_members)
    ]
    return sketch_of(*records).figures(is_grouped=False, seed=0)['blind']


def test_the_attack_on_a_split_by_time_measures_drift(trips, splits, model):
    """Members against later trips 'leak'; so do trips that the model has never seen, and as much."""
    faked = loss_auc(trips, splits, model, 'members', 'late')
    truth = loss_auc(trips, splits, model, 'members', 'held out')
    never_seen = loss_auc(trips, splits, model, 'held out', 'late')
    assert faked > 0.63
    assert truth < 0.53
    assert abs(faked - never_seen) < 0.03


@pytest.mark.parametrize(('leave_out', 'least'), [((), 0.99), ((TIME,), 0.6)])
def test_the_blind_baseline_tells_early_from_late(trips, splits, leave_out, least):
    found = blind(trips, splits, 'members', 'late', leave_out)
    assert found.auc > least
    assert found.lower > 0.5
    assert found.features[0] in (TIME, 'trip_start_month', 'trip_start_day')


@pytest.mark.parametrize('sides', [('random', 'rest'), ('members', 'held out')])
def test_a_random_split_is_no_drift(trips, splits, sides):
    found = blind(trips, splits, *sides)
    assert abs(found.auc - 0.5) < 0.02
    assert found.lower <= 0.5
